"""What counts as stuck, and what does not."""

import pytest

from edge.supervision.liveness import Progress, StallDetector
from edge.supervision.systemd import Watchdog


def stuck_after(vigil: StallDetector, pulse: Progress, *, seconds: range) -> list[int]:
    """At which of these seconds the part counts as stuck, when it looks like this all the time."""
    return [at for at in seconds if vigil.stuck([pulse], float(at))]


def test_what_stands_still_longer_than_it_may_is_stuck() -> None:
    assert stuck_after(StallDetector(), Progress("line", 7, 30.0), seconds=range(0, 50, 10)) == [30, 40]


def test_what_has_nothing_to_do_or_cannot_may_stand_still_for_ever() -> None:
    assert stuck_after(StallDetector(), Progress("line", 7, None), seconds=range(0, 100_000, 1000)) == []


def test_each_beat_begins_the_time_anew() -> None:
    vigil = StallDetector()
    for at in range(0, 300, 29):
        assert vigil.stuck([Progress("line", at, 30.0)], float(at)) == ()


def test_the_time_it_was_idle_does_not_count_once_it_has_work() -> None:
    vigil = StallDetector()
    vigil.stuck([Progress("line", 7, 240.0)], 0.0)
    assert vigil.stuck([Progress("line", 7, 30.0)], 100.0) == ()
    assert vigil.stuck([Progress("line", 7, 30.0)], 130.0) == ("line",)
    assert vigil.stuck([Progress("line", 8, 30.0)], 140.0) == ()


def test_only_the_part_that_is_stuck_is_named() -> None:
    vigil = StallDetector()
    for at in range(0, 40, 10):
        named = vigil.stuck([Progress("one", at, 30.0), Progress("two", 0, 30.0)], float(at))
    assert named == ("two",)


def test_a_gateway_that_was_started_again_begins_anew() -> None:
    vigil = StallDetector()
    vigil.stuck([Progress("line", 7, 30.0)], 0.0)
    vigil.stuck([], 20.0)
    assert vigil.stuck([Progress("line", 7, 30.0)], 40.0) == ()


def test_the_watchdog_does_not_beat_for_what_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, pulses = iter((0.0, 10.0, 30.0, 40.0, 50.0)), [Progress("line", 7, 30.0)]
    monkeypatch.setattr("edge.supervision.systemd.time.monotonic", lambda: next(clock))
    watchdog = Watchdog({}, lambda: pulses)
    assert [watchdog._all_goes_on() for _ in range(4)] == [True, True, False, False]
    pulses[0] = Progress("line", 8, 30.0)
    assert watchdog._all_goes_on()
