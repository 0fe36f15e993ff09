"""From a URL to a telemetry store.

sqlite:///path/to/file.db
influxdb://[user:password@]host:8086/database[?rp=policy&tls=true]        InfluxDB 1.x
influxdb2://[:token@]host:8086/bucket[?org=name&retention_days=90&tls=true]  InfluxDB 1.8, 2.x, 3.x
victoriametrics://[user:password@]host:8428[?tls=true]                    VictoriaMetrics
"""

from pathlib import Path

from cloud.telemetry.sqlite import SqliteTelemetry
from cloud.telemetry.store import TelemetryStore, TelemetryUrlError


def open_store(url: str) -> TelemetryStore:
    """Open the store that `url` names and create what is missing.

    Raises:
        TelemetryUrlError: the URL names no store.
        StoreUnavailable: trying again may help.
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        path = url.removeprefix("sqlite:///")
        if path == url or not path:
            raise TelemetryUrlError(f"telemetry_url: {url!r}, expected sqlite:///path/to/file.db")
        return SqliteTelemetry.open(Path(path))
    from cloud.telemetry.servers import SERVERS  # noqa: PLC0415 - its client takes long to load

    opener = SERVERS.get(scheme)
    if opener is None:
        expected = ", ".join(("sqlite", *SERVERS))
        raise TelemetryUrlError(f"telemetry_url: scheme {scheme!r}, expected one of {expected}")
    return opener(url)
