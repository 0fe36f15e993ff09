"""Converts lighting plans, and what gateways report about them, to and from metrics."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from protocols.mapping.values import InvalidRecord, value_of
from protocols.metrics import PLAN_DOCUMENT, PLAN_HASH, PLAN_PROBLEM
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MetricValue

LONGEST_PROBLEM: Final = 500
"""Characters of a problem that are sent. Our choice: it names the field and leaves room in the message."""

_LARGEST_TIME_MS = 2**53


@dataclass(frozen=True, slots=True)
class PlanState:
    """The hash of the plan document in force, empty for the built-in plan, and why the newest was refused."""

    hash: str = ""
    problem: str = ""


def plan_metrics(document: bytes, now_ms: int | None = None) -> list[MetricValue]:
    """Return the metrics of an NCMD: the plan to follow from now on."""
    return [MetricValue(PLAN_DOCUMENT, None, DataType.STRING, document.decode(), now_ms)]


def plan_from(metrics: Iterable[MetricValue]) -> bytes | None:
    """Return the plan document in a node command; None when it holds none.

    Raises:
        InvalidRecord: the metric is not a text.
    """
    text = _text(metrics, PLAN_DOCUMENT)
    return None if text is None else text.encode()


def plan_issued_ms(metrics: Iterable[MetricValue]) -> int:
    """Return when the cloud sent the plan in a node command, in Unix ms; 0 where that is not given."""
    time_ms = next((each.timestamp_ms for each in metrics if each.name == PLAN_DOCUMENT), None)
    return time_ms if time_ms is not None and 0 < time_ms < _LARGEST_TIME_MS else 0


def plan_state_metrics(plan_hash: str, problem: str, now_ms: int | None = None) -> list[MetricValue]:
    """Return what a gateway reports about its plan in its birth, and in NDATA on a change."""
    return [
        MetricValue(PLAN_HASH, None, DataType.STRING, plan_hash, now_ms),
        MetricValue(PLAN_PROBLEM, None, DataType.STRING, problem[:LONGEST_PROBLEM], now_ms),
    ]


def plan_state_from(metrics: Sequence[MetricValue]) -> PlanState | None:
    """Return the state of the plan in a gateway's data; None when it is not part of it.

    Raises:
        InvalidRecord: a metric is not a text.
    """
    plan_hash = _text(metrics, PLAN_HASH)
    return None if plan_hash is None else PlanState(plan_hash, _text(metrics, PLAN_PROBLEM) or "")


def _text(metrics: Iterable[MetricValue], name: str) -> str | None:
    value = value_of(metrics, name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidRecord(f"{name}: {value!r}, expected a text")
