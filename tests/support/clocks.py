"""Clocks for tests: one that a test sets, one that follows the event loop, one that is wrong."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from protocols.clock import Clock


@dataclass
class FakeClock:
    """A clock that stays at `instant` until a test sets another; `is_known` as a timekeeper has it."""

    instant: datetime
    speed: float = 1.0
    is_known: bool = True

    def now(self) -> datetime:
        return self.instant


@dataclass(frozen=True)
class LoopClock:
    """Domain time that advances with the event loop's, real or virtual."""

    start: datetime = datetime(2026, 6, 1, 13, tzinfo=UTC)
    speed: float = 1.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class OffsetClock:
    """A true clock plus an error, as of a machine without a battery after a power cut."""

    true: Clock
    offset: timedelta = timedelta(0)
    speed: float = 1.0

    def now(self) -> datetime:
        return self.true.now() + self.offset
