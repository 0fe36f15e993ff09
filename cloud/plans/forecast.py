"""The program a lamp follows tonight and its next change of level. Pure."""

from dataclasses import dataclass
from datetime import datetime

from cloud.http.views import View
from cloud.plans.resolved import ResolvedPlan
from cloud.state.views import OverrideView
from protocols.inventory.model import Lamp
from protocols.lighting.calendar import Calendar
from protocols.lighting.program import LightingProgram
from protocols.sun import Night, night_of


class LevelChange(View, frozen=True):
    """A level in % from an instant on."""

    time: datetime
    level: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The calendar, program and night of a lamp, and its next change of level."""

    calendar: Calendar
    program: LightingProgram
    night: Night
    next_change: LevelChange | None


def forecast(
    plan: ResolvedPlan, lamp: Lamp, instant: datetime, override: OverrideView | None = None
) -> Forecast:
    """Return calendar, program, night and next change of a lamp at `instant`, with `override` in force."""
    place, calendar_id = plan.place_of(lamp.gateway_id), plan.calendar_of(lamp)
    night = night_of(place.latitude, place.longitude, place.time_zone, instant)
    if override is None:
        levels = plan.levels_at(calendar_id, place, instant)
        until = levels.at(instant).until
        # In a polar day or night, or between two seasons, no change comes before the levels end.
        changes = until < levels.end
        change = LevelChange(time=until, level=levels.at(until).level_percent) if changes else None
    elif override.expiration is None:
        change = None
    else:
        # An override has priority over the plan, so no change of the plan shows before it ends.
        level = plan.levels_at(calendar_id, place, override.expiration).at(override.expiration).level_percent
        change = LevelChange(time=override.expiration, level=level)
    program = plan.calendar_plan.program_on(calendar_id, night.date)
    return Forecast(plan.desired.all_calendars()[calendar_id], program, night, change)
