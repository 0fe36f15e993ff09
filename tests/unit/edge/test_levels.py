"""The level of now: override before program before default."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from edge.levels import Levels
from protocols.lamp import Reason
from protocols.lighting.priority import Override
from protocols.lighting.program import ASTRO_DEFAULT, Place, level_at

SOREANG = Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta"))
EVENING = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)


def levels(**overrides: Override) -> Levels:
    return Levels(ASTRO_DEFAULT, SOREANG, 80, overrides)


def test_is_the_programs_for_a_month_of_hours() -> None:
    held = levels()
    for hour in range(24 * 30):
        instant = EVENING + timedelta(hours=hour)
        decision = level_at(ASTRO_DEFAULT, SOREANG, instant)
        level = held.at("a", instant)
        assert (level.level_percent, level.reason) == (decision.level_percent, Reason.PROGRAM)
        assert level.until is not None
        assert level.until > instant


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


def test_a_clock_that_was_never_set_gives_the_default() -> None:
    level = levels().at("a", datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    assert (level.level_percent, level.reason) == (80, Reason.DEFAULT)
