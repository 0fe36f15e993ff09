"""Readings in InfluxDB: 1.x through `/write`, 1.8 and later through `/api/v2/write`; read with InfluxQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, cast

import httpx
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from cloud.telemetry.influxql import failure, post
from cloud.telemetry.line_protocol import encode
from cloud.telemetry.store import Series, StoreUnavailable
from protocols.cabinet import DeviceReading
from protocols.device_kinds import LAMPS, DeviceKind

_MILLISECONDS = cast(
    "WritePrecision", WritePrecision.MS
)  # the client's own annotation is wrong: it wants the text


class Writer(Protocol):
    """How readings get into a server."""

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings, durable on return."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Reader(Protocol):
    """How readings are found again; as in TelemetryStore."""

    def series(
        self,
        device_id: str,
        attributes: Sequence[str],
        start: datetime,
        end: datetime,
        max_points: int,
        *,
        kind: DeviceKind = LAMPS,
    ) -> list[Series]:
        """The attributes over time, thinned to `max_points`."""
        ...

    def count(
        self, device_ids: Sequence[str], start: datetime, end: datetime, *, kind: DeviceKind = LAMPS
    ) -> int:
        """How many readings of these devices there are."""
        ...

    def times(self, device_id: str, start: datetime, end: datetime, *, kind: DeviceKind = LAMPS) -> list[int]:
        """The Unix milliseconds of the device's readings, oldest first."""
        ...


class ServerTelemetry:
    """A TelemetryStore made of a way to write to a server and a way to read from it."""

    def __init__(self, writer: Writer, reader: Reader, http: httpx.Client) -> None:
        self._writer = writer
        self._reader = reader
        self._http = http

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings; the server keeps one per device and time."""
        if readings:
            self._writer.write(readings)

    def series(
        self,
        device_id: str,
        attributes: Sequence[str],
        start: datetime,
        end: datetime,
        max_points: int,
        *,
        kind: DeviceKind = LAMPS,
    ) -> list[Series]:
        """The attributes over time, thinned to `max_points`."""
        return self._reader.series(device_id, attributes, start, end, max_points, kind=kind)

    def count(
        self, device_ids: Sequence[str], start: datetime, end: datetime, *, kind: DeviceKind = LAMPS
    ) -> int:
        """How many readings of these devices there are."""
        return self._reader.count(device_ids, start, end, kind=kind)

    def times(self, device_id: str, start: datetime, end: datetime, *, kind: DeviceKind = LAMPS) -> list[int]:
        """The Unix milliseconds of the device's readings, oldest first."""
        return self._reader.times(device_id, start, end, kind=kind)

    def close(self) -> None:
        """Let go of connections."""
        self._writer.close()
        self._http.close()


class V1Writer:
    """Writes through `/write`, the only way into InfluxDB before 1.8."""

    def __init__(self, http: httpx.Client, database: str, retention_policy: str | None = None) -> None:
        self._http = http
        self._parameters = {"db": database, "precision": "ms"} | (
            {"rp": retention_policy} if retention_policy else {}
        )

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings; InfluxDB answers after its write-ahead log has been synced."""
        post(self._http, "/write", self._parameters, encode(readings))

    def close(self) -> None:
        """Nothing of its own to close."""


class V2Writer:
    """Writes through `/api/v2/write`: InfluxDB 1.8, 2.x, 3.x, and VictoriaMetrics."""

    def __init__(self, client: InfluxDBClient, bucket: str, organisation: str) -> None:
        self._client = client
        self._bucket = bucket
        self._organisation = organisation
        self._api = client.write_api(write_options=SYNCHRONOUS)

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings; returns after the server has taken them."""
        try:
            self._api.write(self._bucket, self._organisation, encode(readings), write_precision=_MILLISECONDS)
        except ApiException as error:
            where = f"{self._client.url}/api/v2/write"
            raise failure(error.status or 0, f"{where}: HTTP {error.status} {error.body}") from error
        except HTTPError as error:
            raise StoreUnavailable(f"{self._client.url}/api/v2/write: {error}") from error

    def close(self) -> None:
        """Close the client."""
        self._api.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]


def create_database(http: httpx.Client, database: str) -> None:
    """Make sure that an InfluxDB 1.x database is there; raises StoreUnavailable."""
    quoted = database.replace('"', '\\"')
    post(http, "/query", {}, {"q": f'CREATE DATABASE "{quoted}"'})
