"""What the photocells of a gateway say of the sky, once they have said so long enough to be believed."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog

from edge.clock.timekeeper import Timekeeper
from edge.devices.device import Device
from edge.outbox import Record
from edge.polling.reader import Reader
from protocols.cabinet import CabinetReading
from protocols.events import DeviceEvent, EventType

log = structlog.get_logger(__name__)

AGREEMENT: Final = timedelta(seconds=55)
"""So long all readings must agree before a street is switched by them: headlights pass, lightning passes.

A little less than a minute, so that two polls a minute apart are enough whatever the line adds to them.
"""

_LOOK_EVERY_S = 1.0


class SteadyCell:
    """One photocell without its flutter. Pure: `state` is None until the cell can be believed."""

    def __init__(self) -> None:
        self.state: bool | None = None
        self._candidate: bool | None = None
        self._since: datetime | None = None

    def saw(self, output_on: bool | None, at: datetime) -> None:
        """A reading; None when there was none to be had, and nothing is known any more."""
        if output_on is None or output_on == self.state:
            self.state, self._candidate = output_on, None
        elif self._since is None or output_on != self._candidate:
            self._candidate, self._since = output_on, at
        elif at - self._since >= AGREEMENT:
            self.state, self._candidate = output_on, None


class Photocells:
    """The photocells of one gateway's cabinets."""

    def __init__(self, keeper: Timekeeper, record: Callable[[Record], object]) -> None:
        self._keeper = keeper
        self._record = record
        self._cells: dict[Device, SteadyCell] = {}
        self._reported: dict[Device, bool] = {}

    def watch(self, reader: Reader, cabinets: Iterable[Device]) -> None:
        """Go by the photocells of these cabinets, which the reader reads."""
        new = {device: SteadyCell() for device in cabinets}
        if new:
            self._cells |= new
            reader.add_observer(self.observe)

    def is_dark(self) -> bool | None:
        """Whether the street needs light; None while no photocell can be believed.

        Where cells disagree it is dark: light nobody needs harms less than darkness.
        """
        states = [cell.state for device, cell in self._cells.items() if device.answering]
        known = [state for state in states if state is not None]
        return any(known) if known else None

    def observe(self, device: Device) -> None:
        """A reading came."""
        cell, reading = self._cells.get(device), device.last_reading
        if cell is None or not isinstance(reading, CabinetReading):
            return
        cell.saw(reading.photocell_output_on, self._keeper.steady.now())
        if cell.state is not None and cell.state is not self._reported.get(device):
            self._reported[device] = cell.state
            kind, now = EventType.PHOTOCELL_OUTPUT_ON, self._keeper.now()
            self._record(DeviceEvent(device.id, kind, now, cell.state))

    async def run(self, on_change: Callable[[], None]) -> None:
        """Tell of each change, that of a cell which falls silent too, until cancelled."""
        before: bool | None = None
        while self._cells:
            for device, cell in self._cells.items():
                if not device.answering:
                    cell.saw(None, self._keeper.steady.now())
            if (present := self.is_dark()) is not before:
                log.info("photocell", says={True: "dark", False: "day", None: "nothing"}[present])
                before = present
                on_change()
            await asyncio.sleep(_LOOK_EVERY_S)
