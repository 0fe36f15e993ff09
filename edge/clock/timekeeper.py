"""What time it is, and whether that is known: a gateway's clock may not be set yet, or be set wrong."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

import structlog

from protocols.clock import Clock, ScaledClock

log = structlog.get_logger(__name__)

EARLIEST: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock that shows an earlier time has not been set since the power came back."""

LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""A clock that shows a later time shows nonsense."""

LONGEST_ABSENCE: Final = timedelta(days=400)
"""A clock that is further ahead of the last time known than a gateway is ever without power."""

NEAR: Final = timedelta(minutes=2)
"""Nobody who is right about the time is further off; much more than a clock is ever stepped to be right."""

SEEN_EVERY_S: Final = 600.0
"""How often, in wall time, the present time should be kept for the next start."""

_CHECK_UNKNOWN_EVERY_S = 1.0
_CHECK_KNOWN_EVERY_S = 10.0
_STEP = timedelta(seconds=0.5)


def steady_clock(clock: Clock) -> Clock:
    """A clock at the pace of `clock` that nobody sets: for cadences, and for time that is not known."""
    return ScaledClock(max(clock.now(), EARLIEST), time.monotonic(), clock.speed, time.monotonic)


class Basis(Enum):
    """What the time that is shown goes by."""

    GUESS = "the last time kept"
    """The time is provisional: too early by as long as the power was away."""
    SYSTEM = "the system's clock"
    OWN = "the time known before"
    """The system's clock contradicts the time it showed before: nobody has said yet which one is right."""
    CLOUD = "the cloud"


