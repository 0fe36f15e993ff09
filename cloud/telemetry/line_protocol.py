"""Readings as InfluxDB line protocol: measurement `lamp`, tag `lamp`, one field per attribute."""

from collections.abc import Iterable
from math import isfinite
from operator import attrgetter

from protocols.clock import to_unix_ms
from protocols.lamp import LampReading
from protocols.metrics import LAMP_METRICS

MEASUREMENT = "lamp"
COUNTER_FIELD = "readings"
"""A field that is 1 in every reading, so that readings can be counted whatever else they hold."""


def encode(readings: Iterable[LampReading]) -> bytes:
    """One line per reading, times in milliseconds; values that are missing or not finite are left out."""
    return "\n".join(map(_line, readings)).encode()


def _line(reading: LampReading) -> str:
    fields = [f"{COUNTER_FIELD}=1i"]
    for attribute, value in zip(_ATTRIBUTES, _VALUES(reading), strict=True):
        if value is not None and (text := _field_value(value)) is not None:
            fields.append(f"{attribute}={text}")
    return f"{MEASUREMENT},lamp={_tag(reading.lamp_id)} {','.join(fields)} {to_unix_ms(reading.time)}"


def _field_value(value: float | bool | str) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        return repr(value) if isfinite(value) else None
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _tag(text: str) -> str:
    for special in ", =":
        text = text.replace(special, f"\\{special}")
    return text.replace("\n", "\\n")  # a line break would end the line, whatever stands before it


_ATTRIBUTES = tuple(metric.attribute for metric in LAMP_METRICS)
_VALUES = attrgetter(*(metric.field for metric in LAMP_METRICS))
