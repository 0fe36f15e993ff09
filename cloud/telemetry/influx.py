"""Writing to InfluxDB and VictoriaMetrics: 1.x through `/write`, 1.8 and later through `/api/v2/write`."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httpx
import structlog
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from cloud.telemetry.line_protocol import encode
from cloud.telemetry.server import failure, post, require_stored, send
from cloud.telemetry.store import StoreUnavailable
from protocols.cabinet import DeviceReading

log = structlog.get_logger(__name__)

_MILLISECONDS = cast(
    "WritePrecision", WritePrecision.MS
)  # the client's own annotation is wrong: it takes the text


@dataclass(frozen=True, slots=True)
class BucketRetention:
    """How long a bucket keeps readings; without an end where `days` is None."""

    days: int | None


class V1Writer:
    """Writes through `/write`, the only way into InfluxDB before 1.8.

    A missing database is created at the first write: before that, the server may be away. A user who may
    not create one is given an existing one.
    """

    def __init__(self, http: httpx.Client, database: str, retention_policy: str | None = None) -> None:
        self._http = http
        self._database = database
        self._parameters = {"db": database, "precision": "ms"} | (
            {"rp": retention_policy} if retention_policy else {}
        )

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings; InfluxDB answers after its write-ahead log has been synced."""
        lines = encode(readings)
        response = send(self._http, "/write", self._parameters, lines)
        if response.status_code == HTTPStatus.NOT_FOUND and "database not found" in response.text:
            create_database(self._http, self._database)
            response = send(self._http, "/write", self._parameters, lines)
        where = f"{self._http.base_url}/write"
        if not response.is_success:
            raise failure(where, response.status_code, response.text)
        require_stored(where, response.status_code, response.text)

    def close(self) -> None:
        """Nothing of its own to close."""


class V2Writer:
    """Writes through `/api/v2/write`: InfluxDB 1.8, 2.x, 3.x, and VictoriaMetrics."""

    def __init__(
        self, client: InfluxDBClient, bucket: str, organisation: str, *, create: BucketRetention | None = None
    ) -> None:
        """`create` makes the bucket before the first write where the server has none of that name."""
        self._client = client
        self._bucket = bucket
        self._organisation = organisation
        self._create = create
        # Not the client's WriteApi, which keeps the status of a success to itself.
        self._api = WriteService(client.api_client)  # type: ignore[no-untyped-call]

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings; returns after the server has accepted them."""
        where = f"{self._client.url}/api/v2/write"
        try:
            if self._create is not None:
                # Not when it is opened: the server may be away then, and the first write is retried.
                create_bucket(self._client, self._bucket, self._organisation, self._create)
                self._create = None
            body, status, _ = self._api.post_write_with_http_info(  # type: ignore[no-untyped-call]
                self._organisation,
                self._bucket,
                encode(readings),
                precision=_MILLISECONDS,
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as error:
            raise failure(where, error.status or 0, str(error.body)) from error
        except HTTPError as error:
            raise StoreUnavailable(f"{where}: {error}") from error
        require_stored(where, status, str(body or ""))

    def close(self) -> None:
        """Close the client."""
        self._client.close()  # type: ignore[no-untyped-call]


def create_bucket(client: InfluxDBClient, bucket: str, organisation: str, retention: BucketRetention) -> None:
    """Create a bucket unless it exists; does nothing on servers without buckets, such as InfluxDB 1.8 and 3.

    Raises:
        HTTPError: the server is unreachable.
        StoreUnavailable: what answers is no InfluxDB.
    """
    buckets = client.buckets_api()
    try:
        found = buckets.find_buckets(name=bucket).buckets  # type: ignore[no-untyped-call]
        if found is None:
            raise StoreUnavailable(f"{client.url}/api/v2/buckets: no list of buckets, expected an InfluxDB")
        if not found:
            seconds = 86_400 * (retention.days or 0)  # 0 is the API's value for "for ever"
            rule = BucketRetentionRules(type="expire", every_seconds=seconds)  # type: ignore[no-untyped-call]
            buckets.create_bucket(bucket_name=bucket, org=organisation, retention_rules=rule)
    except ApiException as error:
        # A token may permit writing alone. Then the bucket must exist; if it does not, the write fails.
        if error.status != HTTPStatus.NOT_FOUND:
            log.warning("bucket_not_created", bucket=bucket, error=f"HTTP {error.status} {error.body}")


def create_database(http: httpx.Client, database: str) -> None:
    """Create an InfluxDB 1.x database unless it exists.

    Raises:
        StoreUnavailable: trying again may help: the server is away, or the user may not create databases.
    """
    quoted = database.replace('"', '\\"')
    post(http, "/query", {}, {"q": f'CREATE DATABASE "{quoted}"'})
