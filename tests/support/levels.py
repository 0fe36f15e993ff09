"""Levels by a single program, for tests."""

from datetime import UTC, date, datetime, timedelta

from protocols.lighting.calendar import Calendar, CalendarRule
from protocols.lighting.plan import LightingPlan
from protocols.lighting.program import LevelDecision, LevelPlan, LightingProgram, Place, nights_of


def plan_of_program(program: LightingProgram) -> LightingPlan:
    """Return the plan in which all lamps follow one program every night."""
    calendar = Calendar("every-night", "Every night", (CalendarRule(program.id),))
    return LightingPlan((program,), (calendar,))


def plan_nights(program: LightingProgram, place: Place, first: date, nights: int) -> LevelPlan:
    """Return the levels of consecutive nights, from the sun's highest point on `first` on."""
    return nights_of([program] * nights, place, first)


def level_at(program: LightingProgram, place: Place, instant: datetime) -> LevelDecision:
    """Return the level that the program gives at an instant."""
    today = instant.astimezone(place.time_zone).date()
    return plan_nights(program, place, today - timedelta(days=2), nights=4).at(instant.astimezone(UTC))
