"""One night in a real browser, held against what the simulator knows.

The tests of this file go through the same night in the order they stand.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import wait_until
from tests.support.whole_town import Town, night_instants

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SPEED = 120
LAMPS = 500
# At 120 times real time a 9600-baud line carries too little for a street; 19200 makes up for some.
TOWN = ("--lamps", str(LAMPS), "--faults", "0", "--speed", str(SPEED), "--baud", "19200")

SHOWN_WITHIN = timedelta(minutes=5)
LEVEL_TOLERANCE_PERCENT = 2.0
README_SCREENSHOT = Path(__file__).parents[2] / "docs" / "images" / "map.png"


class Night:
    """What the tests of this night know of it."""

    faulty: set[str]
    sunset: datetime
    sunrise: datetime

    def __init__(self, town: Town) -> None:
        night = town.api.get("/api/v1/night").raise_for_status().json()
        self.sunset = datetime.fromisoformat(night["sunset"])
        self.sunrise = datetime.fromisoformat(night["sunrise"])
        self.faulty = set()


@pytest.fixture(scope="module")
def night(town: Town) -> Night:
    """The night that begins."""
    return Night(town)


def test_starts_within_fifteen_seconds(town: Town) -> None:
    """From the command to a usable map."""
    assert town.start_s < 15


def test_the_map_opens(page: Page) -> None:
    """The one-time link leads to the map with every lamp on it."""
    expect(page.get_by_test_id("map")).to_be_visible()
    expect(page.get_by_test_id("summary-lit")).to_contain_text(f"of {LAMPS}")
    wait_until(lambda: page.evaluate("window.lentera?.lampCount()") == LAMPS, 15, "every lamp on the map")


def test_dusk_comes_within_two_minutes(town: Town, page: Page, night: Night) -> None:
    """The lamps are off before sunset and lit after it, on the map as in the street."""
    assert 0 < (night.sunset - town.now()).total_seconds() / SPEED < 120
    assert not any(lamp["lit"] for lamp in town.truth().values())
    expect(page.get_by_test_id("summary-lit")).to_have_attribute("data-value", "0")
    town.wait_for(night.sunset + SHOWN_WITHIN)
    assert all(lamp["lit"] for lamp in town.truth().values())
    expect(page.get_by_test_id("summary-lit")).to_have_attribute("data-value", str(LAMPS))
    wait_until(
        lambda: page.evaluate(f"window.lentera.lampState('{next(iter(town.lamps()))}')")["state"] == "lit"
    )


def test_a_lamp_that_goes_out_is_seen(town: Town, page: Page, night: Night, tmp_path: Path) -> None:
    """A lamp-out appears as lampFailure, on the map and in the list, within two polls."""
    lamp_id = sorted(town.truth())[7]
    night.faulty.add(lamp_id)
    town.sim.post(f"/sim/v1/lamps/{lamp_id}/faults", json={"type": "lampOut"}).raise_for_status()
    injected = town.now()
    wait_until(lambda: _alarms_of(town, lamp_id), 30, "lampFailure")
    alarm = _alarms_of(town, lamp_id)[0]
    raised = datetime.fromisoformat(alarm["raisedAt"])
    polls = [at for at in _answered_polls(town, lamp_id) if injected <= at <= raised]
    assert alarm["type"] == "lampFailure"
    assert 1 <= len(polls) <= 2
    page.get_by_test_id("tab-faults").click()
    row = page.get_by_test_id(f"fault-row-{lamp_id}")
    expect(row).to_be_visible(timeout=10_000)
    assert page.evaluate(f"window.lentera.lampState('{lamp_id}')")["state"] == "fault"
    row.click()
    expect(page.get_by_test_id("lamp-panel")).to_contain_text(lamp_id)
    still = "document.getAnimations().every(each => each.playState !== 'running')"
    wait_until(lambda: page.evaluate(still), 15, "a panel at rest")
    renew = os.environ.get("RENEW_SCREENSHOTS") == "true"
    page.screenshot(path=str(README_SCREENSHOT if renew else tmp_path / "map.png"))


def test_a_click_dims_a_lamp(town: Town, page: Page) -> None:
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


def test_the_map_tells_the_truth_all_night(town: Town, night: Night) -> None:
    """Five minutes after any instant the level shown is the true one, and no healthy lamp has an alarm."""
    wrong: list[str] = []
    for instant in night_instants(town.now(), night.sunrise + timedelta(minutes=30), timedelta(minutes=7)):
        town.wait_for(instant)
        truth = town.truth()
        town.wait_for(instant + SHOWN_WITHIN)
        wrong += _disagreements(truth, town.lamps(), town.truth(), night.faulty, instant)
    assert wrong == []
    false_alarms = [alarm for alarm in town.all_alarms() if alarm["lampId"] not in night.faulty]
    assert false_alarms == []
    assert not any(lamp["lit"] for lamp in town.truth().values())


def _disagreements(
    then: dict[str, dict[str, Any]],
    shown: dict[str, dict[str, Any]],
    now: dict[str, dict[str, Any]],
    faulty: set[str],
    instant: datetime,
) -> list[str]:
    """Healthy lamps whose shown level was the true one neither at the instant nor since."""
    return [
        f"{instant:%H:%M} {lamp_id}: true {then[lamp_id]['trueLevel']}, shown {lamp['actualLightState']}"
        for lamp_id, lamp in shown.items()
        if lamp_id not in faulty
        and not any(_same(lamp["actualLightState"], truth[lamp_id]["trueLevel"]) for truth in (then, now))
    ]


def _same(shown: float | None, true: float) -> bool:
    return shown is not None and abs(shown - true) <= LEVEL_TOLERANCE_PERCENT


def _alarms_of(town: Town, lamp_id: str) -> list[dict[str, Any]]:
    return [alarm for alarm in town.active_alarms() if alarm["lampId"] == lamp_id]


def _answered_polls(town: Town, lamp_id: str) -> list[datetime]:
    """When the simulator answered a poll of this lamp."""
    log = town.sim.get("/sim/v1/log", params={"lampId": lamp_id}).raise_for_status().json()["items"]
    return [datetime.fromtimestamp(entry["time"] / 1000, tz=UTC) for entry in log]
