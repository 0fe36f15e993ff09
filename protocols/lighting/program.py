"""Lighting programs: from sunset to sunrise, with dim levels switched by the clock.

A program is TALQ's ControlProgramOne with one AstroClockActivePeriod and fixedTimeControls. Outside the
active period the lamp is off. On a polar day (no sunset, sun up at midnight) it stays off, in a polar night
(no sunset, sun down) it stays on and only the switch points apply.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Final
from zoneinfo import ZoneInfo

from protocols.lamp import Reason
from protocols.sun import Night, PolarState, night_from

_NOON: Final = time(12)


@dataclass(frozen=True, slots=True)
class Place:
    """The position that sunset and sunrise are computed for, and the time zone of the switch points."""

    latitude: float
    longitude: float
    time_zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class SwitchPoint:
    """A level from a local time on."""

    local_time: time
    level_percent: int


@dataclass(frozen=True, slots=True)
class LightingProgram:
    """On from sunset + offset to sunrise + offset (minutes, negative is before), dimmed by switch points.

    `initial_level_percent` applies from noon to the first switch point. Switch points may be in any order.
    """

    id: str
    name: str
    sunset_offset_min: int = 0
    sunrise_offset_min: int = 0
    initial_level_percent: int = 100
    switch_points: tuple[SwitchPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class LevelDecision:
    """A level, its reason, and the span from `since` to `until` in which it does not change.

    `until` is the next change; where none follows (polar day or night) it is the end of what was computed.
    """

    level_percent: int
    reason: Reason
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class LevelPlan:
    """The levels between two instants: `times[i]` begins `levels[i]`, which differs from the one before."""

    times: tuple[datetime, ...]
    levels: tuple[int, ...]
    end: datetime

    def at(self, instant: datetime) -> LevelDecision:
        """Return the level at an instant within the plan.

        Raises:
            ValueError: the instant is before the first of `times`, or at `end` or later.
        """
        index = bisect_right(self.times, instant) - 1
        if index < 0 or instant >= self.end:
            raise ValueError(f"{instant}: expected {self.times[0]}..{self.end}")
        until = self.times[index + 1] if index + 1 < len(self.times) else self.end
        return LevelDecision(self.levels[index], Reason.PROGRAM, self.times[index], until)


ASTRO_DEFAULT: Final = LightingProgram(
    id="astro-default",
    name="Sunset to sunrise, half light from 23:00",
    switch_points=(SwitchPoint(time(23), 50),),
)


def levels_of_night(program: LightingProgram, place: Place, night: Night) -> list[tuple[datetime, int]]:
    """Return the levels between a night's two clock noons; the first entry is the one at `start_noon`."""
    # The nights run between the sun's highest points, which may be hours from the clock's noon.
    plan = nights_of([program] * 3, place, night.date - timedelta(days=1))
    levels = [(night.start_noon, plan.at(night.start_noon).level_percent)]
    for instant, level in zip(plan.times, plan.levels, strict=True):
        if night.start_noon < instant < night.end_noon:
            levels.append((instant, level))
    return levels


def nights_of(programs: Sequence[LightingProgram], place: Place, first: date) -> LevelPlan:
    """Return the levels of nights in a row, a program for each, from the sun's highest point on `first`."""
    changes: list[tuple[datetime, int]] = []
    end = datetime.min.replace(tzinfo=UTC)
    for day, program in enumerate(programs):
        night = night_from(place.latitude, place.longitude, place.time_zone, first + timedelta(days=day))
        changes += _night_changes(program, place, night)
        end = night.next_culmination
    times, levels = zip(*_without_repeats(changes), strict=True)
    return LevelPlan(times, levels, end)


def _night_changes(program: LightingProgram, place: Place, night: Night) -> Iterator[tuple[datetime, int]]:
    """Yield a night's levels from one highest point of the sun to the next, in order of time."""
    if night.polar is PolarState.DAY:
        yield night.culmination, 0
        return
    begin, end = night.culmination, night.next_culmination
    on = begin if night.sunset is None else night.sunset + timedelta(minutes=program.sunset_offset_min)
    off = end if night.sunrise is None else night.sunrise + timedelta(minutes=program.sunrise_offset_min)
    # However large an offset, a night's light stays between its two highest points of the sun.
    on, off = max(on, begin), min(off, end)
    if on > begin:
        yield begin, 0
    if on >= off:
        return
    levels = _clock_levels(program, place, night)
    for (instant, level), (following, _) in pairwise([*levels, (off, 0)]):
        if following > on and instant < off:
            yield max(instant, on), level
    if off < end:
        yield off, 0


def _clock_levels(program: LightingProgram, place: Place, night: Night) -> list[tuple[datetime, int]]:
    """Return the levels that the switch points alone would give, in order of time."""
    earliest = min(night.start_noon, night.culmination)
    levels = [(earliest, program.initial_level_percent)]
    # The night begins at noon: the times after midnight come last.
    for point in sorted(program.switch_points, key=lambda each: (each.local_time < _NOON, each.local_time)):
        day = night.date if point.local_time >= _NOON else night.date + timedelta(days=1)
        levels.append((local_instant(day, point.local_time, place.time_zone), point.level_percent))
    return levels


def local_instant(day: date, local_time: time, time_zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which clocks show a local time.

    A time that occurs twice, when clocks are set back, is the first of the two. A time that does not occur,
    when they are set forward, is the instant of the change.
    """
    local = datetime.combine(day, local_time, time_zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(time_zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    after, before = instant, local.replace(fold=1).astimezone(UTC)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(time_zone).utcoffset() == before.astimezone(time_zone).utcoffset():
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _without_repeats(changes: Iterable[tuple[datetime, int]]) -> Iterator[tuple[datetime, int]]:
    """Yield real changes: the last of several at one instant, and none to the level already in effect."""
    settled: dict[datetime, int] = dict(sorted(changes, key=itemgetter(0)))
    previous = None
    for instant, level in settled.items():
        if level != previous:
            yield instant, level
        previous = level
