"""Telemetry URLs that are wrong, stores that are away, readings that no store takes."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.telemetry.open import open_store
from cloud.telemetry.store import SeriesQuery, StoreRejected, StoreUnavailable, TelemetryUrlError
from protocols.cabinet import CabinetReading
from protocols.device_kinds import CABINETS
from protocols.lamp import LampReading
from tests.conftest import free_port

READING = LampReading("SOR-00001", datetime(2026, 3, 1, tzinfo=UTC), active_power_w=90.0)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://localhost/x", "'postgresql', expected one of sqlite, influxdb, influxdb2"),
        ("readings.db", "expected one of sqlite"),
        ("sqlite://relative.db", "expected sqlite:///path/to/file.db"),
        ("influxdb://localhost/lentera", "localhost:None, expected host:port"),
        ("influxdb://localhost:8086", "no database, expected one after host:port/"),
        ("influxdb2://localhost:8086/", "no bucket, expected one after host:port/"),
        ("influxdb://localhost:99999/lentera", "expected a port 1..65535"),
    ],
)
def test_a_wrong_url_says_what_was_expected(url: str, message: str) -> None:
    with pytest.raises(TelemetryUrlError, match=message):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    [
        "influxdb://127.0.0.1:{}/lentera",
        "influxdb2://:token@127.0.0.1:{}/lentera",
        "victoriametrics://127.0.0.1:{}",
    ],
)
def test_a_server_that_is_away_is_transient(url: str) -> None:
    """Also when it is opened: map and commands need no telemetry to start."""
    store = open_store(url.format(free_port()))
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1"):
        store.write([READING])
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1"):
        store.count(["SOR-00001"], READING.time, READING.time)
    store.close()


def test_a_file_that_cannot_be_opened_is_transient(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"readings\.db"):
        open_store(f"sqlite:///{tmp_path}/file/readings.db")


def test_a_number_no_column_holds_is_permanent_and_stores_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/readings.db")
    absurd = replace(READING, device_id="SOR-00002", switch_on_counter=2**70)
    with pytest.raises(StoreRejected, match="int"):
        store.write([READING, absurd])
    assert store.times("SOR-00001", READING.time, datetime(2027, 1, 1, tzinfo=UTC)) == []
    store.write([READING])
    assert len(store.times("SOR-00001", READING.time, datetime(2027, 1, 1, tzinfo=UTC))) == 1
    store.close()


def test_readings_survive_the_process(tmp_path: Path) -> None:
    for _ in range(2):
        store = open_store(f"sqlite:///{tmp_path}/readings.db")
        store.write([READING])
        assert store.count(["SOR-00001"], READING.time, datetime(2027, 1, 1, tzinfo=UTC)) == 1
        store.close()


def test_an_older_file_gains_the_columns_of_new_metrics(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as old:
        old.execute("ALTER TABLE cabinet_readings DROP COLUMN photocell_output_on")
    old.close()
    store = open_store(f"sqlite:///{path}")
    start = datetime(2026, 3, 1, tzinfo=UTC)
    store.write([CabinetReading("cabinet", start, door_open=False, photocell_output_on=True)])
    requested = ["cabinetDoorOpen", "photocellOutputOn"]
    series = store.series(
        SeriesQuery("cabinet", requested, start, start + timedelta(days=1), 10, kind=CABINETS)
    )
    assert [[value for _, value in each.points] for each in series] == [[False], [True]]
    store.close()
