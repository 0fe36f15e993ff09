"""A Linux timer file descriptor; Python offers one only from 3.13 on."""

import ctypes
import os


class TimerDescriptor:
    """A timerfd on the monotonic clock with one deadline at a time; `fd` becomes readable when it expires.

    asyncio rounds its own timers up to whole milliseconds, which is longer than the silence between two
    Modbus frames.
    """

    def __init__(self) -> None:
        # PyDLL keeps the interpreter lock: releasing and taking it again costs more than these short calls.
        libc = ctypes.PyDLL(None, use_errno=True)
        self._settime = libc.timerfd_settime
        self.fd: int = libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        # One structure for the life of the timer: arming it must not allocate.
        self._setting = _TimerSetting(0, 0, 0, 0)
        self._reference = ctypes.byref(self._setting)

    def arm(self, deadline_s: float) -> None:
        """Expire when `time.monotonic()` reaches `deadline_s`; replaces the deadline set before.

        Raises:
            OSError: the kernel refused the deadline.
        """
        whole_s = int(deadline_s)
        self._setting.first_s = whole_s
        # One nanosecond more: an expiry of 0 s and 0 ns would disarm the timer.
        self._setting.first_ns = int((deadline_s - whole_s) * 1e9) + 1
        if self._settime(self.fd, _ABSOLUTE, self._reference, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def has_expired(self) -> bool:
        """Consume the expiry; False where the timer was armed again after the event loop saw it."""
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)


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
