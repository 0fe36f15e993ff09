"""How the value of each Sparkplug data type is stored in the few fields of the protobuf."""

import struct
from typing import Final

from protocols.sparkplug.datatypes import DataType

Value = int | float | bool | str | bytes | list[int] | None


class WrongValue(ValueError):  # noqa: N818 - named for the condition
    """A value that does not fit its data type; the message names the value and what was expected."""


_INT_BITS: Final = {
    DataType.INT8: 8,
    DataType.INT16: 16,
    DataType.INT32: 32,
    DataType.INT64: 64,
}
_UINT_BITS: Final = {
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
    DataType.DATETIME: 64,
}
_ARRAY_FORMATS: Final = {
    DataType.INT8_ARRAY: "b",
    DataType.INT16_ARRAY: "h",
    DataType.INT32_ARRAY: "i",
    DataType.INT64_ARRAY: "q",
    DataType.UINT8_ARRAY: "B",
    DataType.UINT16_ARRAY: "H",
    DataType.UINT32_ARRAY: "I",
    DataType.UINT64_ARRAY: "Q",
    DataType.DATETIME_ARRAY: "q",
}
_BYTES: Final = frozenset(
    {
        DataType.BYTES,
        DataType.FILE,
        DataType.FLOAT_ARRAY,
        DataType.DOUBLE_ARRAY,
        DataType.BOOLEAN_ARRAY,
        DataType.STRING_ARRAY,
    }
)
_TEXT: Final = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})

OPAQUE: Final = frozenset(
    {DataType.DATA_SET, DataType.TEMPLATE, DataType.PROPERTY_SET, DataType.PROPERTY_SET_LIST}
)
"""Types whose values Lentera does not read; they decode as None and cannot be encoded."""

FIELD_OF: Final[dict[DataType, str]] = {
    **{kind: "int_value" if bits <= 32 else "long_value" for kind, bits in (_INT_BITS | _UINT_BITS).items()},
    **dict.fromkeys(_TEXT, "string_value"),
    **dict.fromkeys([*_BYTES, *_ARRAY_FORMATS], "bytes_value"),
    DataType.FLOAT: "float_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    **dict.fromkeys(OPAQUE, ""),
}
"""The member of the protobuf's `value` that holds each type."""

_MAX_FLOAT32: Final = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]


def to_wire(value: Value, datatype: DataType) -> int | float | bool | str | bytes:
    """Return the value as its protobuf field holds it; negative integers in two's complement.

    Raises:
        WrongValue: the value does not fit its type.
    """
    if datatype in _INT_BITS or datatype in _UINT_BITS:
        return _integer_to_wire(value, datatype)
    if datatype is DataType.FLOAT or datatype is DataType.DOUBLE:
        return _float_to_wire(value, datatype)
    if datatype is DataType.BOOLEAN:
        if isinstance(value, bool):
            return value
    elif datatype in _TEXT:
        if isinstance(value, str):
            return value
    elif datatype in _BYTES:
        if isinstance(value, bytes):
            return value
    elif isinstance(value, list) and datatype in _ARRAY_FORMATS:
        return _array_to_wire(value, datatype)
    raise _wrong(value, datatype)


def _integer_to_wire(value: Value, datatype: DataType) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(value, datatype)
    bits = _INT_BITS.get(datatype)
    if bits is None:
        low, high = 0, 1 << _UINT_BITS[datatype]
    else:
        low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    if not low <= value < high:
        raise WrongValue(f"{value}, expected {datatype.name} in {low}..{high - 1}")
    return value if value >= 0 else value + (1 << max(32, high.bit_length()))


def _float_to_wire(value: Value, datatype: DataType) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _wrong(value, datatype)
    # Comparing with the largest finite float lets infinity and NaN, which FLOAT has, pass.
    if datatype is DataType.FLOAT and _MAX_FLOAT32 < abs(value) < float("inf"):
        raise WrongValue(f"{value}, expected FLOAT within ±{_MAX_FLOAT32:.8g}")
    return float(value)


def _array_to_wire(value: list[int], datatype: DataType) -> bytes:
    try:
        return struct.pack(f"<{len(value)}{_ARRAY_FORMATS[datatype]}", *value)
    except struct.error as error:
        raise WrongValue(f"{value}, expected {datatype.name} ({error})") from error


def from_wire(raw: Value, datatype: DataType) -> Value:
    """Return the value of a protobuf field in the given type.

    Raises:
        WrongValue: the field is not that of the type, or the value is out of its range.
    """
    kind = type(raw)
    if datatype is DataType.FLOAT or datatype is DataType.DOUBLE:
        if kind is float:
            return raw
    elif kind is int:
        return _integer_from_wire(raw, datatype)  # type: ignore[arg-type]
    elif kind is bool:
        if datatype is DataType.BOOLEAN:
            return raw
    elif kind is str:
        if datatype in _TEXT:
            return raw
    elif isinstance(raw, bytes):
        return _bytes_from_wire(raw, datatype)
    if datatype in OPAQUE:
        return None
    raise _wrong(raw, datatype)


def _integer_from_wire(raw: int, datatype: DataType) -> int:
    bits = _UINT_BITS.get(datatype)
    if bits is not None:
        if raw >> bits:
            raise WrongValue(f"{raw}, expected {datatype.name} in 0..{(1 << bits) - 1}")
        return raw
    bits = _INT_BITS.get(datatype)
    if bits is None:
        raise _wrong(raw, datatype)
    # Some encoders send small negative values sign-extended to 32 or 64 bits, others with their own width.
    for width in (bits, 32, 64):
        if not raw >> width:
            signed = raw - (1 << width) if raw >> (width - 1) else raw
            if -(1 << (bits - 1)) <= signed < 1 << (bits - 1):
                return signed
    raise WrongValue(f"{raw}, expected {datatype.name} of {bits} bits")


def _bytes_from_wire(raw: bytes, datatype: DataType) -> Value:
    if datatype in _BYTES:
        return raw
    letter = _ARRAY_FORMATS.get(datatype)
    if letter is None:
        raise _wrong(raw, datatype)
    count, rest = divmod(len(raw), struct.calcsize(f"<{letter}"))
    if rest:
        raise WrongValue(f"{len(raw)} bytes, expected whole items of {datatype.name}")
    return list(struct.unpack(f"<{count}{letter}", raw))


def _wrong(value: Value, datatype: DataType) -> WrongValue:
    return WrongValue(f"{value!r} ({type(value).__name__}), expected {datatype.name}")
