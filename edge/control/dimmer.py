"""Holds the lamps of one line at the level they should have now: over dusk, dawn, restarts and silences."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from edge.control.level_writer import LevelWriter
from edge.control.levels import Levels
from edge.control.ports import Confirmation, OnConfirmed, Problems
from edge.devices.device import Device
from edge.line import Lane
from edge.outbox import RecordSink
from protocols.clock import Clock, wall_seconds_until
from protocols.events import DeviceEvent, EventType
from protocols.lamp import LampReading
from runtime.failure_reporter import KeyedFailureReporter

log = structlog.get_logger(__name__)

_RETRY_S = 3.0

_RETRY_DISOBEDIENT_S = 30.0
"""Our choice: a lamp that responds without obeying is seldom better seconds later, so others go first."""

_LONGEST_WAIT_S = 300.0

_NO_READ_BACK = "acknowledged; the lamp never reports its level"


class Dimmer:
    """The `Actuator` of a line's lamps. At the start the level of now is written, whatever it was before."""

    def __init__(self, writer: LevelWriter, levels: Levels, clock: Clock, records: RecordSink) -> None:
        self._writer = writer
        self._levels = levels
        self._clock = clock
        self._records = records
        self._wake = asyncio.Event()
        self._retry_at: dict[Device, float] = {}
        self._failures = KeyedFailureReporter(
            log, "dimming_failed", "dimming_recovered", key="device", level="warning"
        )

    async def run(self) -> None:
        """Write the level of now and every change of it, until cancelled."""
        while True:
            # Cleared before the levels are computed: a change after that ends the wait below.
            self._wake.clear()
            next_change = self.refresh()
            wall = asyncio.get_running_loop().time()
            due = [
                lamp
                for lamp in self._writer.states
                if self._writer.is_due(lamp) and self._retry_at.get(lamp, wall) <= wall
            ]
            if due:
                self._plan_retries(due, await self._writer.write_and_verify(due, Lane.READ_BACK))
                continue  # the levels may have changed while it wrote
            retries = [retry_at - wall for retry_at in self._retry_at.values() if retry_at > wall]
            waits = [_LONGEST_WAIT_S, *retries]
            if next_change is not None:
                waits.append(wall_seconds_until(self._clock, next_change))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(min(waits), 0.001)):
                    await self._wake.wait()

    def refresh(self) -> datetime | None:
        """Set every lamp's target to its level of now; returns when one changes next, None if never."""
        now = self._clock.now()
        changes: list[datetime] = []
        for lamp in self._writer.states:
            level = self._levels.at(lamp.id, now)
            if self._writer.set_target(lamp, level.level_percent, level.reason):
                # That it did not accept the level before is no evidence about the new one.
                self._retry_at.pop(lamp, None)
            if level.until is not None:
                changes.append(level.until)
        return min(changes, default=None)

    async def apply(
        self,
        devices: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,
        on_confirmed: OnConfirmed | None = None,
    ) -> Problems:
        """Bring lamps to their targets for a command; see `Actuator.apply`."""
        lamps = list(devices)

        def confirm(lamp: Device) -> None:
            if on_confirmed is not None:
                caveat = _NO_READ_BACK if lamp.feedback_point is None else ""
                on_confirmed(Confirmation(lamp, self._writer.states[lamp].target_level_percent, caveat))

        problems = await self._writer.write_and_verify(lamps, lane, ramp_s, confirm)
        for lamp in lamps:
            if lamp not in problems:
                self._report(lamp, None)
        return problems

    def wake(self) -> None:
        """Compare levels and lamps again."""
        self._wake.set()

    def observe(self, device: Device, reading: LampReading) -> None:
        """Write again to a polled lamp that is new, back, restarted, or at another level than written."""
        if device.dimmable and self._writer.compare(device, reading.feedback_level_percent):
            self._wake.set()

    def _plan_retries(self, lamps: Sequence[Device], problems: Problems) -> None:
        wall = asyncio.get_running_loop().time()
        for lamp in lamps:
            problem = problems.get(lamp)
            if problem is None:
                self._retry_at.pop(lamp, None)
                self._report(lamp, None)
                continue
            self._retry_at[lamp] = wall + (_RETRY_DISOBEDIENT_S if problem.disobeyed else _RETRY_S)
            if problem.disobeyed:  # else the reader has reported its silence
                self._report(lamp, problem.error)

    def _report(self, lamp: Device, error: str | None) -> None:
        """Log and record when a lamp begins to ignore its level, and when that ends."""
        changed = (
            self._failures.recovered(lamp.id) if error is None else self._failures.failed(lamp.id, error)
        )
        if changed:
            now, active = self._clock.now(), error is not None
            self._records.append(DeviceEvent(lamp.id, EventType.DIMMING_FAILURE, now, active, error or ""))
