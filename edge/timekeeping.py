"""What time it is, and whether that is known: a gateway may start long before its clock has been set."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from protocols.clock import Clock, ScaledClock

log = structlog.get_logger(__name__)

EARLIEST: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock that shows an earlier time has not been set since the power came back."""

SEEN_EVERY_S: Final = 600.0
"""How often, in wall time, the present time should be kept for the next start."""

_CHECK_UNKNOWN_EVERY_S = 1.0
_CHECK_KNOWN_EVERY_S = 10.0
_STEP = timedelta(seconds=0.5)


def steady_clock(clock: Clock) -> Clock:
    """A clock at the pace of `clock` that nobody sets: for cadences, and for time that is not known."""
    return ScaledClock(max(clock.now(), EARLIEST), time.monotonic(), clock.speed, time.monotonic)


class Timekeeper:
    """A Clock that never shows a time that cannot be.

    While the system's clock is not believed, its time is *provisional*: it goes on from the latest time that
    was ever kept. It is too early by as long as the power was away, and by that it is put right once the time
    becomes known: from the system's clock, or from the cloud.
    """

    def __init__(self, clock: Clock, steady: Clock, synchronized_file: Path | None = None) -> None:
        self._clock = clock
        self.steady = steady
        self._synchronized_file = synchronized_file
        self._known = False
        self._follows_system = False
        self._missed = False
        self._anchor = EARLIEST
        self._anchored_at = EARLIEST
        self._on_known: list[Callable[[timedelta], None]] = []
        self._on_step: list[Callable[[], None]] = []

    @property
    def speed(self) -> float:
        """Domain seconds that pass in one wall second."""
        return self._clock.speed

    @property
    def is_known(self) -> bool:
        """Whether the time shown is the right one, as far as can be known."""
        return self._known

    def now(self) -> datetime:
        """The present instant, or the best guess at it."""
        if self._follows_system and (present := self._clock.now()) >= EARLIEST:
            return present
        return self._anchor + (self.steady.now() - self._anchored_at)

    def add_observer(self, on_known: Callable[[timedelta], None], on_step: Callable[[], None]) -> None:
        """Say when provisional times turn out to be off by a shift, and when the clock has been set."""
        self._on_known.append(on_known)
        self._on_step.append(on_step)

    def start(self, last_seen: datetime | None) -> None:
        """Begin, knowing the latest time of an earlier start.

        Records of an earlier start that never got to know the time are put right as though the power had been
        away for no time at all: nothing better is known of them.
        """
        present = self._clock.now()
        candidates = [EARLIEST, present]
        if last_seen is not None:
            # Later than anything that was stamped before.
            candidates.append(last_seen + timedelta(seconds=SEEN_EVERY_S) * self.speed)
        if self._system_is_believed(present):
            self._set_anchor(candidates[-1])
            self._learn(present, follows_system=True)
            return
        self._missed = True
        self._set_anchor(max(candidates))
        log.warning("clock is not trusted", shows=present.isoformat(), going_on_from=self._anchor.isoformat())

    async def run(self) -> None:
        """Look after the system's clock until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_KNOWN_EVERY_S if self._known else _CHECK_UNKNOWN_EVERY_S)
            self.check()

    def check(self) -> None:
        """See whether the system's clock is believed now, and whether it was set."""
        present = self._clock.now()
        if self._follows_system and present < EARLIEST:
            log.warning("clock fell back: going on without it", shows=present.isoformat())
            self._follows_system = False
            self._missed = True
        elif self._follows_system or self._system_is_believed(present):
            self._learn(present, follows_system=True)

    def told(self, time: datetime) -> None:
        """The cloud says what time it is; that is believed while there is nothing better."""
        if not self._known and time >= EARLIEST:
            self._learn(time, follows_system=False)

    def _system_is_believed(self, present: datetime) -> bool:
        if present < EARLIEST:
            return False
        return self._synchronized_file is None or self._synchronized_file.exists()

    def _learn(self, present: datetime, *, follows_system: bool) -> None:
        shift = present - (self._anchor + (self.steady.now() - self._anchored_at))
        was_known, self._known = self._known, True
        self._follows_system = follows_system
        self._set_anchor(present)
        is_step = abs(shift) >= _STEP * max(1.0, self.speed)
        self._report(present, shift, was_set=was_known and is_step)
        if not was_known:
            for known in self._on_known:
                known(shift)
        if is_step:
            for step in self._on_step:
                step()

    def _report(self, present: datetime, shift: timedelta, *, was_set: bool) -> None:
        """Say that the time is known to whoever was told that it is not, or that the clock was set."""
        if self._missed:
            self._missed = False
            log.info("time is known", time=present.isoformat(), moved_s=shift.total_seconds())
        elif was_set:
            log.info("clock was set", moved_s=shift.total_seconds())

    def _set_anchor(self, present: datetime) -> None:
        self._anchor, self._anchored_at = present, self.steady.now()
