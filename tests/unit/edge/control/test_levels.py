"""The level of now: override before plan before default, and the sky where there is no clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from edge.control.levels import Levels
from protocols.lamp import Reason
from protocols.lighting.calendar import Calendar, CalendarRule
from protocols.lighting.plan import DEFAULT_PLAN, LightingPlan, levels_of_nights
from protocols.lighting.priority import Override
from protocols.lighting.program import ASTRO_DEFAULT, LevelPlan, LightingProgram, Place
from tests.support.levels import level_at

SOREANG = Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta"))
EVENING = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
NEVER_SET = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
DIM = LightingProgram("dim", "", initial_level_percent=40)
NONE_AT_DUSK = LightingProgram("late", "", initial_level_percent=0)
PLAN = LightingPlan(
    (ASTRO_DEFAULT, DIM, NONE_AT_DUSK),
    (
        Calendar("usual", "", (), "astro-default"),
        Calendar("dim at weekends", "", (CalendarRule("dim", weekdays=frozenset({6, 7})),), "astro-default"),
        Calendar("late", "", (), "late"),
    ),
    {"b": "dim at weekends", "c": "late"},
    "usual",
)


def levels(plan: LightingPlan = DEFAULT_PLAN, **overrides: Override) -> Levels:
    return Levels(plan, SOREANG, 80, overrides)


def without_a_clock(is_dark: bool | None, **overrides: Override) -> Levels:
    return Levels(PLAN, SOREANG, 80, overrides, time_is_known=lambda: False, is_dark=lambda: is_dark)


def test_is_the_programs_for_a_month_of_hours() -> None:
    held = levels()
    for hour in range(24 * 30):
        instant = EVENING + timedelta(hours=hour)
        decision = level_at(ASTRO_DEFAULT, SOREANG, instant)
        level = held.at("a", instant)
        assert (level.level_percent, level.reason) == (decision.level_percent, Reason.PROGRAM)
        assert level.until is not None
        assert level.until > instant


def test_each_lamp_follows_its_own_calendar() -> None:
    held = levels(PLAN)
    for day in range(14):
        evening = EVENING + timedelta(days=day)
        weekend = (date(2026, 6, 1) + timedelta(days=day)).isoweekday() > 5
        assert held.at("a", evening).level_percent == 100
        assert held.at("b", evening).level_percent == (40 if weekend else 100)
        assert held.at("c", evening).level_percent == 0


def test_the_nights_of_a_calendar_are_computed_once_for_its_lamps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reckoned: list[str] = []

    def counted(plan: LightingPlan, calendar_id: str, place: Place, first: date, nights: int) -> LevelPlan:
        reckoned.append(calendar_id)
        return levels_of_nights(plan, calendar_id, place, first, nights)

    monkeypatch.setattr("edge.control.levels.levels_of_nights", counted)
    held = levels(PLAN)
    for lamp in ("a", "b", "c", *map(str, range(200))):
        for minute in range(0, 24 * 60, 60):
            held.at(lamp, EVENING + timedelta(minutes=minute))
    assert reckoned == ["usual", "dim at weekends", "late"]


def test_a_new_plan_is_followed_at_once() -> None:
    held = levels()
    assert held.at("c", EVENING).level_percent == 100
    held.put_plan(PLAN)
    assert held.at("c", EVENING).level_percent == 0


def test_an_override_begins_ends_and_can_be_taken_back() -> None:
    begin, end = EVENING + timedelta(minutes=10), EVENING + timedelta(minutes=20)
    held = levels(a=Override("c1", 10, begin, end))
    assert (held.at("a", EVENING).level_percent, held.at("a", EVENING).until) == (100, begin)
    assert (held.at("a", begin).level_percent, held.at("a", begin).reason) == (10, Reason.OVERRIDE)
    assert held.at("a", begin).until == end
    assert held.at("a", end).level_percent == 100
    assert held.at("b", begin).level_percent == 100
    held.put_override("a", None)
    assert held.at("a", begin).reason is Reason.PROGRAM


@pytest.mark.parametrize("instant", [NEVER_SET, EVENING])
def test_without_a_clock_and_a_photocell_the_default_holds(instant: datetime) -> None:
    level = without_a_clock(None).at("a", instant)
    assert (level.level_percent, level.reason) == (80, Reason.DEFAULT)


@pytest.mark.parametrize("instant", [NEVER_SET, EVENING])
@pytest.mark.parametrize(
    ("lamp", "is_dark", "level"),
    [("a", True, 100), ("a", False, 0), ("c", True, 100), ("c", False, 0)],
)
def test_without_a_clock_the_photocell_decides(
    instant: datetime, lamp: str, is_dark: bool, level: int
) -> None:
    given = without_a_clock(is_dark).at(lamp, instant)
    assert (given.level_percent, given.reason) == (level, Reason.SENSOR)
    assert given.until is not None
    assert given.until <= instant + timedelta(minutes=1), "when the sky changes is unknown"


def test_in_the_dark_a_night_begins_with_its_programs_level() -> None:
    saturday = datetime(2026, 6, 6, 13, 0, tzinfo=UTC)
    assert without_a_clock(True).at("b", saturday).level_percent == 40


def test_without_a_clock_only_an_override_without_an_end_holds() -> None:
    start = EVENING - timedelta(hours=1)
    held = without_a_clock(
        True, a=Override("c1", 10, start, None), b=Override("c2", 10, start, EVENING + timedelta(hours=1))
    )
    assert (held.at("a", EVENING).level_percent, held.at("a", EVENING).reason) == (10, Reason.OVERRIDE)
    assert held.at("b", EVENING).reason is Reason.SENSOR
