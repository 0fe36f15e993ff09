"""A cabinet's readings survive as metrics, under names of TALQ; nonsense is named."""

import struct
from dataclasses import fields
from datetime import UTC, datetime

import pytest

from protocols.cabinet import CabinetReading, SwitchState
from protocols.clock import to_unix_ms
from protocols.lamp import LampReading
from protocols.mapping import (
    InvalidReading,
    cabinet_from,
    device_birth,
    is_cabinet_data,
    reading_metrics,
)
from protocols.metrics import CABINET_METRICS, DEVICE_CONTROL_METRICS, LAMP_METRICS, TARGET_LIGHT_COMMAND
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MetricValue, Payload, decode, encode

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
READING = CabinetReading(
    "soreang-01-cabinet",
    NOW,
    total_power_kw=4.219,
    total_active_energy_kwh=18234.567,
    frequency_hz=50.02,
    phase2_voltage_v=229.4,
    phase3_active_power_kw=1.4,
    door_open=True,
    breaker_tripped=False,
    contactor_state=SwitchState.ON,
    photocell_output_on=True,
)


def test_the_catalogue_has_every_field_of_a_cabinet_once() -> None:
    expected = {each.name for each in fields(CabinetReading)} - {"device_id", "time"}
    assert [metric.field for metric in CABINET_METRICS] == [
        name for name in CabinetReading.__match_args__ if name in expected
    ]
    assert not {metric.name for metric in CABINET_METRICS} & {metric.name for metric in LAMP_METRICS}


def test_a_cabinet_survives_the_wire() -> None:
    body = encode(Payload(to_unix_ms(NOW), reading_metrics(READING), 3))
    metrics = decode(body).metrics
    assert is_cabinet_data(metrics)
    assert cabinet_from("soreang-01-cabinet", metrics, None) == READING


def test_a_lamp_is_no_cabinet() -> None:
    assert not is_cabinet_data(reading_metrics(LampReading("SOR-1", NOW, active_power_w=90.0)))


def test_a_cabinet_birth_declares_all_it_will_publish_and_be_told() -> None:
    birth = {metric.name: metric for metric in device_birth(READING)}
    told = {metric.name for metric in DEVICE_CONTROL_METRICS} | {TARGET_LIGHT_COMMAND}
    assert set(birth) == {metric.name for metric in CABINET_METRICS} | told
    assert birth[TARGET_LIGHT_COMMAND].value is None
    assert cabinet_from("soreang-01-cabinet", list(birth.values()), None) == READING
    assert birth["ElectricalMeterFunction/totalPower"].properties == {"engUnit": "kW"}
    assert birth["SegmentMonitorFunction/actualState"].value == "ON"


@pytest.mark.parametrize(
    ("name", "datatype", "value", "expected"),
    [
        ("SegmentMonitorFunction/actualState", DataType.STRING, "open", "one of ON, OFF"),
        ("CabinetMonitorFunction/cabinetDoorOpen", DataType.INT32, 1, "true or false"),
        ("ElectricalMeterFunction/totalPower", DataType.FLOAT, float("inf"), "a finite number"),
    ],
)
def test_nonsense_is_named(name: str, datatype: DataType, value: float | str, expected: str) -> None:
    with pytest.raises(InvalidReading, match=expected):
        cabinet_from("cab", [MetricValue(name, None, datatype, value, 1)], None)


def test_kilowatts_keep_their_watts_in_a_float32() -> None:
    (power,) = struct.unpack("<f", struct.pack("<f", 4.219))
    metric = MetricValue("ElectricalMeterFunction/totalPower", None, DataType.FLOAT, power, 1)
    assert cabinet_from("cab", [metric], None).total_power_kw == 4.219
