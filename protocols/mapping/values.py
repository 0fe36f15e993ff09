"""Values and errors of the mapping: what clients with other Sparkplug types may send, and what is refused."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from protocols.clock import to_unix_ms
from protocols.sparkplug.payload import MetricValue
from protocols.sparkplug.values import Value


class InvalidMetrics(ValueError):  # noqa: N818 - named for the condition
    """Metrics that Lentera can't use: names metric, value and what was expected."""


class InvalidReading(InvalidMetrics):
    """A lamp's data that is no reading."""


class InvalidCommand(InvalidMetrics):
    """A command that cannot be carried out as it is; it changes nothing."""


class InvalidRecord(InvalidMetrics):
    """An event, result, position or acknowledgement that cannot be read."""


LAST_MS: Final = to_unix_ms(datetime(9999, 1, 1, tzinfo=UTC))
"""The latest instant taken: what lies beyond is no date."""


def integer(value: Value) -> int:
    """Return the whole number that another client may have sent as a float.

    Raises:
        ValueError: the value is none; the message says what was expected.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError("a whole number")


def number(value: Value) -> float:
    """Return a finite number.

    Raises:
        ValueError: the value is none; the message says what was expected.
    """
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError("a finite number")
        return value
    return float(integer(value))


def single(value: Value) -> float:
    """Return a finite number that was sent as float32, rounded to three decimals.

    Raises:
        ValueError: the value is none; the message says what was expected.
    """
    # Below 16384 three decimals are within the 24 bits of a float32: this restores what the controller sent.
    return round(number(value), 3)


def value_of(metrics: Iterable[MetricValue], name: str) -> Value:
    """Return the value of the metric called `name`; None when it is null or absent."""
    return next((metric.value for metric in metrics if metric.name == name), None)
