"""What every telemetry backend must do, run on each of them, on real servers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cloud.telemetry.store import SeriesQuery, TelemetryStore
from protocols.cabinet import CabinetReading, SwitchState
from protocols.clock import to_unix_ms
from protocols.device_kinds import CABINETS, LAMPS, UnknownAttribute
from protocols.lamp import LampReading, Reason

DUSK = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
LONG = timedelta(days=30)


def reading(minute: int, lamp_id: str = "SOR-00001", **fields: float | None) -> LampReading:
    values: dict[str, float | None] = {"active_power_w": 90.0, "target_level_percent": 100}
    return LampReading(lamp_id, DUSK + timedelta(minutes=minute), **(values | fields))  # type: ignore[arg-type]


FULL = LampReading(
    device_id="SOR-00001",
    time=DUSK + timedelta(milliseconds=7),
    target_level_percent=100,
    feedback_level_percent=50,
    reason=Reason.OVERRIDE,
    actual_level_percent=49.5,
    supply_voltage_v=228.25,
    supply_current_a=0.21,
    active_power_w=45.125,
    power_factor=0.95,
    temperature_c=-4.0,
    active_energy_kwh=1234.567,
    operating_hours_h=4321.25,
    switch_on_counter=4_000_000_000,
    lamp_failure=False,
    control_gear_failure=True,
)


@pytest.fixture
def store(any_store: TelemetryStore) -> Iterator[TelemetryStore]:
    yield any_store
    any_store.close()


def test_an_empty_store_answers_empty(store: TelemetryStore) -> None:
    assert store.count(["SOR-00001"], DUSK, DUSK + LONG) == 0
    assert store.times("SOR-00001", DUSK, DUSK + LONG) == []
    (series,) = store.series(SeriesQuery("SOR-00001", ["activePower"], DUSK, DUSK + LONG, 10))
    assert (series.attribute, series.unit, series.points) == ("activePower", "W", [])


def test_every_field_comes_back_as_it_was(store: TelemetryStore, keeps_text: bool) -> None:
    store.write([FULL])
    expected: dict[str, float | str] = {
        "targetLightCommand": 100,
        "feedbackLightCommand": 50,
        "actualLightState": 49.5,
        "supplyVoltage": 228.25,
        "supplyCurrent": 0.21,
        "activePower": 45.125,
        "powerFactor": 0.95,
        "temperature": -4.0,
        "activeEnergy": 1234.567,
        "operatingHours": 4321.25,
        "switchOnCounter": 4_000_000_000,
        "lampFailure": False,
        "controlGearFailure": True,
    }
    if keeps_text:
        expected |= {"reason": "override"}
    series = store.series(SeriesQuery("SOR-00001", list(expected), DUSK, DUSK + LONG, 10))
    assert {one.attribute: one.points for one in series} == {
        attribute: [(to_unix_ms(FULL.time), value)] for attribute, value in expected.items()
    }
    types = {one.attribute: type(one.points[0][1]) for one in series}
    assert types == {attribute: type(value) for attribute, value in expected.items()}


def test_writing_twice_changes_nothing(store: TelemetryStore) -> None:
    readings = [reading(minute) for minute in range(5)]
    store.write(readings)
    store.write(readings)
    store.write([readings[2], readings[2]])
    assert store.count(["SOR-00001"], DUSK, DUSK + LONG) == 5
    assert store.times("SOR-00001", DUSK, DUSK + LONG) == [to_unix_ms(one.time) for one in readings]


def test_late_readings_fall_into_place(store: TelemetryStore) -> None:
    for minute in (3, 0, 2, 1):
        store.write([reading(minute, active_power_w=float(minute))])
    (series,) = store.series(SeriesQuery("SOR-00001", ["activePower"], DUSK, DUSK + LONG, 10))
    assert [value for _, value in series.points] == [0.0, 1.0, 2.0, 3.0]


def test_a_missing_value_is_no_point(store: TelemetryStore) -> None:
    store.write([reading(0), reading(1, active_power_w=None), reading(2, active_power_w=float("nan"))])
    (series,) = store.series(SeriesQuery("SOR-00001", ["activePower"], DUSK, DUSK + LONG, 10))
    assert [value for _, value in series.points] == [90.0]
    assert store.count(["SOR-00001"], DUSK, DUSK + LONG) == 3


def test_a_reading_without_any_value_is_still_a_reading(store: TelemetryStore) -> None:
    store.write([LampReading("SOR-00001", DUSK)])
    assert store.times("SOR-00001", DUSK, DUSK + LONG) == [to_unix_ms(DUSK)]


def test_the_window_holds_its_start_and_not_its_end(store: TelemetryStore) -> None:
    store.write([reading(minute) for minute in range(4)])
    start, end = DUSK + timedelta(minutes=1), DUSK + timedelta(minutes=3)
    assert store.times("SOR-00001", start, end) == [to_unix_ms(reading(1).time), to_unix_ms(reading(2).time)]
    assert store.count(["SOR-00001"], start, end) == 2


def test_lamps_do_not_mix(store: TelemetryStore) -> None:
    odd = 'O\'Brien\\s "lamp", no=1'
    store.write([reading(0, "SOR-00001"), reading(0, "SOR-00010"), reading(0, odd), reading(1, odd)])
    assert store.count(["SOR-00001"], DUSK, DUSK + LONG) == 1
    assert store.count(["SOR-0000"], DUSK, DUSK + LONG) == 0
    assert store.count([".*"], DUSK, DUSK + LONG) == 0
    assert store.count([odd], DUSK, DUSK + LONG) == 2
    assert store.count(["SOR-00001", "SOR-00010", odd, "none"], DUSK, DUSK + LONG) == 4
    assert store.count([], DUSK, DUSK + LONG) == 0


def test_a_long_series_is_thinned(store: TelemetryStore) -> None:
    readings = [
        reading(minute, active_power_w=float(minute % 2), switch_on_counter=minute) for minute in range(1000)
    ]
    store.write(readings)
    end = DUSK + timedelta(minutes=1000)
    power, counter = store.series(SeriesQuery("SOR-00001", ["activePower", "switchOnCounter"], DUSK, end, 51))
    assert 25 <= len(power.points) <= 51
    assert all(0.3 < value < 0.7 for _, value in power.points if not isinstance(value, str))
    times = [time for time, _ in power.points]
    assert times == sorted(set(times))
    assert to_unix_ms(DUSK) <= times[0]
    assert times[-1] < to_unix_ms(end)
    counted = [value for _, value in counter.points]
    assert counted[-1] == 999
    assert all(isinstance(value, int) for value in counted)
    assert counted == sorted(counted, key=float)


def test_as_many_points_as_readings_are_not_thinned(store: TelemetryStore) -> None:
    store.write([reading(minute) for minute in range(50)])
    (series,) = store.series(SeriesQuery("SOR-00001", ["activePower"], DUSK, DUSK + LONG, 50))
    assert [time for time, _ in series.points] == [to_unix_ms(reading(minute).time) for minute in range(50)]


def test_an_unknown_attribute_is_named(store: TelemetryStore) -> None:
    with pytest.raises(UnknownAttribute, match=r"'power', expected one of .*activePower"):
        store.series(SeriesQuery("SOR-00001", ["power"], DUSK, DUSK + LONG, 10))


def test_many_readings_at_once(store: TelemetryStore) -> None:
    readings = [reading(minute, f"L-{lamp}") for minute in range(20) for lamp in range(100)]
    store.write(readings)
    assert store.count([f"L-{lamp}" for lamp in range(100)], DUSK, DUSK + LONG) == 2000


CABINET = CabinetReading(
    "soreang-01-cabinet",
    DUSK + timedelta(milliseconds=7),
    total_power_kw=4.219,
    total_active_energy_kwh=18234.567,
    supply_voltage_v=229.5,
    phase2_voltage_v=0.0,
    phase3_active_energy_kwh=6078.189,
    door_open=True,
    breaker_tripped=False,
    contactor_state=SwitchState.ON,
    photocell_output_on=True,
)


def test_a_cabinet_comes_back_as_it_was(store: TelemetryStore, keeps_text: bool) -> None:
    store.write([CABINET, CABINET])
    expected: dict[str, float | str] = {
        "totalPower": 4.219,
        "totalActiveEnergy": 18234.567,
        "supplyVoltage": 229.5,
        "phase2Voltage": 0.0,
        "phase3ActiveEnergy": 6078.189,
        "cabinetDoorOpen": True,
        "circuitBreakerTripped": False,
        "photocellOutputOn": True,
    }
    if keeps_text:
        expected |= {"actualState": "ON"}
    asked = [*expected, "neutralCurrent"]
    series = store.series(SeriesQuery(CABINET.device_id, asked, DUSK, DUSK + LONG, 10, kind=CABINETS))
    assert {one.attribute: one.points for one in series if one.points} == {
        attribute: [(to_unix_ms(CABINET.time), value)] for attribute, value in expected.items()
    }
    assert series[0].unit == "kW"
    assert store.times(CABINET.device_id, DUSK, DUSK + LONG, kind=CABINETS) == [to_unix_ms(CABINET.time)]
    assert store.count([CABINET.device_id], DUSK, DUSK + LONG, kind=CABINETS) == 1


def test_a_lamp_and_a_cabinet_of_one_name_do_not_mix(store: TelemetryStore) -> None:
    store.write([reading(0, "soreang-01-cabinet", supply_voltage_v=228.0), CABINET, reading(1, "SOR-00001")])
    lamp, cabinet = (
        store.series(SeriesQuery("soreang-01-cabinet", ["supplyVoltage"], DUSK, DUSK + LONG, 10, kind))
        for kind in (LAMPS, CABINETS)
    )
    assert [value for _, value in lamp[0].points] == [228.0]
    assert [value for _, value in cabinet[0].points] == [229.5]
    assert store.count(["SOR-00001"], DUSK, DUSK + LONG, kind=CABINETS) == 0
    with pytest.raises(UnknownAttribute, match=r"'totalPower', expected one of .*activePower"):
        store.series(SeriesQuery("SOR-00001", ["totalPower"], DUSK, DUSK + LONG, 10))
