"""The payload codec: every type survives, bad values and bad bytes are named, and nothing else is raised."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sparkplug import sparkplug_b_pb2 as pb
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MalformedPayload, MetricValue, Payload, decode, encode, retype
from protocols.sparkplug.values import Value, WrongValue

INTEGERS = {
    DataType.INT8: (-(2**7), 2**7 - 1),
    DataType.INT16: (-(2**15), 2**15 - 1),
    DataType.INT32: (-(2**31), 2**31 - 1),
    DataType.INT64: (-(2**63), 2**63 - 1),
    DataType.UINT8: (0, 2**8 - 1),
    DataType.UINT16: (0, 2**16 - 1),
    DataType.UINT32: (0, 2**32 - 1),
    DataType.UINT64: (0, 2**64 - 1),
    DataType.DATETIME: (0, 2**64 - 1),
}
ARRAYS = {
    DataType.INT8_ARRAY: DataType.INT8,
    DataType.INT16_ARRAY: DataType.INT16,
    DataType.INT32_ARRAY: DataType.INT32,
    DataType.INT64_ARRAY: DataType.INT64,
    DataType.UINT8_ARRAY: DataType.UINT8,
    DataType.UINT16_ARRAY: DataType.UINT16,
    DataType.UINT32_ARRAY: DataType.UINT32,
    DataType.UINT64_ARRAY: DataType.UINT64,
    DataType.DATETIME_ARRAY: DataType.INT64,
}
RAW = (DataType.BYTES, DataType.FILE, DataType.FLOAT_ARRAY, DataType.BOOLEAN_ARRAY, DataType.STRING_ARRAY)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES: dict[DataType, st.SearchStrategy[Value]] = {
    **{kind: st.integers(low, high) for kind, (low, high) in INTEGERS.items()},
    **{kind: st.lists(st.integers(*INTEGERS[item]), max_size=9) for kind, item in ARRAYS.items()},
    **{kind: st.binary(max_size=40) for kind in RAW},
    **dict.fromkeys((DataType.STRING, DataType.TEXT, DataType.UUID), TEXT),
    DataType.FLOAT: st.floats(width=32, allow_nan=False),
    DataType.DOUBLE: st.floats(allow_nan=False),
    DataType.BOOLEAN: st.booleans(),
}
PROPERTIES = st.dictionaries(
    TEXT,
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT,
    max_size=3,
)
MILLISECONDS = st.none() | st.integers(1, 2**64 - 1)


def metrics_of(kind: DataType) -> st.SearchStrategy[MetricValue]:
    return st.builds(
        MetricValue,
        name=TEXT.filter(bool),
        alias=st.none() | st.integers(0, 2**64 - 1),
        datatype=st.just(kind),
        value=st.none() | VALUES[kind],
        timestamp_ms=MILLISECONDS,
        is_historical=st.booleans(),
        properties=PROPERTIES,
    )


PAYLOADS = st.builds(
    Payload,
    MILLISECONDS,
    st.lists(st.sampled_from(list(VALUES)).flatmap(metrics_of), max_size=5),
    st.none() | st.integers(0, 255),
)


@given(PAYLOADS)
@settings(deadline=None)
def test_a_payload_survives_the_wire(payload: Payload) -> None:
    assert decode(encode(payload)) == payload


@given(PAYLOADS)
@settings(deadline=None)
def test_a_payload_without_types_survives_once_the_types_are_known(payload: Payload) -> None:
    received = decode(encode(payload, with_datatypes=False))
    for metric, sent in zip(received.metrics, payload.metrics, strict=True):
        assert metric.datatype is None
        assert sent.datatype is not None
        retype(metric, sent.datatype)
    assert received == payload


def assert_decodes_or_is_malformed(data: bytes) -> None:
    """Any error but MalformedPayload escapes; what decodes is typed as promised."""
    try:
        payload = decode(data)
    except MalformedPayload:
        return
    assert payload.seq is None or 0 <= payload.seq <= 255
    for metric in payload.metrics:
        assert isinstance(metric.name, str) or (metric.name is None and metric.alias is not None)
        assert all(isinstance(key, str) for key in metric.properties)
        assert metric.datatype not in TYPES or isinstance(metric.value, TYPES[metric.datatype])


TYPES = {
    **dict.fromkeys(INTEGERS, (int, type(None))),
    **dict.fromkeys(ARRAYS, (list, type(None))),
    DataType.FLOAT: (float, type(None)),
    DataType.STRING: (str, type(None)),
    DataType.BOOLEAN: (bool, type(None)),
}


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=400)
def test_any_bytes_decode_or_are_malformed(data: bytes) -> None:
    assert_decodes_or_is_malformed(data)


@given(PAYLOADS, st.data())
@settings(deadline=None, max_examples=300)
def test_a_damaged_payload_decodes_or_is_malformed(payload: Payload, data: st.DataObject) -> None:
    body = bytearray(encode(payload))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(body)))
        body[position : position + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    assert_decodes_or_is_malformed(bytes(body))


def test_the_wire_is_the_specifications() -> None:
    """Payload: timestamp=1 metrics=2 seq=3. Metric: name=1 alias=2 timestamp=3 datatype=4 int_value=10."""
    metric = MetricValue("a", 7, DataType.INT32, -2, 5)
    inner = b"\x0a\x01a" + b"\x10\x07" + b"\x18\x05" + b"\x20\x03" + b"\x50\xfe\xff\xff\xff\x0f"
    assert (
        encode(Payload(9, [metric], 1)) == b"\x08\x09" + b"\x12" + bytes([len(inner)]) + inner + b"\x18\x01"
    )


@pytest.mark.parametrize(
    ("datatype", "value", "field", "wire"),
    [
        (DataType.INT8, -1, "int_value", 0xFFFFFFFF),
        (DataType.INT16, -1, "int_value", 0xFFFFFFFF),
        (DataType.INT32, -(2**31), "int_value", 2**31),
        (DataType.INT64, -1, "long_value", 2**64 - 1),
        (DataType.DATETIME, 1_795_521_600_000, "long_value", 1_795_521_600_000),
        (DataType.UINT64_ARRAY, [1, 2**64 - 1], "bytes_value", struct.pack("<QQ", 1, 2**64 - 1)),
        (DataType.INT16_ARRAY, [-30000, 30000], "bytes_value", bytes.fromhex("d08a3075")),
    ],
)
def test_integers_stand_as_the_specification_says(
    datatype: DataType, value: Value, field: str, wire: int | bytes
) -> None:
    message = pb.Payload.FromString(encode(Payload(None, [MetricValue("m", None, datatype, value)])))
    assert getattr(message.metrics[0], field) == wire


@pytest.mark.parametrize(
    ("datatype", "wire", "value"),
    [
        (DataType.INT8, 0xFF, -1),
        (DataType.INT8, 0xFFFFFF80, -128),
        (DataType.INT16, 0xFFFF, -1),
        (DataType.INT8, 127, 127),
    ],
)
def test_small_negatives_are_read_bare_and_sign_extended(datatype: DataType, wire: int, value: int) -> None:
    message = pb.Payload()
    message.metrics.add(name="m", datatype=datatype, int_value=wire)
    assert decode(message.SerializeToString()).metrics[0].value == value


def test_a_32_bit_integer_is_also_read_from_the_long_field() -> None:
    message = pb.Payload()
    message.metrics.add(name="m", datatype=DataType.UINT32, long_value=2**32 - 1)
    assert decode(message.SerializeToString()).metrics[0].value == 2**32 - 1


def test_infinity_and_nan_pass_and_are_not_numbers_made_up() -> None:
    sent = [MetricValue("m", None, DataType.FLOAT, float(text)) for text in ("inf", "-inf", "nan")]
    values = [metric.value for metric in decode(encode(Payload(1, sent))).metrics]
    assert values[:2] == [math.inf, -math.inf]
    assert isinstance(values[2], float)
    assert math.isnan(values[2])


@pytest.mark.parametrize(
    ("datatype", "value", "expected"),
    [
        (DataType.INT32, 2**31, r"metric m: 2147483648, expected INT32 in -2147483648\.\.2147483647"),
        (DataType.UINT8, -1, r"metric m: -1, expected UINT8 in 0\.\.255"),
        (DataType.INT32, True, r"metric m: True \(bool\), expected INT32"),
        (DataType.INT32, 1.0, r"metric m: 1.0 \(float\), expected INT32"),
        (DataType.FLOAT, 1e39, r"metric m: 1e\+39, expected FLOAT within"),
        (DataType.FLOAT, "1", r"metric m: '1' \(str\), expected FLOAT"),
        (DataType.BOOLEAN, 1, r"metric m: 1 \(int\), expected BOOLEAN"),
        (DataType.STRING, b"x", r"metric m: b'x' \(bytes\), expected STRING"),
        (DataType.BYTES, "x", r"metric m: 'x' \(str\), expected BYTES"),
        (DataType.UINT64_ARRAY, [-1], r"metric m: \[-1\], expected UINT64_ARRAY"),
        (DataType.DATA_SET, 1, r"metric m: 1 \(int\), expected DATA_SET"),
        (None, 1, r"metric m: no datatype"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(
    datatype: DataType | None, value: Value, expected: str
) -> None:
    with pytest.raises(WrongValue, match=expected):
        encode(Payload(1, [MetricValue("m", None, datatype, value)]))


def malformed(metric: pb.Metric) -> str:
    """Why a payload with this one metric is not taken."""
    message = pb.Payload(seq=7, metrics=[metric])
    with pytest.raises(MalformedPayload) as caught:
        decode(message.SerializeToString())
    assert caught.value.seq == 7
    return str(caught.value)


def test_malformed_metrics_are_named_with_what_was_expected() -> None:
    assert malformed(pb.Metric(name="m", datatype=99, int_value=1)) == "metric m: datatype 99, expected 1..34"
    assert malformed(pb.Metric(name="m", datatype=3)) == "metric m: no value, expected one or is_null"
    assert malformed(pb.Metric(alias=4)) == "metric alias 4: no value, expected one or is_null"
    assert malformed(pb.Metric(int_value=1)) == "metric: neither name nor alias, expected one of them"
    assert (
        malformed(pb.Metric(name="m", datatype=5, int_value=300)) == "metric m: 300, expected UINT8 in 0..255"
    )
    assert (
        malformed(pb.Metric(name="m", datatype=1, int_value=300)) == "metric m: 300, expected INT8 of 8 bits"
    )
    assert (
        malformed(pb.Metric(name="m", datatype=3, string_value="x")) == "metric m: 'x' (str), expected INT32"
    )
    assert malformed(pb.Metric(name="m", datatype=12, int_value=1)) == "metric m: 1 (int), expected STRING"
    assert (
        malformed(pb.Metric(name="m", datatype=11, double_value=1))
        == "metric m: 1.0 (float), expected BOOLEAN"
    )
    assert (
        malformed(pb.Metric(name="m", datatype=9, boolean_value=True))
        == "metric m: True (bool), expected FLOAT"
    )
    assert (
        malformed(pb.Metric(name="m", datatype=9, bytes_value=b"x"))
        == "metric m: b'x' (bytes), expected FLOAT"
    )
    assert "4 bytes, expected whole items" in malformed(pb.Metric(name="m", datatype=29, bytes_value=b"1234"))


def test_properties_must_pair_up_and_be_typed() -> None:
    odd = pb.PropertySet(keys=["Quality"])
    assert "1 keys and 0 values" in malformed(pb.Metric(name="m", datatype=3, int_value=1, properties=odd))
    untyped = pb.PropertySet(keys=["Quality"], values=[pb.PropertyValue(int_value=192)])
    assert "property 'Quality': type 0" in malformed(
        pb.Metric(name="m", datatype=3, int_value=1, properties=untyped)
    )
    quality = pb.PropertySet(keys=["Quality"], values=[pb.PropertyValue(type=3, int_value=192)])
    message = pb.Payload()
    message.metrics.add(name="m", datatype=3, int_value=1, properties=quality)
    assert decode(message.SerializeToString()).metrics[0].properties == {"Quality": 192}


def test_a_seq_beyond_255_and_text_that_is_not_utf8_are_malformed() -> None:
    with pytest.raises(MalformedPayload, match=r"seq 256: expected 0\.\.255"):
        decode(pb.Payload(seq=256).SerializeToString())
    with pytest.raises(MalformedPayload, match="with text in UTF-8"):
        decode(b"\x12\x04\x0a\x02\xff\xfe")


def test_data_sets_templates_and_unknown_fields_of_foreign_nodes_do_not_spoil_a_message() -> None:
    message = pb.Payload(timestamp=3, seq=1, body=b"vendor")
    message.metrics.add(name="rows", datatype=16).dataset_value.num_of_columns = 2
    message.metrics.add(name="_types_/motor", datatype=19).template_value.is_definition = True
    message.metrics.add(name="level", datatype=3, int_value=40)
    unknown = b"\xfa\x3f\x03abc"  # field 1023, as an extension of a later specification
    values = [metric.value for metric in decode(message.SerializeToString() + unknown).metrics]
    assert values == [None, None, 40]


def test_is_null_wins_over_a_value() -> None:
    message = pb.Payload()
    message.metrics.add(name="m", datatype=3, int_value=4, is_null=True)
    assert decode(message.SerializeToString()).metrics[0].value is None
