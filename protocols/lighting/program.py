"""Lighting programs: from sunset to sunrise, with dim levels switched by the clock.

A program is TALQ's ControlProgramOne with one AstroClockActivePeriod and fixedTimeControls. Outside the
active period the lamp is off. On a polar day (no sunset, sun up at midnight) it stays off, in a polar night
(no sunset, sun down) it stays on and only the clock's switch points count.
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
    """A position for the sun, in degrees, and the time zone of the switch points."""

    latitude: float
    longitude: float
    time_zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class SwitchPoint:
    """From this local time on, the level is another."""

    local_time: time
    level_percent: int


@dataclass(frozen=True, slots=True)
class LightingProgram:
    """On from sunset + offset to sunrise + offset (minutes, negative is before), dimmed by switch points.

    `initial_level_percent` holds from noon to the night's first switch point; these come in any order.
    """

    id: str
    name: str
    sunset_offset_min: int = 0
    sunrise_offset_min: int = 0
    initial_level_percent: int = 100
    switch_points: tuple[SwitchPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class LevelDecision:
    """A level with why and for how long: `since` and `until` bound the time it is known not to change.

    `until` is the next change; where none is in sight (polar day or night) it is when to ask again.
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
            ValueError: the instant is outside it.
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


def level_at(program: LightingProgram, place: Place, instant: datetime) -> LevelDecision:
    """Return the level the program gives at an instant."""
    today = instant.astimezone(place.time_zone).date()
    return plan_nights(program, place, today - timedelta(days=2), nights=4).at(instant.astimezone(UTC))


def levels_of_night(program: LightingProgram, place: Place, night: Night) -> list[tuple[datetime, int]]:
    """Return the levels from the night's clock noon to the next: the first entry is at `start_noon`."""
    plan = plan_nights(program, place, night.date - timedelta(days=1), nights=3)
    levels = [(night.start_noon, plan.at(night.start_noon).level_percent)]
    for instant, level in zip(plan.times, plan.levels, strict=True):
        if night.start_noon < instant < night.end_noon:
            levels.append((instant, level))
    return levels


def plan_nights(program: LightingProgram, place: Place, first: date, nights: int) -> LevelPlan:
    """Return the levels of consecutive nights, from the sun's highest point on `first` on."""
    return nights_of([program] * nights, place, first)


def nights_of(programs: Sequence[LightingProgram], place: Place, first: date) -> LevelPlan:
    """Return the levels of consecutive nights, a program each, from the highest sun on `first` on."""
    changes: list[tuple[datetime, int]] = []
    end = datetime.min.replace(tzinfo=UTC)
    for day, program in enumerate(programs):
        night = night_from(place.latitude, place.longitude, place.time_zone, first + timedelta(days=day))
        changes += _night_changes(program, place, night)
        end = night.next_culmination
    times, levels = zip(*_without_repeats(changes), strict=True)
    return LevelPlan(times, levels, end)


def _night_changes(program: LightingProgram, place: Place, night: Night) -> Iterator[tuple[datetime, int]]:
    """Yield the night's levels from one highest point of the sun to the next, in order of time."""
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
    """Return the levels by the switch points alone during the night, in order of time."""
    earliest = min(night.start_noon, night.culmination)
    levels = [(earliest, program.initial_level_percent)]
    # From noon to midnight first: a night begins on one date and ends on the next.
    for point in sorted(
        program.switch_points, key=lambda point: (point.local_time < _NOON, point.local_time)
    ):
        day = night.date if point.local_time >= _NOON else night.date + timedelta(days=1)
        levels.append((local_instant(day, point.local_time, place.time_zone), point.level_percent))
    return levels


def local_instant(day: date, local_time: time, time_zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which clocks show that time.

    A time that the clocks pass twice is the first of the two; one they skip is the moment they skip it.
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
    """Changes only: of several at one instant the last, and none to the level already there."""
    settled: dict[datetime, int] = dict(sorted(changes, key=itemgetter(0)))
    previous = None
    for instant, level in settled.items():
        if level != previous:
            yield instant, level
        previous = level
