"""The gateway's time: which clock it follows, and whether that time is known, in holdover or provisional."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

import structlog

from protocols.clock import Clock, ScaledClock

log = structlog.get_logger(__name__)

EARLIEST: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock that shows an earlier time has not been set since the power came back."""

LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Beyond the life of any gateway: a clock that shows a later time is broken."""

LONGEST_ABSENCE: Final = timedelta(days=400)
"""Our choice: no gateway is without power for longer; a clock further ahead of the known time is wrong."""

NEAR: Final = timedelta(minutes=2)
"""The largest difference between two right clocks; NTP steps and crystal drift stay well below it."""

SEEN_EVERY_S: Final = 600.0
"""Wall seconds between two savings of the present time for the next start: flash memory wears out."""

_CHECK_UNKNOWN_EVERY_S = 1.0
_CHECK_KNOWN_EVERY_S = 10.0
_STEP = timedelta(seconds=0.5)
"""What counts as a step; smaller corrections are slewing, which needs no new decision on levels."""


def steady_clock(clock: Clock) -> Clock:
    """Return a monotonic clock that runs as fast as `clock`: for cadences, and to bridge unknown time."""
    return ScaledClock(max(clock.now(), EARLIEST), time.monotonic(), clock.speed, time.monotonic)


class TimeSource(Enum):
    """What the time of the gateway is derived from."""

    UNSYNCHRONISED = "the last time saved"
    """Provisional: too early by as long as the power was away."""
    SYSTEM = "the system clock"
    HOLDOVER = "the time known before, continued"
    """The system clock has stepped away from it, and nothing has confirmed yet which one is right."""
    CLOUD = "the cloud"


class ClockObserver(Protocol):
    """What depends on the gateway's time; called on the event loop."""

    def clock_synchronised(self, shift: timedelta) -> None:
        """Add `shift` to provisional times: the time is known now, for the first time since the start."""
        ...

    def clock_stepped(self) -> None:
        """Decide again what depends on the time of day: the time has been set."""
        ...

    def clock_doubted(self, reason: str | None) -> None:
        """Report why a known time is in doubt; with None, that it no longer is."""
        ...


