"""Values and errors of the mapping: what clients with other Sparkplug types may send, and what is refused."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from protocols.clock import to_unix_ms
from protocols.sparkplug.payload import MetricValue
from protocols.sparkplug.values import Value


class InvalidMetrics(ValueError):  # noqa: N818 - named for the condition
    """Metrics that say nothing Lentera understands: names metric, value and what was expected."""


class InvalidReading(InvalidMetrics):
    """A lamp's data that is no reading."""


class InvalidCommand(InvalidMetrics):
    """A command that cannot be carried out as it stands; nothing is changed by it."""


class InvalidRecord(InvalidMetrics):
    """An event, result, position or acknowledgement that cannot be read."""


LAST_MS: Final = to_unix_ms(datetime(9999, 1, 1, tzinfo=UTC))
"""The latest instant taken: what lies beyond is no date."""


def integer(value: Value) -> int:
    """The whole number that another client may have sent as a float; raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError("a whole number")


def number(value: Value) -> float:
    """A finite number; raises ValueError."""
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError("a finite number")
        return value
    return float(integer(value))


def single(value: Value) -> float:
    """A finite number that travelled as float32; raises ValueError."""
    # Below 16384 three decimals are within the 24 bits of a float32: this restores what the controller said.
    return round(number(value), 3)


def value_of(metrics: Iterable[MetricValue], name: str) -> Value:
    """The value of the metric called `name`; None when it is null or absent."""
    return next((metric.value for metric in metrics if metric.name == name), None)
