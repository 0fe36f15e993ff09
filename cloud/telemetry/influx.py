"""Writing to InfluxDB and VictoriaMetrics: 1.x through `/write`, 1.8 and later through `/api/v2/write`."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httpx
import structlog
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from cloud.telemetry.line_protocol import encode
from cloud.telemetry.server import failure, post
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

    def __init__(
        self, client: InfluxDBClient, bucket: str, organisation: str, *, create: BucketRetention | None = None
    ) -> None:
        """`create` makes the bucket before the first write where the server has none of that name."""
        self._client = client
        self._bucket = bucket
        self._organisation = organisation
        self._create = create
        self._api = client.write_api(write_options=SYNCHRONOUS)

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings; returns after the server has accepted them."""
        try:
            if self._create is not None:
                # Not when it is opened: the server may be away then, and the first write is retried.
                create_bucket(self._client, self._bucket, self._organisation, self._create)
                self._create = None
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


def create_bucket(client: InfluxDBClient, bucket: str, organisation: str, retention: BucketRetention) -> None:
    """Create a bucket unless it exists; does nothing on servers without buckets, such as InfluxDB 1.8 and 3.

    Raises:
        HTTPError: the server is unreachable.
    """
    buckets = client.buckets_api()
    try:
        if buckets.find_bucket_by_name(bucket) is None:  # type: ignore[no-untyped-call]
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
        StoreUnavailable: trying again may help.
    """
    quoted = database.replace('"', '\\"')
    post(http, "/query", {}, {"q": f'CREATE DATABASE "{quoted}"'})
