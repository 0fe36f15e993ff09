"""The protocol of every telemetry store; one contract suite runs on all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from protocols.cabinet import DeviceReading
from protocols.clock import to_unix_ms
from protocols.device_kinds import LAMPS, DeviceKind
from protocols.metrics import Metric
from protocols.sparkplug.datatypes import DataType

_INTEGERS = frozenset({DataType.INT32, DataType.INT64, DataType.UINT32, DataType.UINT64})

Value = int | float | bool | str
Point = tuple[int, Value]
"""Unix milliseconds and a value."""


class TelemetryError(Exception):
    """A telemetry store did not do what it should."""


class StoreUnavailable(TelemetryError):  # noqa: N818 - reads as a condition, like the standard library's
    """Transient: the same call may succeed later."""


class StoreRejected(TelemetryError):  # noqa: N818
    """Permanent: the store will never take these readings; the message is the reason."""


class TelemetryUrlError(ValueError):
    """A telemetry URL that names no store; the message has what was expected."""


@dataclass(frozen=True, slots=True)
class Series:
    """One attribute over time, oldest first."""

    attribute: str
    unit: str
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Window:
    """From `start_ms` up to but without `end_ms`; Unix milliseconds."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """Attributes (by their TALQ names) of a device from `start` up to `end`, in at least 2 `max_points`."""

    device_id: str
    attributes: Sequence[str]
    start: datetime
    end: datetime
    max_points: int
    kind: DeviceKind = LAMPS

    def metrics(self) -> list[Metric]:
        """Return the metrics of the attributes; raises UnknownAttribute."""
        return [self.kind.metric(attribute) for attribute in self.attributes]


@dataclass(frozen=True, slots=True)
class Selection:
    """Devices of one kind and a window of time."""

    kind: DeviceKind
    device_ids: Sequence[str]
    span: Window


class TelemetryStore(Protocol):
    """Readings by device and time: of lamps where no other `kind` is given.

    Calls block; they may be made from any thread. Every call raises StoreUnavailable when trying again may
    help.
    """

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings, durable on return; one already stored for the same device and time stays one.

        Raises:
            StoreRejected: the store will never take one of them; others may have been stored.
        """
        ...

    def series(self, query: SeriesQuery) -> list[Series]:
        """Return the attributes over time, in the order of the query.

        Where the device has more than `max_points` readings they are downsampled to at most that many equal
        intervals: the mean of what is measured, the last of what is set, counted or a text. The time of a
        downsampled point is the start of its interval.

        Raises:
            UnknownAttribute: the kind of device has no such attribute.
        """
        ...

    def count(
        self, device_ids: Sequence[str], start: datetime, end: datetime, *, kind: DeviceKind = LAMPS
    ) -> int:
        """Return how many readings of these devices there are from `start` up to `end`."""
        ...

    def times(self, device_id: str, start: datetime, end: datetime, *, kind: DeviceKind = LAMPS) -> list[int]:
        """Return the Unix milliseconds of the device's readings from `start` up to `end`, oldest first."""
        ...

    def close(self) -> None:
        """Close connections; the store is not used after."""
        ...


def window(start: datetime, end: datetime) -> Window:
    """Return the instants as a window."""
    return Window(to_unix_ms(start), to_unix_ms(end))


def is_averaged(metric: Metric) -> bool:
    """Return whether a downsampled series takes the mean; the mean of two commands or counters is neither."""
    return metric.datatype is DataType.FLOAT


def typed_value(metric: Metric, stored: Value) -> Value:
    """Return a stored value in the metric's own type: servers give back numbers of one type for several."""
    if isinstance(stored, str):
        return stored
    if metric.datatype is DataType.BOOLEAN:
        return bool(stored)
    return int(stored) if metric.datatype in _INTEGERS else float(stored)


def interval_ms(readings: int, span: Window, max_points: int) -> int | None:
    """Return the width in ms of the intervals to thin to; None when every reading can be shown.

    Intervals are aligned to 1970, so one more than divides the span may touch it.
    """
    if readings <= max_points:
        return None
    return -(-(span.end_ms - span.start_ms) // max(1, max_points - 1))
