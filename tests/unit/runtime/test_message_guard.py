"""Tests of runtime.message_guard."""

import asyncio

import pytest
import structlog
from structlog.testing import capture_logs

from runtime.message_guard import MessageGuard


class SessionEndedError(Exception):
    """An error that a subscriber raises on purpose."""


def failing(guard: MessageGuard, topic: str, error: BaseException) -> None:
    with guard.message(topic):
        raise error


def test_an_error_costs_the_message_and_is_counted() -> None:
    counted: list[None] = []
    guard = MessageGuard(structlog.get_logger(), lambda: counted.append(None), gateway="soreang-01")
    with capture_logs() as logs:
        failing(guard, "a", ZeroDivisionError("1/0"))
    assert len(counted) == 1
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("message_failed", "error")
    assert (line["topic"], line["gateway"], line["error"]) == ("a", "soreang-01", "ZeroDivisionError: 1/0")
    assert isinstance(line["exc_info"], ZeroDivisionError)


def test_a_topic_is_logged_once_and_counted_each_time() -> None:
    counted: list[None] = []
    guard = MessageGuard(structlog.get_logger(), lambda: counted.append(None))
    with capture_logs() as logs:
        for topic in ("a", "b", "a", "a"):
            failing(guard, topic, RecursionError())
    assert len(counted) == 4
    assert [line["topic"] for line in logs] == ["a", "b"]


def test_what_is_kept_about_topics_is_bounded() -> None:
    guard = MessageGuard(structlog.get_logger())
    with capture_logs() as logs:
        for number in range(2_000):
            failing(guard, f"t{number}", ValueError())
        failing(guard, "t0", ValueError())
    assert len(logs) == 2_001  # "t0" was forgotten and is logged again


@pytest.mark.parametrize("error", [SessionEndedError(), asyncio.CancelledError(), KeyboardInterrupt()])
def test_what_is_meant_to_end_a_subscriber_passes(error: BaseException) -> None:
    counted: list[None] = []
    guard = MessageGuard(structlog.get_logger(), lambda: counted.append(None), pass_on=(SessionEndedError,))
    with capture_logs() as logs, pytest.raises(type(error)):
        failing(guard, "a", error)
    assert not logs
    assert not counted
