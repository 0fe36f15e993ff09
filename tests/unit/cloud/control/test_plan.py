"""The plan's level of a place, and what comes next."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cloud.control.plan import LightingPlan
from cloud.live.model import OverrideView
from protocols.lighting.program import ASTRO_DEFAULT, Place, level_at

SOREANG = (-7.03, 107.52, "Asia/Jakarta")
TROMSO = (69.65, 18.96, "Europe/Oslo")


def test_the_remembered_level_is_the_right_one() -> None:
    """Asked every ten minutes through two nights, forwards and then backwards."""
    plan = LightingPlan()
    place = Place(SOREANG[0], SOREANG[1], ZoneInfo(SOREANG[2]))
    start = datetime(2026, 8, 10, tzinfo=UTC)
    instants = [start + timedelta(minutes=10 * step) for step in range(288)]
    for instant in [*instants, *reversed(instants)]:
        expected = level_at(ASTRO_DEFAULT, place, instant).level_percent
        assert plan.level(*SOREANG, instant) == expected


def test_the_next_change() -> None:
    """In the evening it is half light at 23:00."""
    evening = datetime(2026, 8, 10, 13, tzinfo=UTC)
    change = LightingPlan().outlook(*SOREANG, evening).next_change
    assert change is not None
    assert (change.time, change.level) == (datetime(2026, 8, 10, 16, tzinfo=UTC), 50)


@pytest.mark.parametrize(
    ("ends", "level"),
    [
        (datetime(2026, 8, 10, 14, 30, tzinfo=UTC), 100),
        (datetime(2026, 8, 10, 19, tzinfo=UTC), 50),
        (datetime(2026, 8, 11, 3, tzinfo=UTC), 0),
    ],
)
def test_an_override_changes_when_it_ends(ends: datetime, level: int) -> None:
    """To what the plan wants then; until then the plan's own changes do not reach the lamp."""
    override = OverrideView(command_id="c", expiration=ends, note="", requested_by="operator")
    change = LightingPlan().outlook(*SOREANG, datetime(2026, 8, 10, 13, tzinfo=UTC), override).next_change
    assert change is not None
    assert (change.time, change.level) == (ends, level)


def test_an_override_without_end_has_no_next_change() -> None:
    """It holds until someone ends it."""
    override = OverrideView(command_id="c", expiration=None, note="", requested_by="operator")
    outlook = LightingPlan().outlook(*SOREANG, datetime(2026, 8, 10, 13, tzinfo=UTC), override)
    assert outlook.next_change is None


def test_a_polar_day_has_no_next_change() -> None:
    """The lamps stay off, and nothing is made up."""
    outlook = LightingPlan().outlook(*TROMSO, datetime(2026, 6, 21, 12, tzinfo=UTC))
    assert outlook.next_change is None
    assert (outlook.night.sunset, outlook.night.sunrise) == (None, None)
