"""Readings as line protocol."""

from datetime import UTC, datetime

from cloud.telemetry.line_protocol import encode
from protocols.lamp import LampReading, Reason

TIME = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)


def test_values_by_their_type() -> None:
    reading = LampReading(
        "SOR-00001",
        TIME,
        target_level_percent=50,
        reason=Reason.PROGRAM,
        active_power_w=45.5,
        lamp_failure=False,
        supply_voltage_v=float("inf"),
    )
    assert encode([reading]).decode() == (
        'lamp,lamp=SOR-00001 readings=1i,targetLightCommand=50i,reason="program",activePower=45.5,'
        "lampFailure=false 1772362800000"
    )


def test_one_line_for_each_reading_whatever_its_lamp_is_called() -> None:
    lines = encode([LampReading("a b,c=d", TIME), LampReading("evil\nlamp,lamp=x n=1", TIME)]).decode()
    assert lines.split("\n") == [
        "lamp,lamp=a\\ b\\,c\\=d readings=1i 1772362800000",
        "lamp,lamp=evil\\nlamp\\,lamp\\=x\\ n\\=1 readings=1i 1772362800000",
    ]
