"""A lamp's readings and births as metrics."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lamp import LampReading, Reason
from protocols.metrics import (
    DEVICE_CONTROL_METRICS,
    LAMP_METRICS,
    NODE_METRICS,
    OUTBOX_EPOCH,
    DataType,
    Metric,
)
from protocols.sparkplug.lentera.coerce import LAST_MS, integer, number, single
from protocols.sparkplug.lentera.errors import InvalidReading
from protocols.sparkplug.payload import MetricValue, Property
from protocols.sparkplug.values import Value


def reading_metrics(reading: LampReading, *, is_historical: bool = False) -> list[MetricValue]:
    """Every metric of a lamp at the reading's time; fields that are None become null."""
    time_ms = to_unix_ms(reading.time)
    return [
        MetricValue(
            metric.name, None, metric.datatype, getattr(reading, metric.field), time_ms, is_historical
        )
        for metric in LAMP_METRICS
    ]


def reading_from(lamp_id: str, metrics: Iterable[MetricValue], timestamp_ms: int | None) -> LampReading:
    """The reading in a lamp's data, timed by the metrics or else by `timestamp_ms`; raises InvalidReading."""
    fields: dict[str, Any] = {}
    latest_ms = 0
    for metric in metrics:
        rule = _FIELDS.get(metric.name or "")
        if rule is None:
            continue
        field, read = rule
        if metric.value is not None:
            try:
                fields[field] = read(metric.value)
            except ValueError as error:
                raise InvalidReading(
                    f"{lamp_id} {metric.name}: {metric.value!r}, expected {error}"
                ) from error
        if metric.timestamp_ms is not None and metric.timestamp_ms > latest_ms:
            latest_ms = metric.timestamp_ms
    time_ms = latest_ms or timestamp_ms
    if time_ms is None or time_ms > LAST_MS:
        raise InvalidReading(f"{lamp_id} timestamp: {time_ms}, expected Unix milliseconds")
    return LampReading(lamp_id, from_unix_ms(time_ms), **fields)


def _boolean(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def _reason(value: Value) -> Reason:
    try:
        return Reason(str(value))
    except ValueError as error:
        raise ValueError("one of " + ", ".join(Reason)) from error


_READERS: Final = {
    DataType.INT32: integer,
    DataType.UINT32: integer,
    DataType.FLOAT: single,
    DataType.DOUBLE: number,
    DataType.BOOLEAN: _boolean,
    DataType.STRING: _reason,
}
_FIELDS: Final = {metric.name: (metric.field, _READERS[metric.datatype]) for metric in LAMP_METRICS}


def lamp_birth(reading: LampReading) -> list[MetricValue]:
    """All a lamp will ever publish or be told, with the values of its last reading."""
    time_ms = to_unix_ms(reading.time)
    metrics = reading_metrics(reading)
    for declared, metric in zip(LAMP_METRICS, metrics, strict=True):
        metric.properties = _unit(declared)
    return [*metrics, *_declared(DEVICE_CONTROL_METRICS, time_ms)]


def gateway_birth(epoch: int, now_ms: int) -> list[MetricValue]:
    """All a gateway will ever publish or be told; `epoch` names its outbox."""
    metrics = _declared(NODE_METRICS, now_ms)
    for metric in metrics:
        if metric.name == OUTBOX_EPOCH:
            metric.value = epoch
    return metrics


def _declared(declared: Sequence[Metric], time_ms: int) -> list[MetricValue]:
    return [
        MetricValue(metric.name, None, metric.datatype, None, time_ms, properties=_unit(metric))
        for metric in declared
    ]


def _unit(metric: Metric) -> dict[str, Property]:
    return {"engUnit": metric.unit} if metric.unit else {}
