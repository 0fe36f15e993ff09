"""A whole night, dusk to dawn, held against what the simulator knows."""

from datetime import datetime, timedelta

import pytest

from tests.conftest import wait_until
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
from tests.support.whole_town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1200)]

# At 120 times real time a 9600-baud line carries too little for a street; 19200 makes up for some.
TOWN = ("--lamps", "500", "--faults", "0", "--speed", "120", "--baud", "19200")


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
