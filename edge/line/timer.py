"""A timer true to a small part of a millisecond; the event loop's own are rounded up to whole ones."""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """One deadline at a time."""

    def set(self, deadline_s: float) -> None:
        """Call back when `time.monotonic()` reaches `deadline_s`, and not at the deadline set before."""
        ...

    def close(self) -> None:
        """Call back no more."""
        ...


def open_timer(expired: Callable[[], None]) -> Timer:
    """A timer on the running event loop that calls `expired`."""
    loop = asyncio.get_running_loop()
    return _DescriptorTimer(loop, expired) if sys.platform == "linux" else _LoopTimer(loop, expired)


class _LoopTimer:
    """What every platform has."""

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
    """A Linux timerfd, which Python has only from 3.13 on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        # PyDLL keeps the interpreter's lock, which a call as short as this is not worth giving away.
        libc = ctypes.PyDLL(None, use_errno=True)
        self._settime = libc.timerfd_settime
        self._fd: int = libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._setting = _TimerSetting(0, 0, 0, 0)
        self._reference = ctypes.byref(self._setting)
        loop.add_reader(self._fd, self._on_readable)

    def set(self, deadline_s: float) -> None:
        whole = int(deadline_s)
        self._setting.first_s = whole
        self._setting.first_ns = int((deadline_s - whole) * 1e9) + 1
        if self._settime(self._fd, _ABSOLUTE, self._reference, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _on_readable(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # set anew since the loop saw it
        self._expired()


class _TimerSetting(ctypes.Structure):
    """`struct itimerspec`: interval and first expiry."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("first_s", ctypes.c_long),
        ("first_ns", ctypes.c_long),
    )


_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
