"""An evening in a real browser: dusk, a lamp that goes out and one that is dimmed, as on the street."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import wait_until
from tests.support.night import LEVEL_TOLERANCE_PERCENT, SHOWN_WITHIN, Night, alarms_of
from tests.support.whole_town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

LAMPS = 500
# At 120 times real time a 9600-baud line carries too little for a street; 19200 makes up for some. It begins
# well before sunset: 80 seconds, in which a slow machine too has everything started.
TOWN = (
    *("--lamps", str(LAMPS), "--faults", "0", "--speed", "120", "--baud", "19200"),
    *("--start", "2026-06-01T15:00+07:00"),
)
README_SCREENSHOT = Path(__file__).parents[2] / "docs" / "images" / "map.png"


def test_an_evening_on_the_map(town: Town, page: Page, tmp_path: Path) -> None:
    """One evening, step by step."""
    _the_map_opens(page)
    _dusk_comes(town, page)
    _a_lamp_that_goes_out_is_seen(town, page, tmp_path)
    _a_click_dims_a_lamp(town, page)


def _the_map_opens(page: Page) -> None:
    """The one-time link leads to the map with every lamp on it."""
    expect(page.get_by_test_id("map")).to_be_visible()
    expect(page.get_by_test_id("summary-lit")).to_contain_text(f"of {LAMPS}")
    wait_until(lambda: page.evaluate("window.lentera?.lampCount()") == LAMPS, what="every lamp on the map")


def _dusk_comes(town: Town, page: Page) -> None:
    """The lamps are off before sunset and lit after it, on the map as in the street."""
    night = Night(town)
    assert town.now() < night.sunset
    assert not any(lamp["lit"] for lamp in town.truth().values())
    expect(page.get_by_test_id("summary-lit")).to_have_attribute("data-value", "0")
    town.wait_for(night.sunset + SHOWN_WITHIN)
    wait_until(lambda: all(lamp["lit"] for lamp in town.truth().values()), what="light in the street")
    expect(page.get_by_test_id("summary-lit")).to_have_attribute("data-value", str(LAMPS))
    lamp_id = next(iter(town.lamps()))
    wait_until(lambda: page.evaluate(f"window.lentera.lampState('{lamp_id}')")["state"] == "lit")


def _a_lamp_that_goes_out_is_seen(town: Town, page: Page, tmp_path: Path) -> None:
    """A lamp-out appears as lampFailure, on the map and in the list, within two polls."""
    lamp_id = sorted(town.truth())[7]
    town.sim.post(f"/sim/v1/lamps/{lamp_id}/faults", json={"type": "lampOut"}).raise_for_status()
    injected = town.now()
    wait_until(lambda: alarms_of(town, lamp_id), what="lampFailure")
    alarm = alarms_of(town, lamp_id)[0]
    raised = datetime.fromisoformat(alarm["raisedAt"])
    polls = [at for at in _answered_polls(town, lamp_id) if injected <= at <= raised]
    assert alarm["type"] == "lampFailure"
    assert 1 <= len(polls) <= 2
    page.get_by_test_id("tab-faults").click()
    row = page.get_by_test_id(f"fault-row-{lamp_id}")
    expect(row).to_be_visible()
    assert page.evaluate(f"window.lentera.lampState('{lamp_id}')")["state"] == "fault"
    row.click()
    expect(page.get_by_test_id("lamp-panel")).to_contain_text(lamp_id)
    still = "document.getAnimations().every(each => each.playState !== 'running')"
    wait_until(lambda: page.evaluate(still), what="a panel at rest")
    renew = os.environ.get("RENEW_SCREENSHOTS") == "true"
    page.screenshot(path=str(README_SCREENSHOT if renew else tmp_path / "map.png"))


def _a_click_dims_a_lamp(town: Town, page: Page) -> None:
    """A lamp dimmed on the map is confirmed there and is dimmed in the street."""
    lamp_id = sorted(town.truth())[3]
    page.goto(page.url.split("#")[0] + f"#lamp={lamp_id}")
    expect(page.get_by_test_id("lamp-panel")).to_be_visible()
    page.get_by_test_id("level-slider").fill("30")
    page.get_by_test_id("note").fill("e2e")
    page.get_by_test_id("send-command").click()
    expect(page.get_by_test_id("command-status")).to_have_attribute("data-status", "confirmed")
    assert town.truth()[lamp_id]["trueLevel"] == pytest.approx(30, abs=LEVEL_TOLERANCE_PERCENT)
    expect(page.get_by_test_id("lamp-level")).to_contain_text("30")


def _answered_polls(town: Town, lamp_id: str) -> list[datetime]:
    """When the simulator answered a poll of this lamp."""
    log = town.sim.get("/sim/v1/log", params={"lampId": lamp_id}).raise_for_status().json()["items"]
    return [datetime.fromtimestamp(entry["time"] / 1000, tz=UTC) for entry in log]
