"""Each alarm rule: when it speaks, when it must not, and when it stops."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloud.alarms.lamp import LampAlarms, evaluate_lamp
from cloud.alarms.model import AlarmChange, DeviceAlarms
from protocols.events import EventType
from protocols.lamp import LampReading

DUSK = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
RATED_W = 90.0
RESTARTED: LampAlarms = DeviceAlarms(active=frozenset({EventType.LAMP_FAILURE}))
"""After a restart only the open alarms are known."""


def lit(minute: float, level: int = 100, **changes: object) -> LampReading:
    """A healthy lamp at a level."""
    healthy = LampReading(
        device_id="SOR-00001",
        time=DUSK + timedelta(minutes=minute),
        target_level_percent=level,
        feedback_level_percent=level,
        actual_level_percent=float(level),
        supply_voltage_v=228.0,
        active_power_w=RATED_W * level / 100 + 0.4,
        switch_on_counter=10,
        lamp_failure=False,
        control_gear_failure=False,
    )
    return replace(healthy, **changes)  # type: ignore[arg-type]


def dark(minute: float, level: int = 100, **changes: object) -> LampReading:
    """A lamp whose LEDs are open: the driver still draws a little, and its failure bit may be silent."""
    return lit(minute, level, **({"active_power_w": 0.8} | changes))


def run(
    readings: Iterable[LampReading], state: LampAlarms | None = None, rated_w: float | None = RATED_W
) -> list[AlarmChange]:
    state = state or DeviceAlarms()
    changes: list[AlarmChange] = []
    for reading in readings:
        state, new = evaluate_lamp(state, reading, rated_w)
        changes += new
    return changes


def said(changes: Iterable[AlarmChange]) -> list[tuple[str, bool, float]]:
    return [(one.type.value, one.raised, (one.time - DUSK).total_seconds() / 60) for one in changes]


SETTLED = [lit(-2), lit(-1)]


class TestLampFailure:
    def test_second_dark_reading_raises_without_the_bit(self) -> None:
        assert said(run([*SETTLED, dark(0), dark(1)])) == [("lampFailure", True, 1)]

    def test_first_dark_reading_raises_where_the_bit_agrees(self) -> None:
        assert said(run([*SETTLED, dark(0, lamp_failure=True)])) == [("lampFailure", True, 0)]

    def test_the_bit_alone_does_not_overrule_power(self) -> None:
        assert run([*SETTLED, *(lit(minute, lamp_failure=True) for minute in range(5))]) == []

    def test_the_bit_decides_where_there_is_no_power_reading(self) -> None:
        readings = [lit(minute, lamp_failure=True, active_power_w=None) for minute in range(2)]
        assert said(run([*SETTLED, *readings])) == [("lampFailure", True, 1)]

    def test_a_controller_that_claims_output_is_not_believed(self) -> None:
        assert said(run([*SETTLED, dark(0, actual_level_percent=100.0), dark(1)])) == [
            ("lampFailure", True, 1)
        ]

    def test_dark_at_dusk_is_raised_by_the_second_reading_that_counts(self) -> None:
        assert said(run([lit(-1, 0), dark(0), dark(1), dark(2)])) == [("lampFailure", True, 2)]

    def test_one_dark_reading_is_not_enough(self) -> None:
        assert run([*SETTLED, dark(0), lit(1), dark(2), lit(3)]) == []

    def test_a_dimmed_lamp_is_held_to_its_level(self) -> None:
        assert run([lit(0, 10), lit(1, 10), lit(2, 10)]) == []
        assert said(run([lit(0, 10), lit(1, 10), dark(2, 10), dark(3, 10)])) == [("lampFailure", True, 3)]

    def test_an_idle_driver_drawing_as_much_as_a_dimmed_lamp_needs_the_bit(self) -> None:
        idle = {"active_power_w": 3.5}
        assert run([lit(0, 5), lit(1, 5), *(lit(minute, 5, **idle) for minute in range(2, 6))]) == []
        failed = [lit(minute, 5, lamp_failure=True, **idle) for minute in range(2, 4)]
        assert said(run([lit(0, 5), lit(1, 5), *failed])) == [("lampFailure", True, 3)]
        assert said(run([lit(0, 10), lit(1, 10), *(lit(m, 10, **idle) for m in (2, 3))])) == [
            ("lampFailure", True, 3)
        ]

    def test_off_is_not_failed(self) -> None:
        assert run([lit(0, 0), *(dark(minute, 0, lamp_failure=True) for minute in range(1, 10))]) == []

    def test_clears_on_the_second_healthy_reading_and_can_come_back(self) -> None:
        changes = run([*SETTLED, dark(0), dark(1), lit(2), lit(3), dark(4), dark(5)])
        assert said(changes) == [
            ("lampFailure", True, 1),
            ("lampFailure", False, 3),
            ("lampFailure", True, 5),
        ]

    def test_switching_off_neither_clears_nor_repeats_it(self) -> None:
        changes = run(
            [*SETTLED, dark(0), dark(1), dark(2, 0), dark(3, 0), dark(4, 0), dark(5), dark(6), dark(7)]
        )
        assert said(changes) == [("lampFailure", True, 1)]

    def test_after_a_restart_an_active_alarm_is_not_raised_again(self) -> None:
        changes = run([dark(minute) for minute in range(5)], RESTARTED)
        assert changes == []

    def test_after_a_restart_it_clears_when_the_lamp_has_healed(self) -> None:
        changes = run([lit(0), lit(1), lit(2)], RESTARTED)
        assert said(changes) == [("lampFailure", False, 2)]

    def test_a_lamp_of_unknown_rating_is_judged_by_standby_power(self) -> None:
        assert said(run([*SETTLED, dark(0), dark(1)], rated_w=None)) == [("lampFailure", True, 1)]

    def test_without_mains_it_is_supply_loss_alone(self) -> None:
        readings = [dark(minute, supply_voltage_v=0.0, active_power_w=0.0) for minute in range(5)]
        assert said(run([*SETTLED, *readings])) == [("supplyLoss", True, 1)]

    def test_the_alarm_says_what_was_seen(self) -> None:
        (change,) = run([*SETTLED, dark(0, lamp_failure=True)])
        assert change.info == "target 100 %, output 100 %, 0.8 W, rated 90 W, 228 V, lamp failure bit"


class TestLampUnexpectedOn:
    def test_a_day_burner_is_raised_by_the_second_reading(self) -> None:
        burning = [lit(minute, 0, active_power_w=88.0, actual_level_percent=0.0) for minute in range(2)]
        changes = run([lit(-2, 0), lit(-1, 0), *burning])
        assert said(changes) == [("lampUnexpectedOn", True, 1)]

    def test_it_outlasts_the_night_that_hides_it(self) -> None:
        burning = [lit(minute, 0, active_power_w=88.0) for minute in range(4)]
        night = [lit(minute) for minute in range(4, 20)]
        changes = run([*burning, *night, *(lit(minute, 0) for minute in range(20, 24))])
        assert said(changes) == [("lampUnexpectedOn", True, 2), ("lampUnexpectedOn", False, 22)]

    def test_standby_power_is_not_light(self) -> None:
        assert run([lit(minute, 0, active_power_w=2.5) for minute in range(10)]) == []


class TestDimmingFailure:
    def test_a_lamp_that_stays_bright_at_23h(self) -> None:
        stuck = [lit(minute, 50, active_power_w=90.0, actual_level_percent=100.0) for minute in range(5)]
        assert said(run([*SETTLED, *stuck])) == [("dimmingFailure", True, 3)]

    def test_power_decides_where_the_controller_claims_to_dim(self) -> None:
        stuck = [lit(minute, 50, active_power_w=90.0, actual_level_percent=50.0) for minute in range(5)]
        assert said(run([*SETTLED, *stuck])) == [("dimmingFailure", True, 3)]

    def test_a_controller_that_does_not_take_the_level(self) -> None:
        deaf = [lit(minute, 100, target_level_percent=50) for minute in range(5)]
        assert said(run([*SETTLED, *deaf])) == []  # its gateway says so

    def test_full_level_does_not_refute_a_lamp_stuck_at_full(self) -> None:
        stuck = [lit(minute, 50, active_power_w=90.0, actual_level_percent=100.0) for minute in range(5)]
        full = [lit(minute) for minute in range(5, 10)]
        cured = [lit(minute, 50) for minute in range(10, 15)]
        changes = run([*stuck, *full, *cured])
        assert said(changes) == [("dimmingFailure", True, 3), ("dimmingFailure", False, 12)]

    def test_a_dark_lamp_does_not_fail_to_dim(self) -> None:
        changes = run([*SETTLED, *(dark(minute, actual_level_percent=0.0) for minute in range(6))])
        assert said(changes) == [("lampFailure", True, 1)]


class TestCyclingFailure:
    def test_three_switch_ons_by_itself_within_half_an_hour(self) -> None:
        counts = [10, 10, 11, 11, 12, 12, 13]
        readings = [lit(minute * 4, switch_on_counter=count) for minute, count in enumerate(counts)]
        assert said(run(readings)) == [("cyclingFailure", True, 24)]

    def test_slower_than_that_is_not_cycling(self) -> None:
        readings = [lit(minute * 16, switch_on_counter=minute) for minute in range(10)]
        assert run(readings) == []

    def test_seen_by_light_where_nothing_counts(self) -> None:
        flicker = [lit(0), lit(2), dark(4), lit(6), dark(8), lit(10), dark(12), lit(14)]
        readings = [replace(one, switch_on_counter=None) for one in flicker]
        assert said(run(readings)) == [("cyclingFailure", True, 14)]

    def test_ends_after_half_an_hour_of_calm(self) -> None:
        counts = [10, 10, 13]
        readings = [lit(minute, switch_on_counter=count) for minute, count in enumerate(counts)]
        calm = [lit(minute, switch_on_counter=13) for minute in range(3, 50)]
        assert said(run([*readings, *calm])) == [("cyclingFailure", True, 2), ("cyclingFailure", False, 33)]

    def test_switching_by_command_is_not_cycling(self) -> None:
        readings = [
            lit(minute * 2, 100 if minute % 2 else 0, switch_on_counter=minute // 2) for minute in range(30)
        ]
        assert run(readings) == []

    def test_it_stands_for_the_dark_moments_too(self) -> None:
        cycling = [lit(0), lit(1), lit(2, switch_on_counter=13)]
        dark_moments = [dark(minute, switch_on_counter=13) for minute in range(3, 10)]
        assert said(run([*cycling, *dark_moments])) == [("cyclingFailure", True, 2)]


@pytest.mark.parametrize(
    ("changes", "event", "raised_at"),
    [
        ({"control_gear_failure": True}, "controlGearCommFailure", 1),
        ({"supply_voltage_v": 262.0}, "supplyVoltageTooHigh", 2),
        ({"supply_voltage_v": 180.0}, "supplyVoltageTooLow", 2),
        ({"active_power_w": 50.0}, "lampPowerTooLow", 4),
        ({"active_power_w": 140.0}, "lampPowerTooHigh", 4),
    ],
)
def test_a_lasting_condition_is_raised_once_and_cleared(
    changes: dict[str, object], event: str, raised_at: int
) -> None:
    sick = [replace(lit(minute), **changes) for minute in range(10)]  # type: ignore[arg-type]
    healed = [lit(minute) for minute in range(10, 20)]
    raised, cleared = said(run([*SETTLED, *sick, *healed]))
    assert raised == (event, True, raised_at)
    assert cleared[:2] == (event, False)


def test_voltage_at_the_limit_does_not_flap() -> None:
    readings = [lit(minute, supply_voltage_v=253.5 if minute % 4 else 252.0) for minute in range(100)]
    assert said(run(readings)) == [("supplyVoltageTooHigh", True, 3)]


def test_readings_of_the_past_change_nothing() -> None:
    state: LampAlarms = DeviceAlarms()
    for reading in SETTLED:
        state, _ = evaluate_lamp(state, reading, RATED_W)
    for minute in range(-9, -1):
        assert evaluate_lamp(state, dark(minute, lamp_failure=True), RATED_W) == (state, [])


def test_a_reading_without_any_value_says_nothing() -> None:
    empty = [LampReading("SOR-00001", DUSK + timedelta(minutes=minute)) for minute in range(10)]
    assert run(empty) == []
