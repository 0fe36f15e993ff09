"""The same seed gives the same night; another seed gives another."""

from datetime import UTC, datetime, timedelta

from firmware_sim.scenario import NIGHT, plan_night

DUSK = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
LAMPS = [f"SOR-{number:05}" for number in range(1, 501)]


def test_the_same_seed_gives_the_same_night() -> None:
    night = plan_night(LAMPS, DUSK, seed=3, per_1000=20)
    assert night == plan_night(list(reversed(LAMPS)), DUSK, seed=3, per_1000=20)
    assert night != plan_night(LAMPS, DUSK, seed=4, per_1000=20)


def test_a_night_has_its_share_of_faults_in_order_one_per_lamp() -> None:
    night = plan_night(LAMPS, DUSK, seed=3, per_1000=20)
    assert len(night) == len({fault.lamp_id for fault in night}) == 10
    assert [fault.at for fault in night] == sorted(fault.at for fault in night)
    assert all(timedelta(0) <= fault.at - DUSK <= NIGHT for fault in night)
    assert plan_night(LAMPS, DUSK, seed=3, per_1000=0) == []
