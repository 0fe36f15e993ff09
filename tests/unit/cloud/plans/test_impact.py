"""What a change would do tonight, and when it must be meant."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from cloud.plans.impact import Darkening, Effect, Guard, effect_of, tonight
from cloud.plans.model import Assignment, DesiredPlan, LampGroup, Scope
from cloud.plans.resolved import ResolvedPlan
from cloud.plans.views import preview_view
from protocols.lighting.calendar import Calendar, CalendarRule
from protocols.lighting.program import LightingProgram, SwitchPoint
from tests.support.resolved_plans import CALENDARS, PROGRAMS, SOREANG, inventory, town

EVENING = datetime(2026, 8, 10, 13, tzinfo=UTC)
MORNING = datetime(2026, 8, 10, 2, tzinfo=UTC)  # 09:00
PLAN = DesiredPlan(PROGRAMS, CALENDARS, {}, ())


def to(*assignments: Assignment, now: datetime = EVENING, before: ResolvedPlan | None = None) -> Effect:
    here = before or town(PLAN)
    return effect_of(here, here.with_plan(replace(here.desired, assignments=assignments)), now)


def test_nothing_changed_is_nothing_affected() -> None:
    found = to()
    assert (found.total, found.affected, found.reassigned, found.darkening) == (20, 0, 0, None)
    assert found.energy_before_kwh == found.energy_after_kwh > 0


def test_an_area_that_goes_dark_at_midnight() -> None:
    found = to(Assignment(Scope.AREA, SOREANG, "midnight"))
    assert (found.affected, found.reassigned) == (10, 10)
    assert found.darkening is not None
    assert found.darkening.lamps == 10
    assert found.darkening.at == datetime(2026, 8, 10, 17, tzinfo=UTC)


def test_energy_is_rated_power_times_level_times_hours() -> None:
    """Full light from sunset to sunrise instead of to midnight, calculated manually."""
    before = town(replace(PLAN, assignments=(Assignment(Scope.ALL, None, "midnight"),)))
    found = to(Assignment(Scope.ALL, None, "full"), before=before)
    night = tonight(before.place_of("g1"), EVENING)
    assert night.sunset is not None
    assert night.sunrise is not None
    midnight = datetime(2026, 8, 10, 17, tzinfo=UTC)
    assert found.energy_before_kwh == pytest.approx(2.0 * (midnight - night.sunset).total_seconds() / 3600)
    assert found.energy_after_kwh == pytest.approx(
        2.0 * (night.sunrise - night.sunset).total_seconds() / 3600
    )
    assert found.darkening is None


def test_in_the_morning_tonight_is_the_coming_night() -> None:
    place = town().place_of("g1")
    assert tonight(place, MORNING).date == tonight(place, EVENING).date == date(2026, 8, 10)
    assert tonight(place, datetime(2026, 8, 9, 20, tzinfo=UTC)).date == date(2026, 8, 9)  # 03:00


def test_a_change_of_a_program_counts_though_no_lamp_moves() -> None:
    here = town(replace(PLAN, assignments=(Assignment(Scope.ALL, None, "full"),)))
    typo = LightingProgram("full", "Full light", initial_level_percent=1)
    after = here.with_plan(replace(here.desired, programs={**PROGRAMS, "full": typo}))
    found = effect_of(here, after, EVENING)
    assert (found.affected, found.reassigned) == (20, 0)
    assert found.darkening is not None
    assert found.darkening.lamps == 20  # one per cent is no light


def test_dimming_is_not_darkness() -> None:
    here = town(replace(PLAN, assignments=(Assignment(Scope.ALL, None, "full"),)))
    dim = LightingProgram("full", "Full light", switch_points=(SwitchPoint(time(22), 20),))
    after = here.with_plan(replace(here.desired, programs={**PROGRAMS, "full": dim}))
    assert effect_of(here, after, EVENING).darkening is None


def test_a_rule_for_saturday_is_seen_on_monday() -> None:
    rules = (CalendarRule("never", weekdays=frozenset({6})), CalendarRule("full"))
    plan = replace(PLAN, calendars={**CALENDARS, "week": Calendar("week", "", rules)})
    found = to(Assignment(Scope.ALL, None, "week"), before=town(plan))
    assert found.darkening is not None
    assert found.darkening.at.date() == date(2026, 8, 15)


def test_lamps_that_go_dark_at_different_times_are_not_added_up() -> None:
    """One group misses the evening, another the morning: no more than one of them is dark at a time."""
    evening = LightingProgram("late", "", initial_level_percent=0, switch_points=(SwitchPoint(time(0), 100),))
    programs = {**PROGRAMS, "late": evening}
    calendars = {**CALENDARS, "late": Calendar("late", "", (CalendarRule("late"),))}
    groups = {"some": LampGroup("some", "", ("L00", "L01", "L02"))}
    here = town(DesiredPlan(programs, calendars, groups, (Assignment(Scope.ALL, None, "full"),)))
    found = to(Assignment(Scope.GROUP, "some", "late"), Assignment(Scope.ALL, None, "midnight"), before=here)
    assert found.darkening is not None
    assert found.darkening.lamps == 17


def test_light_by_day_may_go() -> None:
    """Lamps that a plan has on an hour before sunset are not missed until sunset."""
    early = LightingProgram("early", "", sunset_offset_min=-60, sunrise_offset_min=60)
    programs = {**PROGRAMS, "early": early}
    calendars = {**CALENDARS, "early": Calendar("early", "", (CalendarRule("early"),))}
    here = town(DesiredPlan(programs, calendars, {}, (Assignment(Scope.ALL, None, "early"),)))
    found = to(Assignment(Scope.ALL, None, "full"), before=here)
    assert (found.affected, found.darkening) == (20, None)


@pytest.mark.parametrize(("day", "dark"), [((2026, 6, 21), None), ((2026, 12, 21), 20)])
def test_polar_seasons(day: tuple[int, int, int], dark: int | None) -> None:
    """In a polar day nothing can go dark; in a polar night everything can."""
    here = town(PLAN, inventory(69.65, 18.96, "Europe/Oslo"))
    found = to(Assignment(Scope.ALL, None, "never"), now=datetime(*day, 12, tzinfo=UTC), before=here)
    assert (None if found.darkening is None else found.darkening.lamps) == dark


@pytest.mark.parametrize(
    ("lamps", "total", "objects"), [(9, 20, False), (10, 20, True), (10, 201, False), (11, 220, True)]
)
def test_the_guard_objects_to_many_lamps(lamps: int, total: int, *, objects: bool) -> None:
    effect = Effect(total, [], 0.0, 0.0, Darkening(lamps, datetime(2026, 8, 10, 13, tzinfo=UTC)))
    assert Guard().objects_to(effect) is objects


def test_the_preview_tells_of_pairs_of_calendars() -> None:
    view = preview_view(to(Assignment(Scope.AREA, SOREANG, "midnight")), needs_confirmation=True)
    (move,) = view.moves
    assert (move.calendar_before, move.calendar_after, move.lamps) == ("every-night", "midnight", 10)
    assert [change.level for change in move.levels_before] == [0, 100, 50, 0]
    assert [change.level for change in move.levels_after] == [0, 100, 0]
    assert view.expected_energy_after < view.expected_energy_before
