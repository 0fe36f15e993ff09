"""Domain time, for schedules and timestamps. Timeouts and retries use wall time instead."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Domain time in UTC, and its speed relative to wall time."""

    @property
    def speed(self) -> float:
        """Domain seconds per wall second."""
        ...

    def now(self) -> datetime:
        """Return the present instant, timezone-aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A clock that reads `start` when `wall()` reads `anchor_s` and runs `speed` times as fast.

    Processes with the same start, speed and anchor have the same time. With speed 1 and start equal to the
    anchor it is the system clock.
    """

    start: datetime
    anchor_s: float
    speed: float
    wall: Callable[[], float]

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return self.start + timedelta(seconds=(self.wall() - self.anchor_s) * self.speed)


def system_clock(wall: Callable[[], float]) -> ScaledClock:
    """Return a clock with the time of `wall`, which returns Unix seconds (in production `time.time`)."""
    return ScaledClock(start=datetime.fromtimestamp(0, UTC), anchor_s=0.0, speed=1.0, wall=wall)


def wall_seconds_until(clock: Clock, instant: datetime) -> float:
    """Return the wall seconds until domain time reaches `instant`; 0 when it has passed."""
    return max(0.0, (instant - clock.now()).total_seconds() / clock.speed)


def to_unix_ms(instant: datetime) -> int:
    """Return the milliseconds since 1970 in UTC, rounded down: the resolution of Sparkplug."""
    return (instant - _EPOCH) // _MILLISECOND


def from_unix_ms(unix_ms: int) -> datetime:
    """Return the UTC instant `unix_ms` milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=unix_ms)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
