"""A failure is in the log once when it begins and once when it ends."""

import structlog
from structlog.testing import capture_logs

from runtime.failure_reporter import FailureReporter, KeyedFailureReporter

log = structlog.get_logger(__name__)


def test_a_failure_is_reported_once_and_so_is_its_end() -> None:
    reporter = FailureReporter(log, "disk_full", "disk_has_room", path="/var/lib/outbox.db")

    with capture_logs() as lines:
        reported = [reporter.failed(OSError("no space left"), waiting=3), reporter.failed(OSError("still"))]
        assert reporter.is_failing
        reported += [reporter.recovered(waiting=7), reporter.recovered()]

    assert reported == [True, False, True, False]
    assert not reporter.is_failing
    assert lines == [
        {
            "event": "disk_full",
            "log_level": "error",
            "path": "/var/lib/outbox.db",
            "error": "no space left",
            "waiting": 3,
        },
        {"event": "disk_has_room", "log_level": "info", "path": "/var/lib/outbox.db", "waiting": 7},
    ]


def test_a_second_failure_is_reported_again() -> None:
    reporter = FailureReporter(log, "broker_unreachable", "broker_reachable", level="warning")

    with capture_logs() as lines:
        reporter.failed("refused")
        reporter.recovered()
        reporter.failed("timed out")

    assert [(line["event"], line.get("error"), line["log_level"]) for line in lines] == [
        ("broker_unreachable", "refused", "warning"),
        ("broker_reachable", None, "info"),
        ("broker_unreachable", "timed out", "warning"),
    ]


def test_nothing_is_said_while_nothing_fails() -> None:
    with capture_logs() as lines:
        assert not FailureReporter(log, "failed", "recovered").recovered()
        assert not KeyedFailureReporter(log, "failed", "recovered", key="device").recovered("L1")

    assert lines == []


def test_each_of_many_fails_and_recovers_by_itself() -> None:
    reporter = KeyedFailureReporter(log, "polls_refused", "polls_accepted", key="device", level="warning")

    with capture_logs() as lines:
        reporter.failed("L1", "illegal address")
        reporter.failed("L2", "illegal function")
        reporter.failed("L1", "illegal address")
        assert reporter.failing == {"L1", "L2"}
        reporter.recovered("L2")

    assert reporter.failing == {"L1"}
    assert [(line["event"], line["device"], line["log_level"]) for line in lines] == [
        ("polls_refused", "L1", "warning"),
        ("polls_refused", "L2", "warning"),
        ("polls_accepted", "L2", "info"),
    ]
