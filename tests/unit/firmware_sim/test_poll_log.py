"""The journal keeps the last polls of each lamp, as they were answered."""

import pytest

from firmware_sim.poll_log import AnsweredPoll, PollLog
from firmware_sim.wire.frames import build_frame


def reply(level: int, power_dw: int) -> bytes:
    words = [level, level, 0, 2300, 400, power_dw, *[0] * 10]
    return build_frame(1, bytes((4, 32)) + b"".join(word.to_bytes(2, "big") for word in words))


def test_polls_come_back_as_answered() -> None:
    journal = PollLog(["a", "b"], capacity=1000)
    journal.record("a", 1_750_000_000.1239, reply(50, 471))
    journal.record("a", 1_750_000_060.0, reply(0xFFFF, 8))
    assert journal.polls("a") == [
        AnsweredPoll(1_750_000_000_123, 50, 47.1),
        AnsweredPoll(1_750_000_060_000, None, 0.8),
    ]
    assert journal.polls("b") == []


def test_a_short_read_leaves_the_power_unknown() -> None:
    journal = PollLog(["a"], capacity=1000)
    journal.record("a", 1.0, build_frame(1, b"\x04\x02\x00\x32"))
    assert journal.polls("a") == [AnsweredPoll(1000, 50, None)]


def test_only_the_last_ones_are_kept() -> None:
    journal = PollLog(["a"], capacity=300)
    for second in range(2000):
        journal.record("a", second, reply(1, 1))
    polls = journal.polls("a")
    assert len(polls) == 300
    assert polls[-1].time_ms == 1_999_000
    assert polls[0].time_ms == 1_700_000


def test_an_unknown_lamp_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        PollLog(["a"], 10).polls("b")
