"""The bucket of an InfluxDB 2.x: created with its retention where it is missing and the token may."""

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cloud.telemetry.open import open_store
from cloud.telemetry.store import StoreUnavailable, TelemetryUrlError
from protocols.lamp import LampReading
from tests.support.http_server import http_server

READING = LampReading("SOR-00001", datetime(2026, 3, 1, tzinfo=UTC), active_power_w=90.0)


class InfluxV2:
    """As much of InfluxDB 2.x as a writer meets; `status` is what it answers about buckets."""

    def __init__(self, buckets: list[str], status: int = 200) -> None:
        self.buckets = buckets
        self.status = status
        self.created: list[dict[str, Any]] = []
        self.written: list[str] = []

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, dict[str, Any]]:
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        if path == "/api/v2/write":
            known = query["bucket"][0] in self.buckets
            self.written += query["bucket"] if known else []
            return (204, {}) if known else (404, {"code": "not found"})
        if self.status != 200:
            return self.status, {"code": "refused"}
        if path == "/api/v2/orgs":
            return 200, {"orgs": [{"id": "0123456789abcdef", "name": query["org"][0]}]}
        if method == "POST":
            self.created.append(json.loads(body))
            self.buckets.append(self.created[-1]["name"])
            return 201, {"name": self.buckets[-1], "retentionRules": []}
        found = [name for name in self.buckets if name == query["name"][0]]
        return 200, {"buckets": [{"name": name, "retentionRules": []} for name in found]}


def served(influx: InfluxV2) -> AbstractContextManager[int]:
    def respond(method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        status, content = influx.answer(method, path, body)
        return status, "application/json", b"" if status == 204 else json.dumps(content).encode()

    return http_server(respond)


def test_a_missing_bucket_is_created_once_with_its_retention() -> None:
    influx = InfluxV2(buckets=[])
    with served(influx) as port:
        store = open_store(f"influxdb2://:token@127.0.0.1:{port}/lentera?org=dishub&retention_days=90")
        store.write([READING])
        store.write([READING])
        store.close()
    assert [(one["name"], one["orgID"]) for one in influx.created] == [("lentera", "0123456789abcdef")]
    assert [rule["everySeconds"] for rule in influx.created[0]["retentionRules"]] == [90 * 86_400]
    assert influx.written == ["lentera", "lentera"]


def test_a_bucket_that_exists_is_left_as_it_is() -> None:
    influx = InfluxV2(buckets=["lentera"])
    with served(influx) as port:
        store = open_store(f"influxdb2://:token@127.0.0.1:{port}/lentera?retention_days=90")
        store.write([READING])
        store.close()
    assert (influx.created, influx.written) == ([], ["lentera"])


@pytest.mark.parametrize("status", [403, 404])
def test_a_server_without_bucket_management_is_written_to(status: int) -> None:
    """A token may be good for writing alone; InfluxDB 1.8 and 3 have no such API."""
    influx = InfluxV2(buckets=["lentera"], status=status)
    with served(influx) as port:
        store = open_store(f"influxdb2://:token@127.0.0.1:{port}/lentera")
        store.write([READING])
        store.close()
    assert (influx.created, influx.written) == ([], ["lentera"])


def test_a_bucket_that_cannot_be_created_is_a_transient_error() -> None:
    influx = InfluxV2(buckets=[], status=403)
    with served(influx) as port:
        store = open_store(f"influxdb2://:token@127.0.0.1:{port}/lentera")
        with pytest.raises(StoreUnavailable, match="HTTP 404"):
            store.write([READING])
        influx.buckets.append("lentera")
        store.write([READING])
        store.close()
    assert influx.written == ["lentera"]


@pytest.mark.parametrize("given", ["0", "-1", "a month"])
def test_a_retention_that_is_no_number_of_days_is_refused(given: str) -> None:
    with pytest.raises(TelemetryUrlError, match=r"retention_days .*expected a whole number from 1"):
        open_store(f"influxdb2://127.0.0.1:8086/lentera?retention_days={given}")
