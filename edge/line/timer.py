"""A timer that is exact to a small part of a millisecond; the event loop rounds its own up to whole ones."""

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from runtime.timerfd import TimerDescriptor


class Timer(Protocol):
    """One deadline at a time."""

    def set(self, deadline_s: float) -> None:
        """Call back when `time.monotonic()` reaches `deadline_s`; replaces the deadline set before."""
        ...

    def close(self) -> None:
        """Cancel the deadline for good."""
        ...


def open_timer(expired: Callable[[], None]) -> Timer:
    """Return a timer on the running event loop that calls `expired`."""
    # The event loop's own timer is late by up to a millisecond, which is half a silence at 19200 baud.
    loop = asyncio.get_running_loop()
    return _DescriptorTimer(loop, expired) if sys.platform == "linux" else _LoopTimer(loop, expired)


class _LoopTimer:
    """The event loop's own timer, for systems without timerfd."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._handle: asyncio.TimerHandle | None = None

    def set(self, deadline_s: float) -> None:
        self.close()
        self._handle = self._loop.call_at(deadline_s, self._expired)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class _DescriptorTimer:
    """A timerfd watched by the event loop: late by some tens of microseconds only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._descriptor = TimerDescriptor()
        loop.add_reader(self._descriptor.fd, self._on_readable)

    def set(self, deadline_s: float) -> None:
        self._descriptor.arm(deadline_s)

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor.fd)
        self._descriptor.close()

    def _on_readable(self) -> None:
        # A deadline that was replaced after the descriptor became readable must not call back early.
        if self._descriptor.has_expired():
            self._expired()