class SynchronizedFile:
    """A file which the system writes each time its clock has been put right."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._before: tuple[int, int] | None = None

    @property
    def allows(self) -> bool:
        """Whether nothing is missing for the clock to count as set."""
        return self._path is None or self._path.exists()

    @property
    def is_there(self) -> bool:
        """Whether the system says that its clock has been right since it was started."""
        return self._path is not None and self._path.exists()

    def look(self) -> bool:
        """Whether it has been written since it was looked at last."""
        before, self._before = self._before, self._written()
        return self._before is not None and self._before != before

    def _written(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


class Timekeeper:
    """A Clock that never shows a time that cannot be, nor believes one that contradicts what it knows.

    While the time is not known it is *provisional*: it goes on from the latest time that was ever kept. By
    what that was off it is put right once the time becomes known: from the system's clock, or from the cloud.
    A system's clock that leaps where no clock is ever set is not followed until it is confirmed: meanwhile
    the time known before goes on.
    """

    def __init__(self, clock: Clock, steady: Clock, synchronized_file: Path | None = None) -> None:
        self._clock = clock
        self.steady = steady
        self._file = SynchronizedFile(synchronized_file)
        self._basis = Basis.GUESS
        self._confirmed = False
        self._suspected = False
        self._disputed = False
        self._missed = False
        self._last_known: datetime | None = None
        self._began_at = EARLIEST
        self._anchor = EARLIEST
        self._anchored_at = EARLIEST
        self._on_known: list[Callable[[timedelta], None]] = []
        self._on_step: list[Callable[[], None]] = []
        self._on_doubt: list[Callable[[str | None], None]] = []

    @property
    def speed(self) -> float:
        """Domain seconds that pass in one wall second."""
        return self._clock.speed

    @property
    def is_known(self) -> bool:
        """Whether the time shown is the right one, as far as can be known."""
        return self._basis is not Basis.GUESS

    @property
    def basis(self) -> Basis:
        """What the time shown goes by."""
        return self._basis

    def now(self) -> datetime:
        """The present instant, or the best guess at it."""
        held = self._held()
        if self._basis is Basis.SYSTEM and self._goes_on(present := self._clock.now(), held):
            return present
        return held

    def add_observer(
        self,
        on_known: Callable[[timedelta], None],
        on_step: Callable[[], None],
        on_doubt: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        """Say when provisional times turn out to be off by a shift, and when the clock has been set.

        `on_doubt` says why a time that was known is in doubt, and with None that it is so no longer.
        """
        self._on_known.append(on_known)
        self._on_step.append(on_step)
        self._on_doubt.append(on_doubt)

    def start(self, last_known: datetime | None, last_seen: datetime | None = None) -> None:
        """Begin, with the latest time known at an earlier start, and the latest seen, maybe provisional.

        Records of an earlier start that never got to know the time are put right as though the power had been
        away for no time at all: nothing better is known of them.
        """
        present = self._clock.now()
        self._last_known, self._began_at = last_known, self.steady.now()
        self._file.look()
        candidates = [EARLIEST]
        if self._can_be(present):
            candidates.append(present)
        # Later than anything that was stamped before.
        kept = [each for each in (last_known, last_seen) if each is not None]
        candidates += [each + timedelta(seconds=SEEN_EVERY_S) * self.speed for each in kept[-1:]]
        if self._system_is_believed(present):
            self._set_anchor(candidates[-1])
            self._confirmed = self._file.is_there
            self._learn(present, Basis.SYSTEM)
            return
        self._missed = True
        self._set_anchor(max(candidates))
        log.warning(
            "clock is not trusted",
            shows=present.isoformat(),
            known_before=last_known and last_known.isoformat(),
            going_on_from=self._anchor.isoformat(),
        )

    async def run(self) -> None:
        """Look after the system's clock until cancelled."""
        while True:
            is_well = self._basis in {Basis.SYSTEM, Basis.CLOUD} and not self._suspected
            await asyncio.sleep(_CHECK_KNOWN_EVERY_S if is_well else _CHECK_UNKNOWN_EVERY_S)
            self.check()

    def check(self) -> None:
        """See whether the system's clock is believed now, and whether it was set."""
        present = self._clock.now()
        is_confirmed = EARLIEST <= present < LATEST and self._file.look()
        self._confirmed = self._confirmed or is_confirmed
        if is_confirmed or self._system_is_believed(present):
            self._learn(present, Basis.SYSTEM)
        elif self._basis is Basis.SYSTEM and not self._suspected:
            self._suspected = True  # what sets a clock may be about to write the file
        elif self._basis is Basis.SYSTEM:
            self._doubt(present)

    def told(self, time: datetime) -> None:
        """The cloud says what time it is; a clock that is synchronised is believed rather."""
        if not EARLIEST <= time < LATEST:
            return
        present, held = self._clock.now(), self._held()
        if self._basis is Basis.SYSTEM and self._goes_on(present, held):
            is_near = self._is_near(present, time)
            if is_near or self._file.is_there:
                self._confirmed = self._confirmed or is_near
                self._dispute(present, time, is_over=is_near)
                return
            self._overrule(present, time)
        self._confirmed = True
        if self._is_near(present, time) and self._file.allows:
            self._learn(present, Basis.SYSTEM)
        elif self.is_known and self._is_near(held, time):
            self._learn(held, Basis.CLOUD)
        else:
            self._learn(time, Basis.CLOUD)

    def _system_is_believed(self, present: datetime) -> bool:
        if self._basis is Basis.SYSTEM:
            return self._goes_on(present, self._held())
        if self._basis is Basis.OWN:
            return self._is_near(present, self._held())
        if not self._file.allows:
            return False
        return self._is_near(present, self._held()) if self._basis is Basis.CLOUD else self._can_be(present)

    def _goes_on(self, present: datetime, held: datetime) -> bool:
        """Whether a clock that showed `held` may show this now: far ahead only if never confirmed."""
        furthest = self._near if self._confirmed else LONGEST_ABSENCE
        return EARLIEST <= present < LATEST and -self._near <= present - held <= furthest

    def _can_be(self, present: datetime) -> bool:
        """Whether a clock may show this at a start, by what was known before it."""
        if not EARLIEST <= present < LATEST:
            return False
        if self._last_known is None:
            return True
        since = present - self._last_known - (self.steady.now() - self._began_at)
        return -self._near <= since <= LONGEST_ABSENCE

    def _is_near(self, one: datetime, other: datetime) -> bool:
        return abs(one - other) <= self._near

    @property
    def _near(self) -> timedelta:
        return NEAR * max(1.0, self.speed)

    def _doubt(self, present: datetime) -> None:
        """The clock has leapt, and nobody vouches for it."""
        held = self._held()
        self._basis, self._suspected, self._missed = Basis.OWN, False, True
        log.warning("clock leapt: going on without it", shows=present.isoformat(), instead=held.isoformat())
        self._tell_doubt(f"clock leapt by {(present - held).total_seconds():+.0f} s: not followed")

    def _dispute(self, present: datetime, told: datetime, *, is_over: bool) -> None:
        """The cloud contradicts a synchronised clock, which many servers vouch for: that is only said."""
        if self._disputed is not is_over:
            return
        self._disputed = not is_over
        if is_over:
            log.info("cloud and clock agree again")
            self._tell_doubt(None)
            return
        log.warning(
            "cloud contradicts the synchronised clock", shows=present.isoformat(), told=told.isoformat()
        )
        off_s = (told - present).total_seconds()
        self._tell_doubt(f"the cloud's time is {off_s:+.0f} s from the synchronised clock, which is followed")

    def _overrule(self, present: datetime, told: datetime) -> None:
        """The cloud contradicts a clock nobody vouches for."""
        off_s = (present - told).total_seconds()
        log.warning(
            "clock is wrong by the cloud's: going on without it", shows=present.isoformat(), off_s=off_s
        )
        self._basis, self._missed = Basis.OWN, True
        self._tell_doubt(f"clock was {off_s:+.0f} s from the cloud's, which is followed")

    def _tell_doubt(self, why: str | None) -> None:
        for doubt in self._on_doubt:
            doubt(why)

    def _learn(self, present: datetime, basis: Basis) -> None:
        shift = present - self._held()
        before, self._basis = self._basis, basis
        self._suspected = False
        self._set_anchor(present)
        is_step = abs(shift) >= _STEP * max(1.0, self.speed)
        self._report(present, shift, was_set=is_step and before is not Basis.GUESS)
        if before is Basis.GUESS:
            for known in self._on_known:
                known(shift)
        elif before is Basis.OWN:
            self._tell_doubt(None)
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

    def _held(self) -> datetime:
        return self._anchor + (self.steady.now() - self._anchored_at)

    def _set_anchor(self, present: datetime) -> None:
        self._anchor, self._anchored_at = present, self.steady.now()
