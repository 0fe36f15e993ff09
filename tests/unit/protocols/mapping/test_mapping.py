"""Readings, commands, events, results and acknowledgements survive as metrics; nonsense is named."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.clock import from_unix_ms, to_unix_ms
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult, CommandStatus, LampReading, LightCommand, Reason
from protocols.mapping import (
    DEFAULT_OVERRIDE,
    InvalidCommand,
    InvalidReading,
    InvalidRecord,
    PlanState,
    ack_from,
    ack_metrics,
    command_from,
    command_metrics,
    device_birth,
    epoch_from,
    event_from,
    event_metrics,
    gateway_birth,
    plan_from,
    plan_metrics,
    plan_state_from,
    plan_state_metrics,
    position_from,
    position_metric,
    reading_from,
    reading_metrics,
    result_from,
    result_metrics,
)
from protocols.metrics import (
    COMMAND_DEADLINE,
    COMMAND_EXPIRATION,
    COMMAND_ID,
    COMMAND_RAMP_S,
    COMMAND_RESULT_RECORD,
    EVENT_RECORD,
    LAMP_METRICS,
    OUTBOX_ACKNOWLEDGED,
    OUTBOX_EPOCH,
    OUTBOX_POSITION,
    PLAN_DOCUMENT,
    PLAN_HASH,
    TARGET_LIGHT_COMMAND,
)
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MetricValue, Payload, decode, encode
from protocols.sparkplug.values import Value

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW_MS = to_unix_ms(NOW)
INSTANTS = st.integers(1, to_unix_ms(datetime(2200, 1, 1, tzinfo=UTC))).map(from_unix_ms)
LEVELS = st.none() | st.integers(0, 100)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def tenths(low: int, high: int) -> st.SearchStrategy[float | None]:
    return st.none() | st.integers(low, high).map(lambda value: value / 10)


READINGS = st.builds(
    LampReading,
    device_id=st.just("SOR-00001"),
    time=INSTANTS,
    target_level_percent=LEVELS,
    feedback_level_percent=LEVELS,
    reason=st.none() | st.sampled_from(Reason),
    actual_level_percent=tenths(0, 1000),
    supply_voltage_v=tenths(0, 6000),
    supply_current_a=st.none() | st.integers(0, 65534).map(lambda value: value / 1000),
    active_power_w=tenths(0, 65534),
    power_factor=st.none() | st.integers(0, 1000).map(lambda value: value / 1000),
    temperature_c=st.none() | st.integers(-60, 194).map(float),
    active_energy_kwh=st.none() | st.integers(0, 2**32 - 2).map(lambda value: value / 1000),
    operating_hours_h=st.none() | st.integers(0, 2**32 - 2).map(lambda value: value / 3600),
    switch_on_counter=st.none() | st.integers(0, 2**32 - 1),
    lamp_failure=st.none() | st.booleans(),
    control_gear_failure=st.none() | st.booleans(),
)
COMMANDS = st.builds(
    LightCommand,
    command_id=TEXT.filter(bool),
    device_id=st.just("SOR-00001"),
    level_percent=LEVELS,
    start=INSTANTS,
    deadline=INSTANTS,
    expiration=st.none(),
    ramp_s=st.integers(0, 8000).map(lambda value: value / 10),
)
EVENTS = st.builds(DeviceEvent, TEXT, st.sampled_from(EventType), INSTANTS, st.booleans(), TEXT)
RESULTS = st.builds(CommandResult, TEXT, TEXT, st.sampled_from(CommandStatus), INSTANTS, LEVELS, TEXT)


def over_the_wire(metrics: list[MetricValue]) -> list[MetricValue]:
    return decode(encode(Payload(NOW_MS, metrics))).metrics


@given(READINGS, st.integers(0, 2**64 - 1), st.booleans())
@settings(deadline=None)
def test_a_reading_survives_with_its_position(reading: LampReading, position: int, late: bool) -> None:
    time_ms = to_unix_ms(reading.time)
    sent = [
        *reading_metrics(reading, is_historical=late),
        position_metric(position, time_ms, is_historical=late),
    ]
    metrics = over_the_wire(sent)
    assert reading_from("SOR-00001", metrics, NOW_MS) == reading
    assert position_from(metrics) == position
    assert all(metric.is_historical is late for metric in metrics)
    assert all(metric.timestamp_ms == time_ms for metric in metrics)


@given(COMMANDS, st.none() | st.integers(1, 10**9))
@settings(deadline=None)
def test_a_command_survives(command: LightCommand, lasts_ms: int | None) -> None:
    expiration = None if lasts_ms is None else command.start + timedelta(milliseconds=lasts_ms)
    command = LightCommand(
        command.command_id,
        command.device_id,
        command.level_percent,
        command.start,
        command.deadline,
        expiration,
        command.ramp_s,
    )
    assert command_from("SOR-00001", over_the_wire(command_metrics(command)), NOW) == command


@given(EVENTS)
@settings(deadline=None)
def test_an_event_survives(event: DeviceEvent) -> None:
    metrics = over_the_wire(event_metrics(event))
    assert event_from(metrics) == event
    assert result_from(metrics) is None


@given(RESULTS)
@settings(deadline=None)
def test_a_result_survives(result: CommandResult) -> None:
    metrics = over_the_wire(result_metrics(result))
    assert result_from(metrics) == result
    assert event_from(metrics) is None


@given(st.integers(1, 2**62), st.lists(st.tuples(st.integers(0, 2**63), st.integers(0, 2**32)), max_size=20))
@settings(deadline=None)
def test_an_acknowledgement_survives(epoch: int, spans: Sequence[tuple[int, int]]) -> None:
    ranges = [(first, first + more) for first, more in spans]
    assert ack_from(over_the_wire(ack_metrics(epoch, ranges))) == (epoch, ranges)


def test_records_are_camel_case_json() -> None:
    result = CommandResult("c", "L", CommandStatus.CONFIRMED, NOW, 30)
    assert result_metrics(result)[0].value == (
        '{"commandId":"c","deviceId":"L","status":"confirmed","time":"2026-11-24T12:00:00Z","level":30,"detail":""}'
    )
    event = DeviceEvent("L", EventType.DEVICE_RESET, NOW, active=True)
    assert event_metrics(event)[0].value == (
        '{"deviceId":"L","type":"deviceReset","time":"2026-11-24T12:00:00Z","active":true,"info":""}'
    )


def test_births_declare_every_metric_with_its_unit_and_value() -> None:
    reading = LampReading("L", NOW, supply_voltage_v=228.3)
    birth = {metric.name: metric for metric in over_the_wire(device_birth(reading))}
    assert {metric.name for metric in LAMP_METRICS} < birth.keys()
    assert birth["LampMonitorFunction/supplyVoltage"].properties == {"engUnit": "V"}
    assert birth["LampMonitorFunction/supplyVoltage"].value == pytest.approx(228.3)
    assert birth[COMMAND_ID].value is None
    assert epoch_from(over_the_wire(gateway_birth(77, NOW_MS))) == 77
    assert epoch_from(device_birth(reading)) is None


def test_a_foreign_lamp_may_use_other_number_types_and_leave_metrics_out() -> None:
    metrics = [
        MetricValue("LampActuatorFunction/actualLightState", None, DataType.INT16, 50),
        MetricValue("LampMonitorFunction/switchOnCounter", None, DataType.DOUBLE, 12.0),
        MetricValue("Vendor/extra", None, DataType.STRING, "x"),
    ]
    reading = reading_from("L", metrics, NOW_MS)
    assert reading == LampReading("L", NOW, actual_level_percent=50.0, switch_on_counter=12)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LampMonitorFunction/activePower", float("nan"), "nan, expected a finite number"),
        ("LampMonitorFunction/activePower", "12", "'12', expected a whole number"),
        ("LampMonitorFunction/switchOnCounter", 1.5, "1.5, expected a whole number"),
        ("LampMonitorFunction/switchOnCounter", True, "True, expected a whole number"),
        ("ControlGearDaliPart102Function/lampFailure", 1, "1, expected true or false"),
        ("LampActuatorFunction/reason", "mood", "'mood', expected one of default, override"),
    ],
)
def test_a_reading_that_is_none_is_named(name: str, value: Value, expected: str) -> None:
    with pytest.raises(InvalidReading, match=f"SOR-1 {name}: {expected}"):
        reading_from("SOR-1", [MetricValue(name, value=value)], NOW_MS)


@pytest.mark.parametrize("time_ms", [None, 2**64 - 1])
def test_a_reading_without_a_sane_time_is_refused(time_ms: int | None) -> None:
    with pytest.raises(InvalidReading, match=f"timestamp: {time_ms}, expected Unix milliseconds"):
        reading_from("SOR-1", [], time_ms)


def test_a_plain_third_party_command_is_an_override_with_the_default_duration() -> None:
    command = command_from("L", [MetricValue(TARGET_LIGHT_COMMAND, None, DataType.DOUBLE, 40.0)], NOW)
    assert command.level_percent == 40
    assert command.start == NOW
    assert command.expiration == NOW + DEFAULT_OVERRIDE
    assert command.deadline > NOW
    assert command.command_id


def test_our_own_command_without_expiration_lasts_until_it_is_ended() -> None:
    metrics = [MetricValue(TARGET_LIGHT_COMMAND, value=40), MetricValue(COMMAND_ID, value="c")]
    assert command_from("L", metrics, NOW).expiration is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (TARGET_LIGHT_COMMAND, 140, "140, expected 0..100 or null"),
        (TARGET_LIGHT_COMMAND, -1, "-1, expected 0..100 or null"),
        (TARGET_LIGHT_COMMAND, 33.3, "33.3, expected 0..100 or null"),
        (TARGET_LIGHT_COMMAND, True, "True, expected 0..100 or null"),
        (TARGET_LIGHT_COMMAND, "on", "'on', expected 0..100 or null"),
        (COMMAND_ID, 5, "5, expected a text"),
        (COMMAND_DEADLINE, "soon", "'soon', expected Unix milliseconds"),
        (COMMAND_DEADLINE, 2**64 - 1, "18446744073709551615, expected Unix milliseconds"),
        (COMMAND_EXPIRATION, NOW_MS, "2026-11-24 12:00:00+00:00, expected after"),
        (COMMAND_RAMP_S, -1.0, "-1.0, expected 0..86400 seconds"),
        (COMMAND_RAMP_S, float("inf"), "inf, expected seconds"),
    ],
)
def test_a_command_that_cannot_be_meant_is_named(name: str, value: Value, expected: str) -> None:
    given_metrics: dict[str, Value] = {TARGET_LIGHT_COMMAND: 50, COMMAND_ID: "c"}
    given_metrics[name] = value
    metrics = [MetricValue(key, value=each) for key, each in given_metrics.items()]
    with pytest.raises(InvalidCommand) as caught:
        command_from("L", metrics, NOW)
    assert str(caught.value).startswith(f"{name}: {expected}")


def test_a_command_without_a_level_is_not_an_end_of_the_override() -> None:
    with pytest.raises(InvalidCommand, match="targetLightCommand: missing"):
        command_from("L", [MetricValue(COMMAND_ID, value="c")], NOW)


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({OUTBOX_ACKNOWLEDGED: [1, 2, 3], OUTBOX_EPOCH: 1}, "pairs of positions"),
        ({OUTBOX_ACKNOWLEDGED: "1-2", OUTBOX_EPOCH: 1}, "pairs of positions"),
        ({OUTBOX_ACKNOWLEDGED: [2, 1], OUTBOX_EPOCH: 1}, r"2\.\.1, expected first <= last"),
        ({OUTBOX_ACKNOWLEDGED: [1, 2]}, "Outbox/epoch: None, expected"),
    ],
)
def test_an_acknowledgement_that_is_none_is_named(metrics: dict[str, Value], expected: str) -> None:
    with pytest.raises(InvalidRecord, match=expected):
        ack_from([MetricValue(name, value=value) for name, value in metrics.items()])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ('"time":"2026-03-01T11:00:00"', "timezone"),
        ('"time":"0001-01-01T00:00:00+14:00"', "expected one from 1970"),
        ('"time":"9999-12-31T23:59:59-14:00"', "expected one from 1970"),
        ('"level":18446744073709551616', "level"),
        ('"level":-1', "level"),
        (f'"deviceId":"{"x" * 65}"', "deviceId"),
    ],
)
def test_a_record_no_store_could_take_is_refused(changed: str, expected: str) -> None:
    good = {
        "commandId": '"c1"',
        "deviceId": '"L1"',
        "status": '"confirmed"',
        "time": '"2026-03-01T11:00:00Z"',
    }
    name, _, value = changed.partition(":")
    text = ",".join(f'"{key}":{item}' for key, item in {**good, name.strip('"'): value}.items())
    with pytest.raises(InvalidRecord, match=expected):
        result_from([MetricValue(COMMAND_RESULT_RECORD, value="{" + text + "}")])
    if name == '"time"':
        event = f'{{"deviceId":"L1","type":"deviceReset","active":true,{changed}}}'
        with pytest.raises(InvalidRecord, match=expected):
            event_from([MetricValue(EVENT_RECORD, value=event)])


def test_records_that_cannot_be_read_are_named() -> None:
    with pytest.raises(InvalidRecord, match="Gateway/event: 'nonsense'"):
        event_from([MetricValue(EVENT_RECORD, value="nonsense")])
    with pytest.raises(InvalidRecord, match="Gateway/event: 5, expected JSON text"):
        event_from([MetricValue(EVENT_RECORD, value=5)])
    with pytest.raises(InvalidRecord, match=r"Gateway/commandResult: .*commandId"):
        result_from([MetricValue(COMMAND_RESULT_RECORD, value="{}")])
    with pytest.raises(InvalidRecord, match="Outbox/position: 'x', expected a whole number"):
        position_from([MetricValue(OUTBOX_POSITION, value="x")])
    assert position_from([]) is None
    assert ack_from([]) is None


@given(TEXT, TEXT, TEXT)
def test_plans_and_what_is_said_of_them(document: str, plan_hash: str, problem: str) -> None:
    assert plan_from(over_the_wire(plan_metrics(document.encode(), NOW_MS))) == document.encode()
    said = PlanState(plan_hash, problem)
    assert plan_state_from(over_the_wire(plan_state_metrics(plan_hash, problem, NOW_MS))) == said
    assert plan_state_from(over_the_wire(gateway_birth(1, NOW_MS, said))) == said


def test_a_gateway_that_was_given_no_plan_follows_the_built_in_one() -> None:
    birth = over_the_wire(gateway_birth(1, NOW_MS))
    assert plan_state_from(birth) == PlanState("", "")
    assert plan_from(birth) is None
    assert plan_state_from([]) is None
    assert len(plan_state_from(plan_state_metrics("", "x" * 10_000)).problem) < 1000  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [PLAN_DOCUMENT, PLAN_HASH])
def test_a_plan_that_is_no_text_is_refused(name: str) -> None:
    metrics = [MetricValue(name, None, DataType.INT32, 7, NOW_MS)]
    with pytest.raises(InvalidRecord, match=f"{name}: 7, expected a text"):
        (plan_from if name == PLAN_DOCUMENT else plan_state_from)(metrics)
