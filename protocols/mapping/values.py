"""Values as clients with other Sparkplug types may send them, and the errors of the mapping."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from protocols.clock import to_unix_ms
from protocols.sparkplug.payload import MetricValue
from protocols.sparkplug.values import Value


class InvalidMetrics(ValueError):  # noqa: N818 - named for the condition
    """Metrics that cannot be used; the message names metric, value and what was expected."""


class InvalidReading(InvalidMetrics):
    """Data of a device that is not a reading."""


class InvalidCommand(InvalidMetrics):
    """A command that is incomplete or wrong; it changes nothing."""


class InvalidRecord(InvalidMetrics):
    """An event, result, position or acknowledgement that cannot be read."""


LAST_MS: Final = to_unix_ms(datetime(9999, 1, 1, tzinfo=UTC))
"""The latest instant accepted, in Unix ms: `datetime` ends a year later."""


def integer(value: Value) -> int:
    """Return a whole number, which other clients may send as a float.

    Raises:
        ValueError: it is none; the message is what was expected, without the value.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError("a whole number")


def number(value: Value) -> float:
    """Return a finite number.

    Raises:
        ValueError: it is none; the message is what was expected, without the value.
    """
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError("a finite number")
        return value
    return float(integer(value))


def single(value: Value) -> float:
    """Return a finite number that was sent as a float32, with three decimals.

    Raises:
        ValueError: as for `number`.
    """
    # Below 16384 the 24 bits of a float32 hold three decimals: rounding restores the controller's value.
    return round(number(value), 3)


def value_of(metrics: Iterable[MetricValue], name: str) -> Value:
    """Return the value of the metric called `name`; None when it is null or absent."""
    return next((metric.value for metric in metrics if metric.name == name), None)
