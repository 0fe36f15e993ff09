"""What counts as a stall, and what does not."""

import pytest

from edge.supervision.liveness import Progress, StallDetector
from edge.supervision.systemd import SystemdNotifier


def stalled_at(detector: StallDetector, progress: Progress, *, seconds: range) -> list[int]:
    """Return at which of these seconds the component counts as stalled, if its progress never changes."""
    return [at for at in seconds if detector.stalled([progress], float(at))]


def test_no_progress_for_longer_than_allowed_is_a_stall() -> None:
    assert stalled_at(StallDetector(), Progress("line", 7, 30.0), seconds=range(0, 50, 10)) == [30, 40]


def test_what_has_nothing_to_do_or_cannot_never_stalls() -> None:
    assert stalled_at(StallDetector(), Progress("line", 7, None), seconds=range(0, 100_000, 1000)) == []


def test_each_progress_restarts_the_time() -> None:
    detector = StallDetector()
    for at in range(0, 300, 29):
        assert detector.stalled([Progress("line", at, 30.0)], float(at)) == ()


def test_the_time_it_was_idle_does_not_count_once_it_has_work() -> None:
    detector = StallDetector()
    detector.stalled([Progress("line", 7, 240.0)], 0.0)
    assert detector.stalled([Progress("line", 7, 30.0)], 100.0) == ()
    assert detector.stalled([Progress("line", 7, 30.0)], 130.0) == ("line",)
    assert detector.stalled([Progress("line", 8, 30.0)], 140.0) == ()


def test_only_the_component_that_stalled_is_named() -> None:
    detector = StallDetector()
    for at in range(0, 40, 10):
        named = detector.stalled([Progress("one", at, 30.0), Progress("two", 0, 30.0)], float(at))
    assert named == ("two",)


def test_a_gateway_that_was_restarted_starts_without_a_stall() -> None:
    detector = StallDetector()
    detector.stalled([Progress("line", 7, 30.0)], 0.0)
    detector.stalled([], 20.0)
    assert detector.stalled([Progress("line", 7, 30.0)], 40.0) == ()


def test_the_notifier_finds_a_stall_and_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, progress = iter((0.0, 10.0, 30.0, 40.0, 50.0)), [Progress("line", 7, 30.0)]
    monkeypatch.setattr("edge.supervision.systemd.time.monotonic", lambda: next(clock))
    notifier = SystemdNotifier({}, lambda: progress)
    assert [notifier.find_stalls() for _ in range(4)] == [(), (), ("line",), ("line",)]
    progress[0] = Progress("line", 8, 30.0)
    assert notifier.find_stalls() == ()
