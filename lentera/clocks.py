"""The clock of a process: the system's, or the one that the processes of a demo share."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from protocols.clock import ScaledClock, system_clock

CLOCK_VARIABLE = "LENTERA_CLOCK"
"""Environment variable that carries a demo's clock to its processes: `START@SPEED@ANCHOR`."""


class ClockError(ValueError):
    """A clock setting that cannot be read."""


def shared_clock(start: datetime, speed: float) -> ScaledClock:
    """Return a clock that reads `start` now and runs `speed` times as fast as the wall."""
    return ScaledClock(start=start, anchor_s=time.time(), speed=speed, wall=time.time)


def to_variable(clock: ScaledClock) -> str:
    """Return what to put into `CLOCK_VARIABLE` so that another process reads the same time."""
    return f"{clock.start.isoformat()}@{clock.speed}@{clock.anchor_s!r}"


def clock_from(environment: Mapping[str, str]) -> ScaledClock:
    """Return the clock that the environment configures, else the system's; raises ClockError."""
    setting = environment.get(CLOCK_VARIABLE)
    if setting is None:
        return system_clock(time.time)
    try:
        start_text, speed_text, anchor_text = setting.split("@")
        start, speed, anchor_s = datetime.fromisoformat(start_text), float(speed_text), float(anchor_text)
    except ValueError as error:
        raise ClockError(f"{CLOCK_VARIABLE}={setting!r}: expected START@SPEED@ANCHOR") from error
    if start.tzinfo is None or not speed > 0:
        raise ClockError(f"{CLOCK_VARIABLE}={setting!r}: expected a start with its zone and a speed above 0")
    return ScaledClock(start=start.astimezone(UTC), anchor_s=anchor_s, speed=speed, wall=time.time)
