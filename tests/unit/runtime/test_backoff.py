"""Exponential back-off."""

from runtime.backoff import Backoff


def longest(_shortest_s: float, limit_s: float) -> float:
    return limit_s


def test_the_limit_doubles_up_to_the_longest_pause() -> None:
    backoff = Backoff(1.0, 10.0, longest)
    assert [backoff.pause_s() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert backoff.attempts == 6


def test_a_success_begins_again() -> None:
    backoff = Backoff(1.0, 10.0, longest)
    backoff.pause_s()
    backoff.pause_s()
    backoff.reset()
    assert (backoff.attempts, backoff.pause_s()) == (0, 1.0)


def test_a_month_of_attempts_does_not_overflow() -> None:
    backoff = Backoff(0.5, 60.0, longest)
    assert max(backoff.pause_s() for _ in range(50_000)) == 60.0


def test_pauses_are_spread() -> None:
    backoff = Backoff(8.0, 8.0)
    pauses = [backoff.pause_s() for _ in range(200)]
    assert all(0 <= pause <= 8.0 for pause in pauses)
    assert len(set(pauses)) > 100
