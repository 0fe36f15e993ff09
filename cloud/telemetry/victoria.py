"""Reading from VictoriaMetrics, which takes InfluxDB's writes but has a query language of its own.

Line protocol `lamp,lamp=<id> activePower=…` becomes the metric `lamp_activePower{lamp="<id>"}`. Three limits
follow from the server: it stores no text (`reason`), samples reach its disk a few seconds after they were
accepted, and it must run with `-dedup.minScrapeInterval=1ms` so that writing twice changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import fmean

import httpx
import msgspec

from cloud.telemetry.line_protocol import COUNTER_FIELD
from cloud.telemetry.server import MOST_RESPONSE_BYTES, ServerTelemetry, TelemetryWriter, failure
from cloud.telemetry.store import (
    Point,
    Selection,
    Series,
    SeriesQuery,
    StoreUnavailable,
    interval_ms,
    is_averaged,
    typed_value,
    window,
)
from protocols.decoding import UndecodableError, decode_json
from protocols.device_kinds import LAMPS, DeviceKind
from protocols.metrics import Metric
from protocols.sparkplug.datatypes import DataType

_DEVICES_PER_QUERY = 200


class _Exported(msgspec.Struct):
    values: list[float | None]
    timestamps: list[int]


class VictoriaTelemetry(ServerTelemetry):
    """A TelemetryStore on VictoriaMetrics."""

    def __init__(self, writer: TelemetryWriter, http: httpx.Client, *, flush_first: bool = False) -> None:
        """`flush_first` makes what was just written visible at once: for tests, not for production."""
        super().__init__(writer, http)
        self._flush_first = flush_first

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
        span = window(start, end)
        return sum(
            len(exported.timestamps)
            for first in range(0, len(device_ids), _DEVICES_PER_QUERY)
            for exported in self._export(
                COUNTER_FIELD, Selection(kind, device_ids[first : first + _DEVICES_PER_QUERY], span)
            )
        )

    def times(self, device_id: str, start: datetime, end: datetime, *, kind: DeviceKind = LAMPS) -> list[int]:
        """Return the Unix milliseconds of the device's readings, oldest first."""
        exported = self._export(COUNTER_FIELD, Selection(kind, [device_id], window(start, end)))
        return sorted(time_ms for one in exported for time_ms in one.timestamps)

    def _points(self, metric: Metric, chosen: Selection, width_ms: int | None) -> list[Point]:
        if metric.datatype is DataType.STRING:
            return []
        samples = sorted(
            (time_ms, value)
            for exported in self._export(metric.attribute, chosen)
            for time_ms, value in zip(exported.timestamps, exported.values, strict=True)
            if value is not None
        )
        downsampled = samples if width_ms is None else _downsampled(metric, samples, width_ms)
        return [
            (max(time_ms, chosen.span.start_ms), typed_value(metric, value)) for time_ms, value in downsampled
        ]

    def _export(self, field: str, chosen: Selection) -> list[_Exported]:
        tag, span = chosen.kind.name, chosen.span
        matches = []
        for device_id in chosen.device_ids:
            escaped = device_id.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            matches.append(f'{{__name__="{tag}_{field}",{tag}="{escaped}"}}')
        parameters = {"start": f"{span.start_ms / 1000:.3f}", "end": f"{(span.end_ms - 1) / 1000:.3f}"}
        try:
            if self._flush_first:
                self._http.get("/internal/force_flush")
            response = self._http.post("/api/v1/export", data={"match[]": matches, **parameters})
        except httpx.TransportError as error:
            raise StoreUnavailable(f"{self._http.base_url}: {error or type(error).__name__}") from error
        if not response.is_success:
            raise failure(str(response.url), response.status_code, response.text)
        try:
            return [
                decode_json(line, _Exported, most_bytes=MOST_RESPONSE_BYTES)
                for line in response.content.splitlines()
                if line
            ]
        except UndecodableError as error:
            raise StoreUnavailable(f"{response.url}: {error}, expected exported time series") from error


def _downsampled(
    metric: Metric, samples: Iterable[tuple[int, float]], width_ms: int
) -> list[tuple[int, float]]:
    intervals: dict[int, list[float]] = defaultdict(list)
    for time_ms, value in samples:
        intervals[time_ms // width_ms * width_ms].append(value)
    return [
        (start_ms, fmean(values) if is_averaged(metric) else values[-1])
        for start_ms, values in intervals.items()
    ]
