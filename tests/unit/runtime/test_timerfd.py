"""The timer file descriptor of Linux."""

import select
import sys
import time

import pytest

from runtime.timerfd import TimerDescriptor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="timerfd exists on Linux only")
_PATIENCE_S = 30.0


def test_it_expires_at_its_deadline_and_not_before() -> None:
    timer = TimerDescriptor()
    deadline_s = time.monotonic() + 0.02
    timer.arm(deadline_s)
    assert select.select([timer.fd], [], [], _PATIENCE_S)[0] == [timer.fd]
    assert time.monotonic() >= deadline_s
    assert timer.has_expired()
    assert not timer.has_expired()
    timer.close()


def test_a_new_deadline_replaces_the_one_before() -> None:
    timer = TimerDescriptor()
    timer.arm(time.monotonic())
    assert select.select([timer.fd], [], [], _PATIENCE_S)[0]
    timer.arm(time.monotonic() + 3600)
    assert not timer.has_expired()
    timer.close()


def test_a_deadline_in_the_past_expires_at_once() -> None:
    timer = TimerDescriptor()
    timer.arm(time.monotonic() - 1)
    assert select.select([timer.fd], [], [], _PATIENCE_S)[0]
    timer.close()
