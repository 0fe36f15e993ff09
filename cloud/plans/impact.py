"""What a change of the lighting plan would do tonight, and whether it would leave many lamps dark. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cloud.plans.resolved import ResolvedPlan
from protocols.lighting.program import LevelPlan, Place
from protocols.sun import Night, PolarState, night_from, night_of

DARK_BELOW_PERCENT = 10
"""Our choice: a street below this level counts as dark, although its lamps may still give some light."""

_GUARDED_NIGHTS = 7  # each weekday once: a mistake in a calendar may concern Saturdays only

Levels = list[tuple[datetime, int]]


@dataclass(frozen=True, slots=True)
class Guard:
    """From how many lamps on, and from what share of all lamps (0 to 1), darkness must be confirmed.

    Both limits are our choice: darkness of fewer lamps, or of a smaller share, is more likely intended.
    """

    least_lamps: int = 10
    least_share: float = 0.05

    def objects_to(self, effect: "Effect") -> bool:
        """Return whether a change leaves so many lamps dark that it needs a confirmation."""
        lamps = 0 if effect.darkening is None else effect.darkening.lamps
        return lamps >= self.least_lamps and lamps >= self.least_share * effect.total


@dataclass(frozen=True, slots=True)
class Reassignment:
    """Lamps of one gateway with their calendar before and after a change; both may have the same id."""

    gateway_id: str
    calendar_before: str
    calendar_after: str
    lamps: int
    rated_power_w: float
    before: LevelPlan
    after: LevelPlan
    night: Night

    def levels_before(self) -> Levels:
        """Return tonight's levels by the present plan, in %, each with its start."""
        return levels_between(self.before, self.night.start_noon, self.night.end_noon)

    def levels_after(self) -> Levels:
        """Return tonight's levels by the changed plan, in %, each with its start."""
        return levels_between(self.after, self.night.start_noon, self.night.end_noon)


@dataclass(frozen=True, slots=True)
class Darkening:
    """The greatest number of lamps that would be dark at one time although the present plan lights them."""

    lamps: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a change on all lamps, tonight; only `darkening` covers a week."""

    total: int
    moves: list[Reassignment]
    energy_before_kwh: float
    energy_after_kwh: float
    darkening: Darkening | None

    @property
    def reassigned(self) -> int:
        """How many lamps would follow another calendar."""
        return sum(move.lamps for move in self.moves if move.calendar_before != move.calendar_after)

    @property
    def affected(self) -> int:
        """How many lamps would have other levels tonight."""
        return sum(move.lamps for move in self.moves if move.levels_before() != move.levels_after())


def effect_of(before: ResolvedPlan, after: ResolvedPlan, now: datetime) -> Effect:
    """Return what changing one plan into another does to the lamps, which are the same in both."""
    nights = {gateway_id: tonight(before.place_of(gateway_id), now) for gateway_id in before.gateways}
    moves = list(_moves(before, after, nights))
    return Effect(
        total=len(before.lamps),
        moves=moves,
        energy_before_kwh=sum(_energy_kwh(move.levels_before(), move) for move in moves),
        energy_after_kwh=sum(_energy_kwh(move.levels_after(), move) for move in moves),
        darkening=_worst(interval for move in moves for interval in _dark_times(before, move)),
    )


def tonight(place: Place, now: datetime) -> Night:
    """Return the current night, and from sunrise on the next one."""
    where = (place.latitude, place.longitude, place.time_zone)
    night = night_of(*where, now)
    if night.sunrise is not None and now >= night.sunrise:
        return night_from(*where, night.date + timedelta(days=1))
    return night


def levels_between(levels: LevelPlan, start: datetime, end: datetime) -> Levels:
    """Return the levels from `start`, which the first entry has as its time, up to `end`."""
    inside = zip(levels.times, levels.levels, strict=True)
    return [
        (start, levels.at(start).level_percent),
        *((instant, level) for instant, level in inside if start < instant < end),
    ]


def _moves(before: ResolvedPlan, after: ResolvedPlan, nights: Mapping[str, Night]) -> Iterator[Reassignment]:
    """Count all lamps by gateway, calendar before and calendar after."""
    counted: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for lamp in before.lamps.values():
        key = (lamp.gateway_id, before.calendar_of(lamp), after.calendar_of(lamp))
        counted[key].append(lamp.rated_power_w)
    for (gateway_id, old, new), rated in counted.items():
        night, place = nights[gateway_id], before.place_of(gateway_id)
        yield Reassignment(
            gateway_id,
            calendar_before=old,
            calendar_after=new,
            lamps=len(rated),
            rated_power_w=sum(rated),
            before=before.levels_at(old, place, night.start_noon),
            after=after.levels_at(new, place, night.start_noon),
            night=night,
        )


def _energy_kwh(levels: Levels, move: Reassignment) -> float:
    ends = [instant for instant, _ in levels[1:]] + [move.night.end_noon]
    percent_hours = sum(
        level * (end - start).total_seconds() / 3600 for (start, level), end in zip(levels, ends, strict=True)
    )
    return move.rated_power_w * percent_hours / 100 / 1000


def _dark_times(before: ResolvedPlan, move: Reassignment) -> Iterator[tuple[datetime, datetime, int]]:
    """Yield from when to when, at night, how many lamps would be dark that the present plan lights."""
    if move.before == move.after:
        return
    place = before.place_of(move.gateway_id)
    for number in range(_GUARDED_NIGHTS):
        night = night_from(
            place.latitude, place.longitude, place.time_zone, move.night.date + timedelta(days=number)
        )
        start, end = night.sunset or night.start_noon, night.sunrise or night.end_noon
        if night.polar is PolarState.DAY or end > min(move.before.end, move.after.end):
            continue
        times = {start, end}
        for levels in (move.before, move.after):
            times |= {instant for instant in levels.times if start < instant < end}
        ordered = sorted(times)
        for begin, finish in pairwise(ordered):
            was, will = move.before.at(begin).level_percent, move.after.at(begin).level_percent
            if was >= DARK_BELOW_PERCENT > will:
                yield begin, finish, move.lamps


def _worst(intervals: Iterable[tuple[datetime, datetime, int]]) -> Darkening | None:
    """Return when the most lamps are dark at the same time; None where no lamp is."""
    turns: dict[datetime, int] = defaultdict(int)
    for start, end, lamps in intervals:
        turns[start] += lamps
        turns[end] -= lamps
    dark, worst = 0, None
    for instant in sorted(turns):
        dark += turns[instant]
        if dark > 0 and (worst is None or dark > worst.lamps):
            worst = Darkening(dark, instant)
    return worst
