"""The rules held against the simulator's physics: silent on healthy luminaires, right about each fault."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from cloud.alarms.lamp import LampAlarms, evaluate_lamp
from cloud.alarms.model import DeviceAlarms
from firmware_sim.devices.luminaire import Luminaire, LuminaireTraits
from firmware_sim.devices.mains import Feeder, FeederTraits
from firmware_sim.faults import FaultType
from protocols.clock import from_unix_ms
from protocols.lamp import LampReading

NOON_S = 1_772_341_200  # 2026-03-01 12:00 in Jakarta
PLAN = ((6 * 3600, 100), (11 * 3600, 50), (17 * 3600 + 2700, 0))
DAY_S = 24 * 3600
LONGITUDE = 107.5


def luminaire(seed: int, rated_power_w: float) -> Luminaire:
    rng = random.Random(seed)
    feeder = Feeder(FeederTraits.draw(rng), 50 * rated_power_w, 1.5, LONGITUDE)
    return Luminaire(
        LuminaireTraits.draw(rng, rated_power_w, LONGITUDE, rng.random(), seed % 3), feeder, NOON_S
    )


def night(lamp: Luminaire, poll_s: int, fault: FaultType | None, fault_at_s: float) -> Iterator[LampReading]:
    plan, target = list(PLAN), 0
    for at_s in range(0, DAY_S, poll_s):
        while plan and plan[0][0] <= at_s:
            moment, target = plan.pop(0)
            lamp.command(target, 2.0, NOON_S + moment)
        if fault is not None and fault_at_s <= at_s:
            lamp.set_fault(fault, True, NOON_S + fault_at_s)
        truth = lamp.measure(NOON_S + at_s)
        yield LampReading(
            "SOR-00001",
            from_unix_ms((NOON_S + at_s) * 1000),
            target_level_percent=target,
            feedback_level_percent=target,
            actual_level_percent=round(truth.level_percent),
            supply_voltage_v=round(truth.supply_voltage_v, 1),
            active_power_w=round(truth.active_power_w, 1),
            switch_on_counter=truth.switch_ons,
            lamp_failure=False,
            control_gear_failure=False,
        )


def raised(
    rated_power_w: float, poll_s: int, fault: FaultType | None = None, fault_at_s: float = 0, seed: int = 1
) -> dict[str, timedelta]:
    """Which alarms are raised, and how long after the fault."""
    state: LampAlarms = DeviceAlarms()
    found = dict[str, timedelta]()
    start = from_unix_ms(NOON_S * 1000) + timedelta(seconds=fault_at_s)
    for reading in night(luminaire(seed, rated_power_w), poll_s, fault, fault_at_s):
        state, changes = evaluate_lamp(state, reading, rated_power_w)
        for change in changes:
            if change.raised:
                found.setdefault(change.type.value, reading.time - start)
    return found


@pytest.mark.parametrize("poll_s", [60, 600])
@pytest.mark.parametrize("rated_power_w", [20.0, 40.0, 90.0, 250.0])
def test_healthy_luminaires_raise_nothing(rated_power_w: float, poll_s: int) -> None:
    for seed in range(5):
        assert raised(rated_power_w, poll_s, seed=seed) == {}


@pytest.mark.parametrize("rated_power_w", [20.0, 90.0, 250.0])
@pytest.mark.parametrize("hour", [8.0, 13.0])  # at full level and dimmed
@pytest.mark.parametrize(
    ("fault", "alarm"),
    [
        (FaultType.LAMP_OUT, "lampFailure"),
        (FaultType.DRIVER_FAILURE, "lampFailure"),
        (FaultType.SUPPLY_LOSS, "supplyLoss"),
    ],
)
def test_darkness_is_raised_by_the_second_poll(
    fault: FaultType, alarm: str, hour: float, rated_power_w: float
) -> None:
    found = raised(rated_power_w, 60, fault, hour * 3600 + 10)
    assert list(found) == [alarm]
    assert found[alarm] <= timedelta(minutes=2)


def test_a_day_burner_is_raised_by_the_second_poll() -> None:
    assert raised(90.0, 60, FaultType.RELAY_STUCK_ON, 3610) == {"lampUnexpectedOn": timedelta(seconds=110)}


def test_a_lamp_that_ignores_dimming_is_raised_after_the_dim_step() -> None:
    found = raised(90.0, 60, FaultType.DIMMING_IGNORED, 3600)
    assert list(found) == ["dimmingFailure"]
    assert found["dimmingFailure"] <= timedelta(hours=10, minutes=4)


def test_a_cycling_lamp_is_raised_within_half_an_hour() -> None:
    found = raised(90.0, 60, FaultType.CYCLING, 8 * 3600)
    assert found["cyclingFailure"] <= timedelta(minutes=30)
    assert set(found) <= {"cyclingFailure", "lampFailure"}
