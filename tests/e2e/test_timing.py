"""How long a demo takes to start, and its map to show what happens in the street."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.support.night import SHOWN_WITHIN, Night, disagreements, instants
from tests.support.whole_town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timing, pytest.mark.timeout(300)]

SPEED = 120
# An hour before sunset, half a minute of the wall: time for the start, and little to wait for.
START = "2026-06-01T16:43:00+07:00"
TOWN = ("--lamps", "100", "--faults", "0", "--speed", str(SPEED), "--baud", "19200", "--start", START)


def test_dusk_is_on_the_map_within_two_minutes_and_what_it_shows_is_five_minutes_old_at_most(
    town: Town, page: Page
) -> None:
    """From the command to a usable map in 15 s, and on through dusk."""
    assert town.start_s < 15
    expect(page.get_by_test_id("map")).to_be_visible()
    night = Night(town)
    assert 0 < (night.sunset - town.now()).total_seconds() / SPEED < 120
    assert not any(lamp["lit"] for lamp in town.truth().values())
    wrong: list[str] = []
    end = night.sunset + timedelta(minutes=60)
    for instant in instants(town.now(), end, timedelta(minutes=7)):
        town.wait_for(instant)
        then = town.truth()
        town.wait_for(instant + SHOWN_WITHIN)
        wrong += disagreements(then, town.lamps(), town.truth(), set(), instant)
    assert wrong == []
    assert all(lamp["lit"] for lamp in town.truth().values())
