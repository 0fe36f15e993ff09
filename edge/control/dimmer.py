"""Keeps the lamps of one line at the level they should have now: through dusk, dawn, restarts, silences."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from edge.control.broadcast import broadcast_blocker, units_of
from edge.control.level_writer import LevelWriter, Problems
from edge.control.levels import Levels
from edge.devices.device import Device
from edge.line import Lane
from edge.outbox import Record
from protocols.clock import Clock, wall_seconds_until
from protocols.events import DeviceEvent, EventType
from protocols.lamp import LampReading

log = structlog.get_logger(__name__)

_RETRY_S = 3.0
_RETRY_DISOBEDIENT_S = 30.0
_LONGEST_WAIT_S = 300.0


class Dimmer:
    """The light of one line. At the start the level of now is asserted, whatever was told before."""

    def __init__(
        self,
        teller: LevelWriter,
        levels: Levels,
        devices: Sequence[Device],
        clock: Clock,
        record: Callable[[Record], object],
    ) -> None:
        self.teller = teller
        self._levels = levels
        self._lamps = [device for device in devices if device.dimmable]
        self._may_broadcast = broadcast_blocker(units_of(devices)) is None
        self._clock = clock
        self._record = record
        self._wake = asyncio.Event()
        self._retry_at: dict[Device, float] = {}
        self._disobedient: set[Device] = set()
        self._in_hand: Counter[Device] = Counter()

    async def run(self) -> None:
        """Assert the level of now and every change of it, until cancelled."""
        while True:
            self._wake.clear()
            next_change = self.refresh()
            wall = asyncio.get_running_loop().time()
            stale = [lamp for lamp in self._lamps if self._is_stale(lamp, wall)]
            if stale:
                problems = await self.teller.settle(stale, Lane.READ_BACK, may_broadcast=self._may_broadcast)
                self._judge(stale, problems)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s(next_change, wall)):
                    await self._wake.wait()

    def refresh(self) -> datetime | None:
        """Set every lamp's target to its level of now; returns when one changes next."""
        now = self._clock.now()
        changes: list[datetime] = []
        for lamp in self._lamps:
            level = self._levels.at(lamp.id, now)
            if lamp.target_level_percent != level.level_percent:
                self._retry_at.pop(lamp, None)
            lamp.target_level_percent = level.level_percent
            lamp.reason = level.reason
            if level.until is not None:
                changes.append(level.until)
        return min(changes, default=None)

    async def settle(
        self,
        devices: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,
        on_confirmed: Callable[[Device], None] | None = None,
    ) -> Problems:
        """Bring lamps to their targets; returns those that did not follow, and why.

        Until it is done nobody else tells them: wake the dimmer then.
        """
        lamps = list(devices)
        self._in_hand.update(lamps)
        try:
            problems = await self.teller.settle(
                lamps, lane, ramp_s, on_confirmed, may_broadcast=self._may_broadcast
            )
        finally:
            self._in_hand.subtract(lamps)
        for lamp in lamps:
            if lamp not in problems:
                self._disobeys(lamp, None)
        return problems

    def wake(self) -> None:
        """Look again at what the levels should be and are."""
        self._wake.set()

    def observe(self, device: Device) -> None:
        """A reading came: a lamp that is new, back, restarted or at another level than told is told again."""
        if not device.dimmable:
            return
        reading, told = device.last_reading, device.written_level_percent
        feedback = reading.feedback_level_percent if isinstance(reading, LampReading) else None
        if told is not None and feedback not in (None, told):
            device.invalidate_written()
        if device.written_level_percent is None:
            self._wake.set()

    def _is_stale(self, lamp: Device, wall: float) -> bool:
        return (
            lamp.written_level_percent != lamp.target_level_percent
            and lamp.answering is not False
            and not self._in_hand[lamp]
            and self._retry_at.get(lamp, wall) <= wall
        )

    def _wait_s(self, next_change: datetime | None, wall: float) -> float:
        waits = [_LONGEST_WAIT_S]
        if next_change is not None:
            waits.append(wall_seconds_until(self._clock, next_change))
        waits += [retry_at - wall for retry_at in self._retry_at.values() if retry_at > wall]
        return max(min(waits), 0.001)

    def _judge(self, lamps: Sequence[Device], problems: Problems) -> None:
        wall = asyncio.get_running_loop().time()
        for lamp in lamps:
            problem = problems.get(lamp)
            if problem is None:
                self._retry_at.pop(lamp, None)
                self._disobeys(lamp, None)
            else:
                self._retry_at[lamp] = wall + (_RETRY_DISOBEDIENT_S if problem.disobeyed else _RETRY_S)
                if problem.disobeyed:
                    self._disobeys(lamp, problem.why)

    def _disobeys(self, lamp: Device, why: str | None) -> None:
        """Record when a lamp begins, or ends, to ignore what it is told."""
        if (lamp in self._disobedient) == (why is not None):
            return
        if why is None:
            self._disobedient.discard(lamp)
            log.info("lamp follows again", lamp=lamp.id)
        else:
            self._disobedient.add(lamp)
            log.warning("lamp does not take its level", lamp=lamp.id, why=why)
        event = DeviceEvent(lamp.id, EventType.DIMMING_FAILURE, self._clock.now(), why is not None, why or "")
        self._record(event)
