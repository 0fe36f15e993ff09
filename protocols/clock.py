"""Domain time: what schedules and timestamps go by. Wall time (timeouts, retries) is not read from here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Domain time in UTC, and how fast it runs against wall time."""

    @property
    def speed(self) -> float:
        """Domain seconds that pass in one wall second."""
        ...

    def now(self) -> datetime:
        """Return the present instant, timezone-aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A clock that reads `start` when `wall()` reads `anchor_s` and runs `speed` times as fast.

    Processes that share start, speed and anchor agree on the time. With speed 1 and start equal to the
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
    """Return the clock of real life; `wall` gives Unix seconds, in production `time.time`."""
    return ScaledClock(start=datetime.fromtimestamp(0, UTC), anchor_s=0.0, speed=1.0, wall=wall)


def wall_seconds_until(clock: Clock, instant: datetime) -> float:
    """Return wall seconds until domain time reaches `instant`; 0 when it has passed."""
    return max(0.0, (instant - clock.now()).total_seconds() / clock.speed)


def to_unix_ms(instant: datetime) -> int:
    """Return milliseconds since 1970 in UTC, rounded down: the wire's resolution."""
    return (instant - _EPOCH) // _MILLISECOND


def from_unix_ms(unix_ms: int) -> datetime:
    """Return the UTC instant `unix_ms` milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=unix_ms)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
