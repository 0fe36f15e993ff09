"""The Sparkplug B payload codec: dataclasses to protobuf bytes and back."""

from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from protocols.sparkplug import sparkplug_b_pb2 as pb
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.values import (
    FIELD_OF,
    OPAQUE,
    Value,
    WrongValue,
    from_wire,
    to_wire,
)

Property = int | float | bool | str | None


class MalformedPayload(ValueError):  # noqa: N818 - named for the condition
    """Bytes or a metric that are no Sparkplug payload; the message says what was found and expected.

    `seq` is the message's sequence number where it could be read.
    """

    def __init__(self, why: str, seq: int | None = None) -> None:
        super().__init__(why)
        self.seq = seq


@dataclass(slots=True)
class MetricValue:
    """One metric in a message; `value` None is Sparkplug's null.

    Data and commands may have `alias` instead of `name`, and no `datatype`; then an integer has its unsigned
    value of the protobuf until `retype` applies the birth's type. Data sets and templates are None.
    """

    name: str | None = None
    alias: int | None = None
    datatype: DataType | None = None
    value: Value = None
    timestamp_ms: int | None = None
    is_historical: bool = False
    properties: dict[str, Property] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What names the metric in an error message."""
        return self.name if self.name is not None else f"alias {self.alias}"


@dataclass(slots=True)
class Payload:
    """A whole message; `seq` is None in deaths of nodes and in commands."""

    timestamp_ms: int | None
    metrics: list[MetricValue]
    seq: int | None = None


def encode(payload: Payload, *, with_datatypes: bool = True) -> bytes:
    """Return the payload's bytes.

    Sparkplug requires data types in births and advises to omit them from data.

    Raises:
        WrongValue: a value does not fit its type; the message names the metric.
    """
    message = pb.Payload()
    if payload.timestamp_ms is not None:
        message.timestamp = payload.timestamp_ms
    if payload.seq is not None:
        message.seq = payload.seq
    for metric in payload.metrics:
        _encode_metric(message.metrics.add(), metric, with_datatypes)
    return message.SerializeToString()


def _encode_metric(raw: pb.Metric, metric: MetricValue, with_datatype: bool) -> None:
    datatype = metric.datatype
    if datatype is None:
        raise WrongValue(f"metric {metric.label}: no datatype, expected one of the Sparkplug data types")
    if metric.name is not None:
        raw.name = metric.name
    if metric.alias is not None:
        raw.alias = metric.alias
    if metric.timestamp_ms is not None:
        raw.timestamp = metric.timestamp_ms
    if with_datatype:
        raw.datatype = datatype
    if metric.is_historical:
        raw.is_historical = True
    if metric.properties:
        _encode_properties(raw.properties, metric.properties)
    if metric.value is None:
        raw.is_null = True
        return
    try:
        setattr(raw, FIELD_OF[datatype], to_wire(metric.value, datatype))
    except WrongValue as error:
        raise WrongValue(f"metric {metric.label}: {error}") from error


def _encode_properties(raw: pb.PropertySet, properties: dict[str, Property]) -> None:
    for key, value in properties.items():
        raw.keys.append(key)
        encoded = raw.values.add()
        if isinstance(value, bool):
            datatype = DataType.BOOLEAN
        elif isinstance(value, int):
            datatype = DataType.INT32 if -(2**31) <= value < 2**31 else DataType.INT64
        else:
            datatype = DataType.DOUBLE if isinstance(value, float) else DataType.STRING
        encoded.type = datatype
        if value is None:
            encoded.is_null = True
        else:
            setattr(encoded, FIELD_OF[datatype], to_wire(value, datatype))


def decode(data: bytes) -> Payload:
    """Read a payload.

    Raises:
        MalformedPayload: it is none; no bytes lead to another exception.
    """
    message = pb.Payload()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        found = f"{len(data)} bytes that begin {data[:16].hex(' ')}"
        raise MalformedPayload(f"{found}: expected a Sparkplug B payload with text in UTF-8") from error
    seq = message.seq if message.HasField("seq") else None
    if seq is not None and seq > 255:
        raise MalformedPayload(f"seq {seq}: expected 0..255")
    try:
        metrics = [_decode_metric(raw) for raw in message.metrics]
    except WrongValue as error:
        raise MalformedPayload(str(error), seq) from error
    return Payload(message.timestamp or None, metrics, seq)


def _decode_metric(raw: pb.Metric) -> MetricValue:
    number = raw.datatype
    metric = MetricValue(
        raw.name or None,
        raw.alias if raw.HasField("alias") else None,
        _DATATYPES.get(number) if number else None,
        None,
        raw.timestamp or None,
        raw.is_historical,
        _decode_properties(raw.properties) if raw.HasField("properties") else {},
    )
    if number and metric.datatype is None:
        raise WrongValue(f"metric {metric.label}: datatype {number}, expected 1..34")
    if metric.name is None and metric.alias is None:
        raise WrongValue("metric: neither name nor alias, expected one of them")
    if not raw.is_null:
        metric.value = _raw_value(raw, metric)
        if metric.datatype is not None:
            retype(metric, metric.datatype)
    return metric


_DATATYPES = {kind.value: kind for kind in DataType}
_SCALARS = frozenset(FIELD_OF.values())


def _raw_value(raw: pb.Metric, metric: MetricValue) -> Value:
    which = raw.WhichOneof("value")
    if which in _SCALARS:
        value: Value = getattr(raw, which)
        return value
    if which is None and metric.datatype not in OPAQUE:
        raise WrongValue(f"metric {metric.label}: no value, expected one or is_null")
    return None


def retype(metric: MetricValue, datatype: DataType) -> None:
    """Read the metric's protobuf value as `datatype`, in place.

    Raises:
        WrongValue: it does not fit the type; the message names the metric.
    """
    metric.datatype = datatype
    if metric.value is None:
        return
    try:
        metric.value = from_wire(metric.value, datatype)
    except WrongValue as error:
        raise WrongValue(f"metric {metric.label}: {error}") from error


def _decode_properties(raw: pb.PropertySet) -> dict[str, Property]:
    """Return the scalar properties; nested property sets, which Lentera does not use, are left out."""
    if len(raw.keys) != len(raw.values):
        raise WrongValue(f"properties: {len(raw.keys)} keys and {len(raw.values)} values, expected as many")
    properties: dict[str, Property] = {}
    for key, encoded in zip(raw.keys, raw.values, strict=True):
        which = encoded.WhichOneof("value")
        if encoded.is_null:
            properties[key] = None
        elif which in _SCALARS:
            properties[key] = _property_value(key, encoded, getattr(encoded, which))
    return properties


def _property_value(key: str, encoded: pb.PropertyValue, value: int | float | bool | str) -> Property:
    datatype = _DATATYPES.get(encoded.type)
    if datatype is None:
        raise WrongValue(f"property {key!r}: type {encoded.type}, expected a Sparkplug data type")
    typed = from_wire(value, datatype)
    if isinstance(typed, (bytes, list)):
        raise WrongValue(f"property {key!r}: type {datatype.name}, expected a scalar")
    return typed
