"""Whether it is dark by the photocells of a gateway, each debounced over several readings."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog

from edge.clock.timekeeper import Timekeeper
from edge.devices.device import Device
from edge.outbox import RecordSink
from edge.polling.presence import Presence
from edge.polling.reader import DeviceReader
from protocols.cabinet import CabinetReading
from protocols.events import DeviceEvent, EventType

log = structlog.get_logger(__name__)

AGREEMENT: Final = timedelta(seconds=55)
"""How long all readings of a cell must agree: headlights and lightning must not switch a street.

Our choice: a little less than a minute, so that two polls a minute apart suffice even if one is late.
"""

_CHECK_EVERY_S = 1.0
_STATE_NAMES: Final = {True: "dark", False: "daylight", None: "unknown"}


class DebouncedCell:
    """One debounced photocell. Pure: `state` is True for dark, None until its readings have agreed."""

    def __init__(self) -> None:
        self.state: bool | None = None
        self._candidate: bool | None = None
        self._since: datetime | None = None

    def add(self, output_on: bool | None, at: datetime) -> None:
        """Take a reading; None if there was none, which makes the state unknown at once."""
        if output_on is None or output_on == self.state:
            self.state, self._candidate = output_on, None
        elif self._since is None or output_on != self._candidate:
            self._candidate, self._since = output_on, at
        elif at - self._since >= AGREEMENT:
            self.state, self._candidate = output_on, None


class Photocells:
    """The photocells of one gateway's cabinets."""

    def __init__(self, timekeeper: Timekeeper, records: RecordSink) -> None:
        self._timekeeper = timekeeper
        self._records = records
        self._cells: dict[Device, tuple[DebouncedCell, Presence]] = {}
        self._reported: dict[Device, bool] = {}

    def watch(self, reader: DeviceReader, cabinets: Iterable[Device]) -> None:
        """Use the photocells of these cabinets, which `reader` reads."""
        new = {device: (DebouncedCell(), reader.presences[device]) for device in cabinets}
        if new:
            self._cells |= new
            reader.cabinet_observers.append(self)

    def is_dark(self) -> bool | None:
        """Return whether the street needs light; None while the state of every cell is unknown.

        Where cells disagree it is dark: light that is not needed does less harm than darkness.
        """
        states = [cell.state for cell, presence in self._cells.values() if presence.is_responsive]
        known = [state for state in states if state is not None]
        return any(known) if known else None

    def observe(self, device: Device, reading: CabinetReading) -> None:
        """Take a polled reading; records dusk and dawn of a cell as an event each."""
        if device not in self._cells:
            return
        cell, _ = self._cells[device]
        cell.add(reading.photocell_output_on, self._timekeeper.steady.now())
        if cell.state is not None and cell.state is not self._reported.get(device):
            self._reported[device] = cell.state
            kind, now = EventType.PHOTOCELL_OUTPUT_ON, self._timekeeper.now()
            self._records.append(DeviceEvent(device.id, kind, now, cell.state))

    async def run(self, on_change: Callable[[], None]) -> None:
        """Call `on_change` whenever `is_dark` changes, until cancelled."""
        before: bool | None = None
        while self._cells:
            # No reading comes from a cabinet that has become unresponsive: look for those.
            for cell, presence in self._cells.values():
                if not presence.is_responsive:
                    cell.add(None, self._timekeeper.steady.now())
            if (present := self.is_dark()) is not before:
                log.info("photocell_changed", state=_STATE_NAMES[present])
                before = present
                on_change()
            await asyncio.sleep(_CHECK_EVERY_S)