class SynchronizedFile:
    """A file that the system writes each time it has synchronised its clock, as systemd-timesyncd does."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._before: tuple[int, int] | None = None

    @property
    def allows(self) -> bool:
        """Whether the clock may count as set: the file exists, or none was named."""
        return self._path is None or self._path.exists()

    @property
    def exists(self) -> bool:
        """Whether the system has synchronised its clock since it was started."""
        return self._path is not None and self._path.exists()

    def was_rewritten(self) -> bool:
        """Return whether it has been written since the previous call."""
        now: tuple[int, int] | None = None
        if self._path is not None:
            try:
                found = self._path.stat()
            except OSError:
                pass  # not there yet, or no longer: nothing was synchronised since
            else:
                # The inode too: a synchronisation may replace the file within the resolution of its time.
                now = (found.st_ino, found.st_mtime_ns)
        before, self._before = self._before, now
        return now is not None and now != before


class Timekeeper:
    """A Clock that never shows an impossible time, nor follows one that contradicts what is known.

    While the time is not known it is *provisional*: it continues from the latest time ever saved, and is
    corrected once the time becomes known, from the system clock or from the cloud. A system clock that steps
    further than synchronised clocks do is not followed until that is confirmed: meanwhile the time known
    before is held over (ADR 9, ADR 10).
    """

    def __init__(self, clock: Clock, steady: Clock, synchronized_file: Path | None = None) -> None:
        self._clock = clock
        self.speed = clock.speed
        """Domain seconds that pass in one wall second."""
        self.steady = steady
        self._file = SynchronizedFile(synchronized_file)
        self.source = TimeSource.UNSYNCHRONISED
        """What the time is derived from now; set by the timekeeper alone."""
        self._is_confirmed = False  # the file or the cloud has confirmed the system clock
        self._step_seen = False
        self._cloud_disagrees = False
        self._loss_was_logged = False
        self._last_known: datetime | None = None
        self._started_at = EARLIEST
        self._anchor = EARLIEST  # the time shown at the instant `_anchored_at` of the steady clock
        self._anchored_at = EARLIEST
        self.observers: list[ClockObserver] = []
        """Notified in this order when the time becomes known, is set, or is in doubt."""
        # A fast clock (the demo's) passes as many more domain minutes in the same delays.
        self._near = NEAR * max(1.0, self.speed)

    @property
    def is_known(self) -> bool:
        """Whether the time is right as far as can be known; otherwise it is provisional."""
        return self.source is not TimeSource.UNSYNCHRONISED

    def now(self) -> datetime:
        """Return the present instant in UTC, or a provisional one that is too early."""
        held = self._held()
        # Judged at each call, not only in `check`: a clock that has just stepped must stamp no record.
        if self.source is TimeSource.SYSTEM and self._continues(present := self._clock.now(), held):
            return present
        return held

    def start(self, last_known: datetime | None, last_seen: datetime | None = None) -> None:
        """Begin, given the latest known time of earlier runs and the latest shown one, maybe provisional.

        Records of an earlier run in which the time never became known are corrected as though the power cut
        had had no length: nothing better is known of them.
        """
        present = self._clock.now()
        self._last_known, self._started_at = last_known, self.steady.now()
        self._file.was_rewritten()  # only what is written from now on confirms a step
        candidates = [EARLIEST]
        if self._is_possible(present):
            candidates.append(present)
        # Records were stamped for up to SEEN_EVERY_S after the last saving: no time may be shown twice.
        saved = [each for each in (last_known, last_seen) if each is not None]
        candidates += [each + timedelta(seconds=SEEN_EVERY_S) * self.speed for each in saved[-1:]]
        if self._trusts_system_clock(present):
            self._anchor, self._anchored_at = candidates[-1], self.steady.now()
            self._is_confirmed = self._file.exists
            self._synchronise(present, TimeSource.SYSTEM)
            return
        self._loss_was_logged = True
        self._anchor, self._anchored_at = max(candidates), self.steady.now()
        log.warning(
            "clock_not_trusted",
            shown=present.isoformat(),
            last_known=last_known and last_known.isoformat(),
            provisional=self._anchor.isoformat(),
        )

    async def run(self) -> None:
        """Check the system clock until cancelled."""
        while True:
            is_settled = self.source in {TimeSource.SYSTEM, TimeSource.CLOUD} and not self._step_seen
            await asyncio.sleep(_CHECK_KNOWN_EVERY_S if is_settled else _CHECK_UNKNOWN_EVERY_S)
            self.check()

    def check(self) -> None:
        """Follow the system clock if it can be trusted; go into holdover if it has stepped too far."""
        present = self._clock.now()
        is_confirmed = EARLIEST <= present < LATEST and self._file.was_rewritten()
        self._is_confirmed = self._is_confirmed or is_confirmed
        if is_confirmed or self._trusts_system_clock(present):
            self._synchronise(present, TimeSource.SYSTEM)
        elif self.source is TimeSource.SYSTEM and not self._step_seen:
            # One more check before holdover: timesyncd steps the clock first and writes its file afterwards.
            self._step_seen = True
        elif self.source is TimeSource.SYSTEM:
            held = self._held()
            self.source, self._step_seen, self._loss_was_logged = TimeSource.HOLDOVER, False, True
            log.warning("clock_step_rejected", shown=present.isoformat(), holdover=held.isoformat())
            self._report_doubt(f"clock stepped by {(present - held).total_seconds():+.0f} s: not followed")

    def set_from_cloud(self, time: datetime) -> None:
        """Take the cloud's time; a system clock with its synchronisation file is followed nevertheless."""
        if not EARLIEST <= time < LATEST:
            return
        present, held = self._clock.now(), self._held()
        if self.source is TimeSource.SYSTEM and self._continues(present, held):
            agrees = self._is_near(present, time)
            # NTP takes its time from several servers, the cloud's is that of one machine.
            if agrees or self._file.exists:
                self._is_confirmed = self._is_confirmed or agrees
                self._report_disagreement(present, time, agrees=agrees)
                return
            off_s = (present - time).total_seconds()
            log.warning("clock_rejected", shown=present.isoformat(), cloud=time.isoformat(), off_s=off_s)
            self.source, self._loss_was_logged = TimeSource.HOLDOVER, True
            self._report_doubt(f"clock was {off_s:+.0f} s from the cloud's, which is followed")
        self._is_confirmed = True
        if self._is_near(present, time) and self._file.allows:
            self._synchronise(present, TimeSource.SYSTEM)
        elif self.is_known and self._is_near(held, time):
            # The held time is more precise: the cloud's has travelled over the network.
            self._synchronise(held, TimeSource.CLOUD)
        else:
            self._synchronise(time, TimeSource.CLOUD)

    def _trusts_system_clock(self, present: datetime) -> bool:
        if self.source is TimeSource.SYSTEM:
            return self._continues(present, self._held())
        if self.source is TimeSource.HOLDOVER:
            return self._is_near(present, self._held())
        if not self._file.allows:
            return False
        if self.source is TimeSource.CLOUD:
            return self._is_near(present, self._held())
        return self._is_possible(present)

    def _continues(self, present: datetime, held: datetime) -> bool:
        """Return whether a clock that showed `held` may show `present` now."""
        # Far ahead only while nothing has confirmed the clock: it may have been wrong until now.
        furthest = self._near if self._is_confirmed else LONGEST_ABSENCE
        return EARLIEST <= present < LATEST and -self._near <= present - held <= furthest

    def _is_possible(self, present: datetime) -> bool:
        """Return whether a clock may show `present` after a start, by what was known before it."""
        if not EARLIEST <= present < LATEST:
            return False
        if self._last_known is None:
            return True
        since = present - self._last_known - (self.steady.now() - self._started_at)
        return -self._near <= since <= LONGEST_ABSENCE

    def _is_near(self, one: datetime, other: datetime) -> bool:
        return abs(one - other) <= self._near

    def _report_disagreement(self, present: datetime, cloud: datetime, *, agrees: bool) -> None:
        if self._cloud_disagrees is not agrees:
            return
        self._cloud_disagrees = not agrees
        if agrees:
            log.info("cloud_time_agrees_again")
            self._report_doubt(None)
            return
        off_s = (cloud - present).total_seconds()
        log.warning("cloud_time_disagrees", shown=present.isoformat(), cloud=cloud.isoformat())
        self._report_doubt(
            f"the cloud's time is {off_s:+.0f} s from the synchronised clock, which is followed"
        )

    def _report_doubt(self, reason: str | None) -> None:
        for observer in self.observers:
            observer.clock_doubted(reason)

    def _synchronise(self, present: datetime, source: TimeSource) -> None:
        """Show `present` from now on, and notify the observers of what that changes."""
        shift = present - self._held()
        before, self.source = self.source, source
        self._step_seen = False
        self._anchor, self._anchored_at = present, self.steady.now()
        is_step = abs(shift) >= _STEP * max(1.0, self.speed)
        if self._loss_was_logged:
            self._loss_was_logged = False
            log.info("clock_synchronised", time=present.isoformat(), shift_s=shift.total_seconds())
        elif is_step and before is not TimeSource.UNSYNCHRONISED:
            log.info("clock_stepped", shift_s=shift.total_seconds())
        # Provisional times are corrected first: what a step changes is recorded with the right time already.
        if before is TimeSource.UNSYNCHRONISED:
            for observer in self.observers:
                observer.clock_synchronised(shift)
        elif before is TimeSource.HOLDOVER:
            self._report_doubt(None)
        if is_step:
            for observer in self.observers:
                observer.clock_stepped()

    def _held(self) -> datetime:
        return self._anchor + (self.steady.now() - self._anchored_at)
