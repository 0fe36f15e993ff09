"""A whole night, dusk to dawn, held against what the simulator knows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from firmware_sim.town.city import generate_city
from protocols.inventory.model import encode
from tests.conftest import require_program, wait_until
from tests.support.night import (
    LEVEL_TOLERANCE_PERCENT,
    SHOWN_WITHIN,
    Lamps,
    Night,
    alarms_of,
    all_observed_since,
    disagreements,
    instants,
)
from tests.support.places import moved
from tests.support.whole_town import Town, start_town

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1200)]

LAMPS = 200
LATITUDE, LONGITUDE, ZONE = 52.37, 4.90, "Europe/Amsterdam"
"""A summer's night there has all of a night (dusk, the dimming at 23:00, dawn) in seven hours."""

START = "2026-06-21T21:30+02:00"
# At 120 times real time a 9600-baud line carries too little for a street; 19200 makes up for some.
OPTIONS = ("--faults", "0", "--speed", "120", "--baud", "19200", "--start", START)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A running demo of a generated regency, moved to where nights are short."""
    require_program("mosquitto")
    place = tmp_path / "place.json"
    place.write_bytes(encode(moved(generate_city(LAMPS, seed=1), LATITUDE, LONGITUDE, ZONE)))
    with start_town(tmp_path, "--inventory", str(place), *OPTIONS) as town:
        yield town


def test_the_map_tells_the_truth_all_night(town: Town) -> None:
    """Five minutes after any instant the level shown is the true one, and no healthy lamp has an alarm.

    On a machine that is too slow for 120 times real time it may come later, but what is shown is true.
    """
    night = Night(town)
    town.wait_for(night.sunset + SHOWN_WITHIN)
    wait_until(lambda: all(lamp["lit"] for lamp in town.truth().values()), what="light in the street")
    out, dimmed = sorted(town.truth())[7], sorted(town.truth())[3]
    _put_out(town, out)
    _dim(town, dimmed)
    wrong: list[str] = []
    for instant in instants(town.now(), night.sunrise + timedelta(minutes=30), timedelta(minutes=7)):
        town.wait_for(instant)
        then, since = town.truth(), town.now()
        town.wait_for(instant + SHOWN_WITHIN)
        shown = _shown_since(town, since, {out})
        wrong += disagreements(then, shown, town.truth(), {out}, instant)
    assert wrong == []
    assert [alarm for alarm in town.all_alarms() if alarm["lampId"] != out] == []
    assert not any(lamp["lit"] for lamp in town.truth().values())


def _shown_since(town: Town, instant: datetime, faulty: set[str]) -> Lamps:
    """What is shown of each lamp, once all of it was read after the instant."""
    shown: Lamps = {}

    def all_are_new() -> bool:
        nonlocal shown
        shown = town.lamps()
        return all_observed_since(shown, instant, faulty)

    wait_until(all_are_new, what="a reading of every lamp")
    return shown


def _put_out(town: Town, lamp_id: str) -> None:
    town.sim.post(f"/sim/v1/lamps/{lamp_id}/faults", json={"type": "lampOut"}).raise_for_status()
    wait_until(lambda: alarms_of(town, lamp_id), what="lampFailure")


def _dim(town: Town, lamp_id: str) -> None:
    command = {"lampIds": [lamp_id], "level": 30, "note": "e2e"}
    town.api.post("/api/v1/commands", json=command).raise_for_status()
    wait_until(
        lambda: town.truth()[lamp_id]["trueLevel"] == pytest.approx(30, abs=LEVEL_TOLERANCE_PERCENT),
        what="a lamp at 30 %",
    )
