"""What a lamp follows, its level by the plan, and what comes next."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cloud.plans.forecast import forecast
from cloud.plans.model import Assignment, DesiredPlan, Scope
from cloud.state.views import OverrideView
from protocols.lighting.calendar import Calendar, CalendarRule
from protocols.lighting.program import ASTRO_DEFAULT, Place
from tests.support.levels import level_at
from tests.support.resolved_plans import CALENDARS, MIDNIGHT, PROGRAMS, SOREANG, inventory, town

EVENING = datetime(2026, 8, 10, 13, tzinfo=UTC)


def test_the_remembered_power_is_the_right_one() -> None:
    """Computed every ten minutes through two nights, forwards and then backwards."""
    here = town()
    place = Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta"))
    start = datetime(2026, 8, 10, tzinfo=UTC)
    instants = [start + timedelta(minutes=10 * step) for step in range(288)]
    for instant in [*instants, *reversed(instants)]:
        expected = level_at(ASTRO_DEFAULT, place, instant).level_percent
        assert here.expected_power_w(instant) == pytest.approx(20 * 100 * expected / 100)


def test_each_lamp_counts_by_its_own_calendar() -> None:
    """At one in the night half the lamps are off, the others at half light."""
    plan = DesiredPlan(PROGRAMS, CALENDARS, {}, (Assignment(Scope.AREA, SOREANG, "midnight"),))
    here = town(plan)
    assert here.expected_power_w(datetime(2026, 8, 10, 18, tzinfo=UTC)) == pytest.approx(10 * 100 * 0.5)
    assert here.lamps_by_calendar() == {"midnight": 10, "every-night": 10}


def test_the_next_change() -> None:
    """In the evening it is half light at 23:00."""
    here = town()
    found = forecast(here, here.lamps["L00"], EVENING)
    assert (found.program, found.calendar.id) == (ASTRO_DEFAULT, "every-night")
    assert found.next_change is not None
    assert (found.next_change.time, found.next_change.level) == (datetime(2026, 8, 10, 16, tzinfo=UTC), 50)


def test_the_program_is_that_of_the_night() -> None:
    """In the small hours a night still is of the date of its noon."""
    rules = (CalendarRule("midnight", date(2026, 8, 10), date(2026, 8, 10)), CalendarRule("full"))
    calendar = Calendar("feast", "Feast", rules)
    plan = DesiredPlan(PROGRAMS, {"feast": calendar}, {}, (Assignment(Scope.LAMP, "L00", "feast"),))
    here = town(plan)
    small_hours = datetime(2026, 8, 10, 20, tzinfo=UTC)  # 03:00 on the 11th
    found = forecast(here, here.lamps["L00"], small_hours)
    assert found.program == MIDNIGHT
    assert found.next_change is not None
    assert (found.next_change.time.day, found.next_change.level) == (11, 100)
    assert forecast(here, here.lamps["L01"], small_hours).program == ASTRO_DEFAULT
    assert forecast(here, here.lamps["L00"], small_hours + timedelta(hours=12)).program.id == "full"


@pytest.mark.parametrize(
    ("ends", "level"),
    [
        (datetime(2026, 8, 10, 14, 30, tzinfo=UTC), 100),
        (datetime(2026, 8, 10, 19, tzinfo=UTC), 50),
        (datetime(2026, 8, 11, 3, tzinfo=UTC), 0),
        (datetime(2026, 9, 9, 19, tzinfo=UTC), 50),
    ],
)
def test_an_override_changes_when_it_ends(ends: datetime, level: int) -> None:
    """To what the plan wants then; until then the plan's own changes do not reach the lamp."""
    override = OverrideView(command_id="c", expiration=ends, note="", requested_by="operator")
    here = town()
    change = forecast(here, here.lamps["L00"], EVENING, override).next_change
    assert change is not None
    assert (change.time, change.level) == (ends, level)


def test_an_override_without_end_has_no_next_change() -> None:
    """It holds until someone ends it."""
    override = OverrideView(command_id="c", expiration=None, note="", requested_by="operator")
    here = town()
    assert forecast(here, here.lamps["L00"], EVENING, override).next_change is None


def test_a_polar_day_has_no_next_change() -> None:
    """The lamps stay off, and nothing is made up."""
    here = town(place=inventory(69.65, 18.96, "Europe/Oslo"))
    found = forecast(here, here.lamps["L00"], datetime(2026, 6, 21, 12, tzinfo=UTC))
    assert found.next_change is None
    assert (found.night.sunset, found.night.sunrise) == (None, None)


def test_a_change_of_plan_forgets_what_was_worked_out() -> None:
    """The same lamps, other levels."""
    here = town()
    before = here.expected_power_w(EVENING)
    plan = DesiredPlan(PROGRAMS, CALENDARS, {}, (Assignment(Scope.ALL, None, "never"),))
    assert (before, here.with_plan(plan).expected_power_w(EVENING)) == (2000.0, 0.0)
    assert here.with_plan(replace(plan, assignments=())).expected_power_w(EVENING) == before
