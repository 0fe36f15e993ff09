"""Readings as InfluxDB line protocol: measurement and tag named after the kind, one field per attribute."""

from collections.abc import Iterable
from math import isfinite
from operator import attrgetter

from protocols.cabinet import DeviceReading
from protocols.clock import to_unix_ms
from protocols.device_kinds import CABINETS, LAMPS, kind_of

COUNTER_FIELD = "readings"
"""A field that is 1 in every reading, so that readings can be counted whatever else they hold."""


def encode(readings: Iterable[DeviceReading]) -> bytes:
    """Return one line per reading, times in ms; values that are missing or not finite are left out."""
    return "\n".join(map(_line, readings)).encode()


def _line(reading: DeviceReading) -> str:
    kind = kind_of(reading)
    attributes, values = _FIELDS[kind]
    fields = [f"{COUNTER_FIELD}=1i"]
    for attribute, value in zip(attributes, values(reading), strict=True):
        if value is not None and (text := _field_value(value)) is not None:
            fields.append(f"{attribute}={text}")
    series = f"{kind.name},{kind.name}={_tag(reading.device_id)}"
    return f"{series} {','.join(fields)} {to_unix_ms(reading.time)}"


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
    return text.replace("\n", "\\n")  # a line break would end the line, escaped or not


_FIELDS = {
    kind: (
        tuple(metric.attribute for metric in kind.metrics),
        attrgetter(*(metric.field for metric in kind.metrics)),
    )
    for kind in (LAMPS, CABINETS)
}
