"""Reading from InfluxDB with InfluxQL on `/query`, which every generation of it serves."""

from collections.abc import Sequence
from datetime import datetime

import httpx
import msgspec

from cloud.telemetry.line_protocol import COUNTER_FIELD
from cloud.telemetry.server import MOST_RESPONSE_BYTES, ServerTelemetry, TelemetryWriter, post
from cloud.telemetry.store import (
    Point,
    Selection,
    Series,
    SeriesQuery,
    StoreUnavailable,
    Value,
    interval_ms,
    is_averaged,
    typed_value,
    window,
)
from protocols.decoding import UndecodableError, decode_json
from protocols.device_kinds import LAMPS, DeviceKind
from protocols.metrics import Metric

_DEVICES_PER_QUERY = 200


class _ResultSeries(msgspec.Struct):
    columns: list[str]
    values: list[list[int | float | bool | str | None]]


class _Result(msgspec.Struct):
    series: list[_ResultSeries] = []
    error: str | None = None


class _Response(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


class InfluxQlTelemetry(ServerTelemetry):
    """A TelemetryStore on InfluxDB 1.x, 2.x and 3.x."""

    def __init__(
        self, writer: TelemetryWriter, http: httpx.Client, database: str, retention_policy: str | None = None
    ) -> None:
        super().__init__(writer, http)
        self._parameters = {"db": database, "epoch": "ms"} | (
            {"rp": retention_policy} if retention_policy else {}
        )

    def series(self, query: SeriesQuery) -> list[Series]:
        """Return the attributes over time, downsampled to `query.max_points`."""
        metrics, device_ids = query.metrics(), [query.device_id]
        chosen = Selection(query.kind, device_ids, window(query.start, query.end))
        readings = self.count(device_ids, query.start, query.end, kind=query.kind)
        width = interval_ms(readings, chosen.span, query.max_points)
        return [
            Series(metric.attribute, metric.unit, self._points(metric, chosen, width)) for metric in metrics
        ]

    def count(
        self, device_ids: Sequence[str], start: datetime, end: datetime, *, kind: DeviceKind = LAMPS
    ) -> int:
        """Return how many readings of these devices there are."""
        total = 0
        for first in range(0, len(device_ids), _DEVICES_PER_QUERY):
            chunk = device_ids[first : first + _DEVICES_PER_QUERY]
            rows = self._select(f'count("{COUNTER_FIELD}")', Selection(kind, chunk, window(start, end)))
            total += sum(int(value) for _, value in rows if isinstance(value, int | float))
        return total

    def times(self, device_id: str, start: datetime, end: datetime, *, kind: DeviceKind = LAMPS) -> list[int]:
        """Return the Unix milliseconds of the device's readings, oldest first."""
        rows = self._select(f'"{COUNTER_FIELD}"', Selection(kind, [device_id], window(start, end)))
        return [time_ms for time_ms, _ in rows]

    def _points(self, metric: Metric, chosen: Selection, width_ms: int | None) -> list[Point]:
        field, grouping = f'"{metric.attribute}"', ""
        if width_ms is not None:
            field = f"{'mean' if is_averaged(metric) else 'last'}({field})"
            grouping = f" GROUP BY time({width_ms}ms) fill(none)"
        rows = self._select(field, chosen, grouping)
        return [
            (max(time_ms, chosen.span.start_ms), typed_value(metric, value))
            for time_ms, value in rows
            if value is not None
        ]

    def _select(self, field: str, chosen: Selection, grouping: str = "") -> list[tuple[int, Value | None]]:
        tag, span = chosen.kind.name, chosen.span
        # The language's own escapes; it has no parameters that every generation of the server takes.
        quoted = [device_id.replace("\\", "\\\\").replace("'", "\\'") for device_id in chosen.device_ids]
        devices = " OR ".join(f"\"{tag}\" = '{device_id}'" for device_id in quoted)
        condition = f"({devices}) AND time >= {span.start_ms}ms AND time < {span.end_ms}ms"
        statement = f'SELECT {field} FROM "{tag}" WHERE {condition}{grouping}'  # noqa: S608 - values are quoted
        response = post(self._http, "/query", self._parameters, {"q": statement})
        try:
            decoded = decode_json(response.content, _Response, most_bytes=MOST_RESPONSE_BYTES)
        except UndecodableError as error:
            raise StoreUnavailable(f"{response.url}: {error}, expected an InfluxQL response") from error
        problem = decoded.error or next((result.error for result in decoded.results if result.error), None)
        if problem and problem.startswith("database not found"):
            return []  # the first write creates it
        if problem:
            raise StoreUnavailable(f"{response.url}: {problem}")
        rows = [row for result in decoded.results for series in result.series for row in series.values]
        return [(int(row[0] or 0), row[1]) for row in rows]
