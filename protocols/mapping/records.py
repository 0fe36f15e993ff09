"""Converts what is sent on a gateway's own topic: events, command results, acknowledgements, positions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from protocols.clock import from_unix_ms, to_unix_ms
from protocols.decoding import UndecodableError, decode_json
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult, CommandStatus
from protocols.mapping.values import LAST_MS, InvalidRecord, value_of
from protocols.metrics import (
    CLOUD_TIME,
    COMMAND_RESULT_RECORD,
    EVENT_RECORD,
    OUTBOX_ACKNOWLEDGED,
    OUTBOX_EPOCH,
    OUTBOX_POSITION,
)
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MetricValue

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Id = Annotated[str, msgspec.Meta(max_length=64)]
Level = Annotated[int, msgspec.Meta(ge=0, le=100)]


class _Event(msgspec.Struct, rename="camel", frozen=True):
    device_id: Id
    type: EventType
    time: Instant
    active: bool
    info: str = ""


class _Result(msgspec.Struct, rename="camel", frozen=True):
    command_id: str
    device_id: Id
    status: CommandStatus
    time: Instant
    level: Level | None = None
    detail: str = ""


Body = TypeVar("Body", _Event, _Result)


def event_metrics(event: DeviceEvent, *, is_historical: bool = False) -> list[MetricValue]:
    """Return an event as one metric of NDATA, a JSON text."""
    body = _Event(event.device_id, event.type, event.time, event.active, event.info)
    text = msgspec.json.encode(body).decode()
    return [MetricValue(EVENT_RECORD, None, DataType.STRING, text, to_unix_ms(event.time), is_historical)]


def event_from(metrics: Iterable[MetricValue]) -> DeviceEvent | None:
    """Return the event in a gateway's data; None when it holds none.

    Raises:
        InvalidRecord: it cannot be read, or its time is out of range.
    """
    body = _parse(metrics, EVENT_RECORD, _Event)
    return None if body is None else DeviceEvent(body.device_id, body.type, body.time, body.active, body.info)


def result_metrics(result: CommandResult, *, is_historical: bool = False) -> list[MetricValue]:
    """Return a command's result on one device as one metric of NDATA, a JSON text."""
    body = _Result(
        result.command_id, result.device_id, result.status, result.time, result.level_percent, result.detail
    )
    text, time_ms = msgspec.json.encode(body).decode(), to_unix_ms(result.time)
    return [MetricValue(COMMAND_RESULT_RECORD, None, DataType.STRING, text, time_ms, is_historical)]


def result_from(metrics: Iterable[MetricValue]) -> CommandResult | None:
    """Return the command result in a gateway's data; None when it holds none.

    Raises:
        InvalidRecord: it cannot be read, or its time is out of range.
    """
    body = _parse(metrics, COMMAND_RESULT_RECORD, _Result)
    if body is None:
        return None
    return CommandResult(body.command_id, body.device_id, body.status, body.time, body.level, body.detail)


def ack_metrics(
    epoch: int, ranges: Iterable[tuple[int, int]], now_ms: int | None = None
) -> list[MetricValue]:
    """Return the metrics of an NCMD: the positions first..last of each range, both included, are stored."""
    flat = [position for span in ranges for position in span]
    return [
        MetricValue(OUTBOX_EPOCH, None, DataType.INT64, epoch, now_ms),
        MetricValue(OUTBOX_ACKNOWLEDGED, None, DataType.UINT64_ARRAY, flat, now_ms),
    ]


def ack_from(metrics: Sequence[MetricValue]) -> tuple[int, list[tuple[int, int]]] | None:
    """Return epoch and ranges of an acknowledgement; None when the command is none.

    Raises:
        InvalidRecord: the epoch is missing, or the positions are not pairs in ascending order.
    """
    flat = value_of(metrics, OUTBOX_ACKNOWLEDGED)
    if flat is None:
        return None
    epoch = value_of(metrics, OUTBOX_EPOCH)
    if not isinstance(epoch, int):
        raise InvalidRecord(f"{OUTBOX_EPOCH}: {epoch!r}, expected Unix milliseconds")
    if not isinstance(flat, list) or len(flat) % 2:
        raise InvalidRecord(f"{OUTBOX_ACKNOWLEDGED}: {flat!r}, expected pairs of positions")
    ranges = list(zip(flat[::2], flat[1::2], strict=True))
    for first, last in ranges:
        if first > last:
            raise InvalidRecord(f"{OUTBOX_ACKNOWLEDGED}: {first}..{last}, expected first <= last")
    return epoch, ranges


def time_metrics(now: datetime) -> list[MetricValue]:
    """Return the metrics of an NCMD: the cloud's time, for a gateway without a better clock."""
    now_ms = to_unix_ms(now)
    return [MetricValue(CLOUD_TIME, None, DataType.DATETIME, now_ms, now_ms)]


def time_from(metrics: Iterable[MetricValue]) -> datetime | None:
    """Return the cloud's time in a node command; None when it holds none.

    Raises:
        InvalidRecord: it is no time, or out of range.
    """
    value = value_of(metrics, CLOUD_TIME)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAST_MS:
        raise InvalidRecord(f"{CLOUD_TIME}: {value!r}, expected Unix milliseconds")
    return from_unix_ms(value)


def position_from(metrics: Iterable[MetricValue]) -> int | None:
    """Return the outbox position that was sent with a record; None from a foreign node.

    Raises:
        InvalidRecord: it is not a whole number.
    """
    value = value_of(metrics, OUTBOX_POSITION)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise InvalidRecord(f"{OUTBOX_POSITION}: {value!r}, expected a whole number")


def _parse(metrics: Iterable[MetricValue], name: str, kind: type[Body]) -> Body | None:
    text = value_of(metrics, name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidRecord(f"{name}: {text!r}, expected JSON text")
    try:
        body = decode_json(text, kind)
    except UndecodableError as error:
        raise InvalidRecord(f"{name}: {text[:200]!r}, {error}") from error
    if not 0 <= to_unix_ms(body.time) <= LAST_MS:
        raise InvalidRecord(f"{name}: {text[:200]!r}, time {body.time}, expected one from 1970 to 9998")
    return body


def position_metric(position: int, time_ms: int, *, is_historical: bool = False) -> MetricValue:
    """Return a record's position in the gateway's outbox, which is sent with every record."""
    return MetricValue(OUTBOX_POSITION, None, DataType.UINT64, position, time_ms, is_historical)


def epoch_from(metrics: Iterable[MetricValue]) -> int | None:
    """Return the outbox epoch in a gateway's birth; None in the birth of a foreign node."""
    value = value_of(metrics, OUTBOX_EPOCH)
    return value if isinstance(value, int) else None
