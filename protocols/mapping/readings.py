"""Converts readings of lamps and cabinets to and from metrics, and makes their births."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from protocols.cabinet import CabinetReading, DeviceReading, SwitchState
from protocols.clock import from_unix_ms, to_unix_ms
from protocols.device_kinds import kind_of
from protocols.lamp import LampReading, Reason
from protocols.mapping.plans import PlanState
from protocols.mapping.values import LAST_MS, InvalidReading, integer, number, single
from protocols.metrics import (
    CABINET_METRICS,
    LAMP_METRICS,
    NODE_METRICS,
    OUTBOX_EPOCH,
    PLAN_HASH,
    PLAN_PROBLEM,
    Metric,
)
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MetricValue
from protocols.sparkplug.values import Value

_Rules = Mapping[str, tuple[str, Callable[[Value], Any]]]
"""By metric: the field it fills and what reads its value."""


def reading_metrics(reading: DeviceReading, *, is_historical: bool = False) -> list[MetricValue]:
    """Return every metric of a device at the reading's time; fields that are None become null."""
    time_ms = to_unix_ms(reading.time)
    return [
        MetricValue(
            metric.name, None, metric.datatype, getattr(reading, metric.field), time_ms, is_historical
        )
        for metric in kind_of(reading).metrics
    ]


def reading_from(lamp_id: str, metrics: Iterable[MetricValue], timestamp_ms: int | None) -> LampReading:
    """Return the reading in a lamp's data; its time is the latest of the metrics', else `timestamp_ms`.

    Raises:
        InvalidReading: a value has the wrong type or range, or there is no time.
    """
    fields, time_ms = _fields_of(lamp_id, metrics, timestamp_ms, _LAMP_RULES)
    return LampReading(lamp_id, from_unix_ms(time_ms), **fields)


def is_cabinet_data(metrics: Iterable[MetricValue]) -> bool:
    """Return whether these are data of a cabinet, which has no metric in common with a lamp."""
    return any(metric.name in _CABINET_RULES for metric in metrics)


def cabinet_from(cabinet_id: str, metrics: Iterable[MetricValue], timestamp_ms: int | None) -> CabinetReading:
    """Return the reading in a cabinet's data; its time is found as for a lamp.

    Raises:
        InvalidReading: a value has the wrong type or range, or there is no time.
    """
    fields, time_ms = _fields_of(cabinet_id, metrics, timestamp_ms, _CABINET_RULES)
    return CabinetReading(cabinet_id, from_unix_ms(time_ms), **fields)


def _fields_of(
    device_id: str, metrics: Iterable[MetricValue], timestamp_ms: int | None, rules: _Rules
) -> tuple[dict[str, Any], int]:
    fields: dict[str, Any] = {}
    latest_ms = 0
    for metric in metrics:
        rule = rules.get(metric.name or "")
        if rule is None:
            continue
        field, read = rule
        if metric.value is not None:
            try:
                fields[field] = read(metric.value)
            except ValueError as error:
                raise InvalidReading(
                    f"{device_id} {metric.name}: {metric.value!r}, expected {error}"
                ) from error
        if metric.timestamp_ms is not None and metric.timestamp_ms > latest_ms:
            latest_ms = metric.timestamp_ms
    time_ms = latest_ms or timestamp_ms
    if time_ms is None or time_ms > LAST_MS:
        raise InvalidReading(f"{device_id} timestamp: {time_ms}, expected Unix milliseconds")
    return fields, time_ms


def _boolean(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def _member_of(kind: type[StrEnum]) -> Callable[[Value], StrEnum]:
    def read(value: Value) -> StrEnum:
        try:
            return kind(str(value))
        except ValueError as error:
            raise ValueError("one of " + ", ".join(kind)) from error

    return read


_READERS: Final[dict[DataType, Callable[[Value], Any]]] = {
    DataType.INT32: integer,
    DataType.UINT32: integer,
    DataType.FLOAT: single,
    DataType.DOUBLE: number,
    DataType.BOOLEAN: _boolean,
}
_LAMP_RULES: Final[_Rules] = {
    metric.name: (metric.field, _READERS.get(metric.datatype, _member_of(Reason))) for metric in LAMP_METRICS
}
_CABINET_RULES: Final[_Rules] = {
    metric.name: (metric.field, _READERS.get(metric.datatype, _member_of(SwitchState)))
    for metric in CABINET_METRICS
}


def device_birth(reading: DeviceReading) -> list[MetricValue]:
    """Return every metric that a device will publish or accept, with the values of `reading`."""
    kind = kind_of(reading)
    metrics = reading_metrics(reading)
    for declared, metric in zip(kind.metrics, metrics, strict=True):
        if declared.unit:
            metric.properties = {"engUnit": declared.unit}
    return [*metrics, *_declared(kind.control_metrics, to_unix_ms(reading.time))]


def gateway_birth(epoch: int, now_ms: int, plan: PlanState | None = None) -> list[MetricValue]:
    """Return every metric that a gateway will publish or accept, with its outbox's epoch and its plan."""
    plan = plan or PlanState()
    values: dict[str, Value] = {OUTBOX_EPOCH: epoch, PLAN_HASH: plan.hash, PLAN_PROBLEM: plan.problem}
    metrics = _declared(NODE_METRICS, now_ms)
    for metric in metrics:
        metric.value = values.get(metric.name or "")
    return metrics


def _declared(declared: Sequence[Metric], time_ms: int) -> list[MetricValue]:
    return [
        MetricValue(
            name=metric.name,
            datatype=metric.datatype,
            timestamp_ms=time_ms,
            properties={"engUnit": metric.unit} if metric.unit else {},
        )
        for metric in declared
    ]
