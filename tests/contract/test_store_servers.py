"""Telemetry servers as operators run them: with passwords, behind a proxy, or not there at all."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cloud.telemetry.open import open_store
from cloud.telemetry.store import StoreRejected, StoreUnavailable, TelemetryStore
from protocols.lamp import LampReading
from tests.conftest import free_port, require_program
from tests.contract.conftest import INFLUX_CONFIG, running, victoria_metrics
from tests.support.http_server import http_server

READING = LampReading("SOR-00001", datetime.now(UTC).replace(microsecond=0), active_power_w=90.0)
SERVERS = ("influxdb://127.0.0.1:{}/x", "influxdb2://:token@127.0.0.1:{}/x", "victoriametrics://127.0.0.1:{}")


def kept(store: TelemetryStore) -> int:
    return store.count(
        [READING.device_id], READING.time - timedelta(hours=1), READING.time + timedelta(hours=1)
    )


def answering(status: int, content_type: str, body: bytes) -> AbstractContextManager[int]:
    """The port of a server that gives one answer to every request."""
    return http_server(lambda _method, _path, _body: (status, content_type, body))


def assert_unavailable(url: str, *, writing: str, reading: str) -> None:
    """Writing to and reading from this store fail so that both are tried again."""
    store = open_store(url)
    with pytest.raises(StoreUnavailable, match=writing):
        store.write([READING])
    with pytest.raises(StoreUnavailable, match=reading):
        kept(store)
    store.close()


@pytest.mark.parametrize("url", SERVERS)
@pytest.mark.parametrize("status", [200, 202])
def test_a_web_server_that_is_no_store_keeps_nothing(url: str, status: int) -> None:
    """Any success used to count, and gateways deleted what it swallowed."""
    with answering(status, "text/html", b"<h1>It works!</h1>") as port:
        assert_unavailable(url.format(port), writing="expected (204|an InfluxDB)", reading=f":{port}")


@pytest.mark.parametrize("url", SERVERS)
@pytest.mark.parametrize("status", [400, 422])
def test_a_proxy_that_refuses_is_no_fault_of_the_reading(url: str, status: int) -> None:
    with answering(status, "text/html", b"<h1>Bad Request</h1>") as port:
        assert_unavailable(url.format(port), writing=f"HTTP {status}", reading=f"HTTP {status}")


@pytest.mark.parametrize("url", SERVERS[:2])
@pytest.mark.parametrize(
    ("status", "body"),
    [(400, b'{"error":"partial write"}'), (422, b'{"code":"x","message":"y"}'), (413, b"")],
)
def test_a_refusal_by_the_store_is_about_what_was_written(url: str, status: int, body: bytes) -> None:
    with answering(status, "application/json", body) as port:
        store = open_store(url.format(port))
        with pytest.raises(StoreRejected, match=f"HTTP {status}"):
            store.write([READING])
        store.close()


def test_victoria_metrics_with_a_password(tmp_path: Path) -> None:
    """The server's own options; writes used to carry the password as a token, and were refused for ever."""
    password = ("-httpAuth.username=lentera", "-httpAuth.password=a:b%c")
    with victoria_metrics(tmp_path, *password) as port:
        store = open_store(f"victoriametrics://lentera:a%3Ab%25c@127.0.0.1:{port}?flush=true")
        store.write([READING])
        assert kept(store) == 1
        store.close()
        stranger = open_store(f"victoriametrics://lentera:wrong@127.0.0.1:{port}?flush=true")
        with pytest.raises(StoreUnavailable, match="HTTP 401"):
            stranger.write([READING])
        stranger.close()


@pytest.fixture
def influxd_with_users(tmp_path: Path) -> Iterator[int]:
    """The port of an InfluxDB 1.x with an administrator, and a user who may all on the database `lampu`."""
    port, config = free_port(), tmp_path / "influxdb.conf"
    text = INFLUX_CONFIG.format(rpc_port=free_port(), http_port=port, folder=tmp_path)
    config.write_text(f"{text}  auth-enabled = true\n")
    with running(
        [require_program("influxd"), "run", "-config", str(config)], f"http://127.0.0.1:{port}/ping"
    ):
        root = httpx.Client(base_url=f"http://127.0.0.1:{port}", params={"u": "root", "p": "secret"})
        for statement in (
            "CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES",
            "CREATE DATABASE lampu",
            "CREATE USER lentera WITH PASSWORD 'pole'",
            "GRANT ALL ON lampu TO lentera",
        ):
            root.post("/query", data={"q": statement}).raise_for_status()
        root.close()
        yield port


def test_influxdb_with_a_user_of_one_database(influxd_with_users: int) -> None:
    """Such a user may not create databases; the cloud used to end at its start."""
    store = open_store(f"influxdb://lentera:pole@127.0.0.1:{influxd_with_users}/lampu")
    assert kept(store) == 0
    store.write([READING])
    assert kept(store) == 1
    store.close()
    elsewhere = open_store(f"influxdb://lentera:pole@127.0.0.1:{influxd_with_users}/jalan")
    with pytest.raises(StoreUnavailable, match=r"HTTP 40[134]"):
        elsewhere.write([READING])
    elsewhere.close()


def test_a_database_that_was_dropped_is_created_again(influxd: int) -> None:
    store = open_store(f"influxdb://127.0.0.1:{influxd}/dropped")
    assert kept(store) == 0
    store.write([READING])
    httpx.post(f"http://127.0.0.1:{influxd}/query", data={"q": 'DROP DATABASE "dropped"'}).raise_for_status()
    assert kept(store) == 0
    store.write([READING])
    assert kept(store) == 1
    store.close()
