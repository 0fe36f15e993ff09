"""Records about the gateway's time: its events for the cloud, and the time to start from after a restart."""

import asyncio
from datetime import timedelta
from typing import Protocol

from edge.clock.timekeeper import SEEN_EVERY_S, Timekeeper, TimeSource
from edge.outbox import Outbox, Record
from edge.storage.state import StateStore
from protocols.events import DeviceEvent, EventType


class CloudTime(Protocol):
    """Where the time can be requested from the cloud: the uplink."""

    def request_time(self) -> None:
        """Make the cloud send its time, once it is online."""
        ...


class TimestampedOutbox:
    """The `RecordSink` of everything that stamps records by the timekeeper."""

    def __init__(self, outbox: Outbox, timekeeper: Timekeeper) -> None:
        self._outbox = outbox
        self._timekeeper = timekeeper

    def append(self, record: Record, /) -> None:
        """Take one record; a provisional time is corrected before the record is sent."""
        self._outbox.append(record, timed=self._timekeeper.is_known)


class ClockEventReporter:
    """Observes the timekeeper: has provisional times corrected, and reports doubts as `lastSyncError`."""

    def __init__(self, gateway_id: str, timekeeper: Timekeeper, outbox: Outbox, cloud: CloudTime) -> None:
        self._gateway_id = gateway_id
        self._timekeeper = timekeeper
        self._outbox = outbox
        self._cloud = cloud

    def report_start(self, default_level_percent: int) -> None:
        """Report that the time is not known, if so; `report_corrected` reports the end of that."""
        if not self._timekeeper.is_known:
            level = f"lamps at {default_level_percent} %"
            self._report(
                f"clock not set or wrong: {level}, times are corrected later", active=True, timed=False
            )

    def report_corrected(self) -> None:
        """Report that provisional times, of this run or an earlier one, have been corrected."""
        self._report("time known, provisional times corrected", active=False)

    def clock_synchronised(self, shift: timedelta) -> None:
        """Have the outbox correct the times of its provisional records."""
        self._outbox.correct_times(shift)

    def clock_stepped(self) -> None:
        """Do nothing: a step of a known time is no fault."""

    def clock_doubted(self, reason: str | None) -> None:
        """Report that the time is in doubt, or with None that it no longer is."""
        self._report(reason or "time is reliable again", active=reason is not None)
        if self._timekeeper.source is TimeSource.HOLDOVER:
            self._cloud.request_time()

    def _report(self, info: str, *, active: bool, timed: bool = True) -> None:
        kind, now = EventType.LAST_SYNC_ERROR, self._timekeeper.now()
        self._outbox.append(DeviceEvent(self._gateway_id, kind, now, active, info), timed=timed)


async def save_time(timekeeper: Timekeeper, state: StateStore) -> None:
    """Save the present time every `SEEN_EVERY_S` for the next start, until cancelled."""
    while True:
        await state.save_time(timekeeper.now(), is_known=timekeeper.is_known)
        await asyncio.sleep(SEEN_EVERY_S)
