"""A city's own list of lamps: 4,129 real ones as volunteers mapped them."""

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import SHARED_DATA, shared_data, wait_until
from tests.support.whole_town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

LAMPS_FILE = SHARED_DATA / "osm_street_lamps_bengaluru.geojson"
TOWN = ("--inventory", str(LAMPS_FILE), "--faults", "0", "--speed", "60")
LAMPS = 4129


@pytest.fixture(scope="module", autouse=True)
def _data() -> None:
    shared_data(LAMPS_FILE.name)


def test_every_lamp_is_on_the_map_and_reports(town: Town, page: Page) -> None:
    """All are listed, drawn, and each has been read at least once."""
    expect(page.get_by_test_id("map")).to_be_visible()
    assert len(town.lamps()) == LAMPS
    wait_until(lambda: page.evaluate("window.lentera?.lampCount()") == LAMPS, what="every lamp on the map")
    wait_until(
        lambda: all(lamp["observedAt"] is not None for lamp in town.lamps().values()),
        120,
        "a reading of every lamp",
    )
