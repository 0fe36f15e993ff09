"""What a lamp follows tonight and what it will do next. Pure."""

from dataclasses import dataclass
from datetime import datetime

from cloud.http.views import View
from cloud.plans.resolved import ResolvedPlan
from cloud.state.views import OverrideView
from protocols.inventory.model import Lamp
from protocols.lighting.calendar import Calendar
from protocols.lighting.program import LevelPlan, LightingProgram
from protocols.sun import Night, night_of


class LevelChange(View, frozen=True):
    """A level in % from an instant on."""

    time: datetime
    level: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a lamp follows tonight and will do next."""

    calendar: Calendar
    program: LightingProgram
    night: Night
    next_change: LevelChange | None


def outlook(
    town: ResolvedPlan, lamp: Lamp, instant: datetime, override: OverrideView | None = None
) -> Forecast:
    """What a lamp follows and will do next, with `override` in force on it."""
    place, calendar_id = town.place_of(lamp.gateway_id), town.calendar_of(lamp)
    night = night_of(place.latitude, place.longitude, place.time_zone, instant)
    if override is None:
        change = _next_change(town.levels_at(calendar_id, place, instant), instant)
    elif override.expiration is None:
        change = None
    else:
        # An override outranks the plan: the plan's changes wait until it ends.
        level = town.levels_at(calendar_id, place, override.expiration).at(override.expiration).level_percent
        change = LevelChange(time=override.expiration, level=level)
    program = town.calendar_plan().program_on(calendar_id, night.date)
    return Forecast(town.desired.all_calendars()[calendar_id], program, night, change)


def _next_change(levels: LevelPlan, instant: datetime) -> LevelChange | None:
    until = levels.at(instant).until
    # In a polar day or night, or between two seasons, the plan has no change in sight.
    if until >= levels.end:
        return None
    return LevelChange(time=until, level=levels.at(until).level_percent)
