"""What a cabinet's readings raise, and what they must not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud.alarms.cabinet import CabinetAlarms, evaluate_cabinet
from cloud.alarms.model import AlarmChange, DeviceAlarms
from protocols.cabinet import CabinetReading, SwitchState
from protocols.events import EventType

DUSK = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
HEALTHY = CabinetReading(
    "cab",
    DUSK,
    total_power_kw=3.0,
    phase1_voltage_v=229.0,
    phase2_voltage_v=228.0,
    phase3_voltage_v=230.0,
    phase1_active_power_kw=1.0,
    phase2_active_power_kw=1.0,
    phase3_active_power_kw=1.0,
    door_open=False,
    breaker_tripped=False,
    contactor_state=SwitchState.ON,
)


def changes_of(*readings: CabinetReading) -> list[AlarmChange]:
    """What these readings, a minute apart, raise and end."""
    state: CabinetAlarms = DeviceAlarms()
    changes: list[AlarmChange] = []
    for minute, reading in enumerate(readings):
        state, new = evaluate_cabinet(state, replace(reading, time=DUSK + timedelta(minutes=minute)))
        changes += new
    return changes


def test_a_healthy_cabinet_raises_nothing() -> None:
    day = replace(HEALTHY, total_power_kw=0.03, phase1_active_power_kw=0.01, phase1_voltage_v=198.0)
    assert changes_of(HEALTHY, day, HEALTHY, day) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"door_open": True}, EventType.CABINET_DOOR_OPEN),
        ({"breaker_tripped": True}, EventType.CIRCUIT_BREAKER_TRIPPED),
    ],
)
def test_a_contact_is_believed_at_once_both_ways(fault: dict[str, Any], kind: EventType) -> None:
    wrong = replace(HEALTHY, **fault)
    assert [(change.type, change.raised) for change in changes_of(HEALTHY, wrong, wrong, HEALTHY)] == [
        (kind, True),
        (kind, False),
    ]


def test_a_tripped_breaker_names_the_phase_that_draws_nothing() -> None:
    (change,) = changes_of(replace(HEALTHY, breaker_tripped=True, phase2_active_power_kw=0.0))
    assert change.info == "nothing is drawn on phase 2"


def test_a_phase_is_lost_after_two_readings_and_back_after_two() -> None:
    lost = replace(HEALTHY, phase3_voltage_v=0.4)
    raised, ended = changes_of(HEALTHY, lost, HEALTHY, lost, lost, HEALTHY, lost, HEALTHY, HEALTHY)
    assert (raised.type, raised.raised, raised.info) == (EventType.SUPPLY_LOSS, True, "phase 3 at 0 V")
    assert raised.time == DUSK + timedelta(minutes=4)
    assert (ended.raised, ended.time) == (False, DUSK + timedelta(minutes=8))


def test_a_single_phase_meter_has_a_supply_too() -> None:
    lost = CabinetReading("cab", DUSK, supply_voltage_v=12.0)
    assert [change.info for change in changes_of(lost, lost)] == ["supply at 12 V"]


def test_what_is_not_known_changes_nothing() -> None:
    nothing = CabinetReading("cab", DUSK)
    open_door = replace(HEALTHY, door_open=True)
    assert changes_of(nothing, nothing, nothing) == []
    assert [change.raised for change in changes_of(open_door, nothing, nothing, HEALTHY)] == [True, False]


def test_backlog_raises_nothing() -> None:
    state, _ = evaluate_cabinet(DeviceAlarms(), HEALTHY)
    late = replace(HEALTHY, time=DUSK - timedelta(hours=1), door_open=True)
    assert evaluate_cabinet(state, late) == (state, [])
