"""Telemetry stores on servers, by URL; imported only where one is used: its client is slow to import."""

from collections.abc import Callable
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import httpx
from influxdb_client.client.influxdb_client import InfluxDBClient

from cloud.telemetry.influx import BucketRetention, ServerTelemetry, V1Writer, V2Writer, create_database
from cloud.telemetry.influxql import InfluxQlReader
from cloud.telemetry.store import TelemetryStore, TelemetryUrlError
from cloud.telemetry.victoria import VictoriaReader

_TIMEOUT_S = 15.0


def _influx_v1(url: str) -> TelemetryStore:
    parts, database, policy = urlsplit(url), _name(url, "database"), _parameter(url, "rp")
    http = httpx.Client(base_url=_base(parts, url), auth=_credentials(parts), timeout=_TIMEOUT_S)
    create_database(http, database)
    return ServerTelemetry(V1Writer(http, database, policy), InfluxQlReader(http, database, policy), http)


def _influx_v2(url: str) -> TelemetryStore:
    parts, bucket = urlsplit(url), _name(url, "bucket")
    base, token, org = _base(parts, url), unquote(parts.password or ""), _parameter(url, "org") or "-"
    headers = {"Authorization": f"Token {token}"} if token else {}
    http = httpx.Client(base_url=base, headers=headers, timeout=_TIMEOUT_S)
    client = InfluxDBClient(base, token=token, org=org, timeout=int(_TIMEOUT_S * 1000), enable_gzip=True)
    writer = V2Writer(client, bucket, org, create=_retention(url))
    return ServerTelemetry(writer, InfluxQlReader(http, bucket), http)


def _victoria(url: str) -> TelemetryStore:
    parts = urlsplit(url)
    base, flush = _base(parts, url), _parameter(url, "flush") == "true"
    http = httpx.Client(base_url=base, auth=_credentials(parts), timeout=_TIMEOUT_S)
    token = unquote(parts.password or "")
    client = InfluxDBClient(base, token=token, org="-", timeout=int(_TIMEOUT_S * 1000), enable_gzip=True)
    return ServerTelemetry(V2Writer(client, "lentera", "-"), VictoriaReader(http, flush_first=flush), http)


def _base(parts: SplitResult, url: str) -> str:
    try:
        port = parts.port
    except ValueError as error:
        raise TelemetryUrlError(f"telemetry_url: {error}, expected a port 1..65535") from error
    if not parts.hostname or not port:
        raise TelemetryUrlError(f"telemetry_url: {parts.hostname}:{port}, expected host:port")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{'https' if _parameter(url, 'tls') == 'true' else 'http'}://{host}:{port}"


def _name(url: str, kind: str) -> str:
    name = unquote(urlsplit(url).path.strip("/"))
    if not name:
        raise TelemetryUrlError(f"telemetry_url: no {kind}, expected one after host:port/")
    return name


def _retention(url: str) -> BucketRetention:
    given = _parameter(url, "retention_days")
    if given is None:
        return BucketRetention(None)
    if not given.isdecimal() or not int(given):
        raise TelemetryUrlError(f"telemetry_url: retention_days {given!r}, expected a whole number from 1")
    return BucketRetention(int(given))


def _parameter(url: str, name: str) -> str | None:
    return next(iter(parse_qs(urlsplit(url).query).get(name, [])), None)


def _credentials(parts: SplitResult) -> tuple[str, str] | None:
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


SERVERS: dict[str, Callable[[str], TelemetryStore]] = {
    "influxdb": _influx_v1,
    "influxdb2": _influx_v2,
    "victoriametrics": _victoria,
}
"""What opens a store, by the scheme of its URL."""
