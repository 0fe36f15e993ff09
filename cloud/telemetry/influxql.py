"""Reading from InfluxDB with InfluxQL on `/query`, which every generation of it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import msgspec

from cloud.telemetry.line_protocol import COUNTER_FIELD
from cloud.telemetry.store import (
    Point,
    Series,
    StoreRejected,
    StoreUnavailable,
    Value,
    Window,
    interval_ms,
    is_averaged,
    window,
)
from protocols.device_kinds import LAMPS, DeviceKind
from protocols.metrics import Metric
from protocols.sparkplug.datatypes import DataType

_DEVICES_PER_QUERY = 200
_INTEGERS = frozenset({DataType.INT32, DataType.INT64, DataType.UINT32, DataType.UINT64})


class _ResultSeries(msgspec.Struct):
    columns: list[str]
    values: list[list[int | float | bool | str | None]]


class _Result(msgspec.Struct):
    series: list[_ResultSeries] = []
    error: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose readings, and when."""

    kind: DeviceKind
    device_ids: Sequence[str]
    span: Window


class InfluxQlReader:
    """The reading half of a TelemetryStore on InfluxDB 1.x, 2.x and 3.x."""

    def __init__(self, http: httpx.Client, database: str, retention_policy: str | None = None) -> None:
        self._http = http
        self._parameters = {"db": database, "epoch": "ms"} | (
            {"rp": retention_policy} if retention_policy else {}
        )

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
        metrics = [kind.metric(attribute) for attribute in attributes]
        asked = _Asked(kind, [device_id], window(start, end))
        width = interval_ms(self.count([device_id], start, end, kind=kind), asked.span, max_points)
        return [
            Series(metric.attribute, metric.unit, self._points(metric, asked, width)) for metric in metrics
        ]

    def count(
        self, device_ids: Sequence[str], start: datetime, end: datetime, *, kind: DeviceKind = LAMPS
    ) -> int:
        """How many readings of these devices there are."""
        total = 0
        for first in range(0, len(device_ids), _DEVICES_PER_QUERY):
            chunk = device_ids[first : first + _DEVICES_PER_QUERY]
            rows = self._select(f'count("{COUNTER_FIELD}")', _Asked(kind, chunk, window(start, end)))
            total += sum(int(value) for _, value in rows if isinstance(value, int | float))
        return total

    def times(self, device_id: str, start: datetime, end: datetime, *, kind: DeviceKind = LAMPS) -> list[int]:
        """The Unix milliseconds of the device's readings, oldest first."""
        rows = self._select(f'"{COUNTER_FIELD}"', _Asked(kind, [device_id], window(start, end)))
        return [time_ms for time_ms, _ in rows]

    def _points(self, metric: Metric, asked: _Asked, width_ms: int | None) -> list[Point]:
        field, grouping = f'"{metric.attribute}"', ""
        if width_ms is not None:
            field = f"{'mean' if is_averaged(metric) else 'last'}({field})"
            grouping = f" GROUP BY time({width_ms}ms) fill(none)"
        rows = self._select(field, asked, grouping)
        return [
            (max(time_ms, asked.span.start_ms), _typed(metric, value))
            for time_ms, value in rows
            if value is not None
        ]

    def _select(self, field: str, asked: _Asked, grouping: str = "") -> list[tuple[int, Value | None]]:
        condition = _condition(asked) + grouping
        statement = f'SELECT {field} FROM "{asked.kind.name}" WHERE {condition}'  # noqa: S608 - values are quoted
        answer = post(self._http, "/query", self._parameters, {"q": statement})
        try:
            decoded = msgspec.json.decode(answer.content, type=_Answer)
        except msgspec.DecodeError as error:
            raise StoreUnavailable(f"{answer.url}: {error}, expected an InfluxQL answer") from error
        problem = decoded.error or next((result.error for result in decoded.results if result.error), None)
        if problem:
            raise StoreUnavailable(f"{answer.url}: {problem}")
        rows = [row for result in decoded.results for series in result.series for row in series.values]
        return [(int(row[0] or 0), row[1]) for row in rows]


def post(
    http: httpx.Client, path: str, parameters: Mapping[str, str], body: Mapping[str, str] | bytes
) -> httpx.Response:
    """POST and expect success; raises StoreUnavailable, or StoreRejected where the body is at fault."""
    try:
        if isinstance(body, bytes):
            answer = http.post(path, params=parameters, content=body)
        else:
            answer = http.post(path, params=parameters, data=body)
    except httpx.TransportError as error:
        raise StoreUnavailable(f"{http.base_url}{path}: {error or type(error).__name__}") from error
    if answer.is_success:
        return answer
    raise failure(answer.status_code, f"{http.base_url}{path}: HTTP {answer.status_code} {answer.text[:500]}")


def failure(status: int, message: str) -> StoreRejected | StoreUnavailable:
    """What an HTTP status means for readings: 400, 413 and 422 blame them, all else blames the way there."""
    return StoreRejected(message) if status in (400, 413, 422) else StoreUnavailable(message)


def _condition(asked: _Asked) -> str:
    tag, span = asked.kind.name, asked.span
    devices = " OR ".join(f"\"{tag}\" = '{_escaped(device_id)}'" for device_id in asked.device_ids)
    return f"({devices}) AND time >= {span.start_ms}ms AND time < {span.end_ms}ms"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _typed(metric: Metric, stored: Value) -> Value:
    if isinstance(stored, str) or metric.datatype is DataType.BOOLEAN:
        return stored
    return int(stored) if metric.datatype in _INTEGERS else float(stored)
