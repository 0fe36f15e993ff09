"""Telemetry stores on servers, by URL; imported only where one is used: its client is slow to import."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from influxdb_client.client.influxdb_client import InfluxDBClient

from cloud.telemetry.influx import BucketRetention, V1Writer, V2Writer
from cloud.telemetry.influxql import InfluxQlTelemetry
from cloud.telemetry.store import TelemetryStore, TelemetryUrlError
from cloud.telemetry.victoria import VictoriaTelemetry

_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class _ServerUrl:
    """The parts of a telemetry URL; `path` is without slashes, `parameters` has the first value of each."""

    base: str
    path: str
    user: str
    password: str
    parameters: Mapping[str, str]

    @classmethod
    def parse(cls, url: str, *, path: str | None = None) -> "_ServerUrl":
        """Take a URL apart; `path` is what its path must name; None where it needs none.

        Raises:
            TelemetryUrlError: host, port or path is missing or wrong.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise TelemetryUrlError(f"telemetry_url: {error}, expected a port 1..65535") from error
        if not parts.hostname or not port:
            raise TelemetryUrlError(f"telemetry_url: {parts.hostname}:{port}, expected host:port")
        name = unquote(parts.path.strip("/"))
        if path is not None and not name:
            raise TelemetryUrlError(f"telemetry_url: no {path}, expected one after host:port/")
        parameters = {key: values[0] for key, values in parse_qs(parts.query).items()}
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        base = f"{'https' if parameters.get('tls') == 'true' else 'http'}://{host}:{port}"
        return cls(base, name, unquote(parts.username or ""), unquote(parts.password or ""), parameters)

    def http(self) -> httpx.Client:
        """Open a client with the URL's user and password."""
        auth = (self.user, self.password) if self.user else None
        return httpx.Client(base_url=self.base, auth=auth, timeout=_TIMEOUT_S)


def _influx_v1(url: str) -> TelemetryStore:
    server = _ServerUrl.parse(url, path="database")
    http, database, policy = server.http(), server.path, server.parameters.get("rp")
    return InfluxQlTelemetry(V1Writer(http, database, policy), http, database, policy)


def _influx_v2(url: str) -> TelemetryStore:
    server = _ServerUrl.parse(url, path="bucket")
    days = server.parameters.get("retention_days")
    if days is not None and (not days.isdecimal() or not int(days)):
        raise TelemetryUrlError(f"telemetry_url: retention_days {days!r}, expected a whole number from 1")
    base, token, org = server.base, server.password, server.parameters.get("org", "-")
    headers = {"Authorization": f"Token {token}"} if token else {}
    http = httpx.Client(base_url=base, headers=headers, timeout=_TIMEOUT_S)
    client = InfluxDBClient(base, token=token, org=org, timeout=int(_TIMEOUT_S * 1000), enable_gzip=True)
    retention = BucketRetention(None if days is None else int(days))
    writer = V2Writer(client, server.path, org, create=retention)
    return InfluxQlTelemetry(writer, http, server.path)


def _victoria(url: str) -> TelemetryStore:
    server = _ServerUrl.parse(url)
    http, flush = server.http(), server.parameters.get("flush") == "true"
    client = InfluxDBClient(
        server.base,
        token=f"{server.user}:{server.password}" if server.user else "",
        auth_basic=bool(server.user),  # for a server that runs with -httpAuth.username
        org="-",
        timeout=int(_TIMEOUT_S * 1000),
        enable_gzip=True,
    )
    return VictoriaTelemetry(V2Writer(client, "lentera", "-"), http, flush_first=flush)


SERVERS: dict[str, Callable[[str], TelemetryStore]] = {
    "influxdb": _influx_v1,
    "influxdb2": _influx_v2,
    "victoriametrics": _victoria,
}
"""What opens a store, by the scheme of its URL."""
