"""The times of an RS-485 line, and a timer that is precise enough for them."""

import asyncio
import heapq
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass

from runtime.timerfd import TimerDescriptor

CHARACTER_BITS = 11


@dataclass(frozen=True, slots=True)
class SimulatedWireTiming:
    """The time of characters and silences at a baud rate; a baud of 0 is a wire without time."""

    baud: int
    turnaround_s: tuple[float, float] = (0.003, 0.008)

    @property
    def character_s(self) -> float:
        """One character of 11 bits."""
        return CHARACTER_BITS / self.baud if self.baud else 0.0

    @property
    def silence_s(self) -> float:
        """3.5 characters between frames; fixed above 19200 baud, as the serial line specification has it."""
        if not self.baud:
            return 0.0
        return 3.5 * self.character_s if self.baud <= 19200 else 0.00175


class WireTimer:
    """Calls back at monotonic deadlines: never before, and a small part of a millisecond after.

    The event loop's own timers round up to whole milliseconds; on Linux a timer file descriptor does not.
    Elsewhere the event loop's timers have to do.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._descriptor: TimerDescriptor | None = None

    def start(self) -> None:
        """Open the timer."""
        if sys.platform == "linux":
            self._descriptor = TimerDescriptor()
            self._loop.add_reader(self._descriptor.fd, self._expired, self._descriptor)

    def close(self) -> None:
        """Drop all callbacks and close the timer."""
        self._heap.clear()
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor.fd)
            self._descriptor.close()
            self._descriptor = None

    def call_at(self, deadline_s: float, callback: Callable[[], None]) -> None:
        """Call `callback` when `time.monotonic()` reaches `deadline_s`."""
        if self._descriptor is None:
            self._loop.call_at(deadline_s, callback)
            return
        heapq.heappush(self._heap, (deadline_s, next(self._order), callback))
        if self._heap[0][0] == deadline_s:
            self._descriptor.arm(deadline_s)

    def _expired(self, descriptor: TimerDescriptor) -> None:
        if not descriptor.has_expired():
            return
        heap = self._heap
        while heap and heap[0][0] <= self._loop.time():
            heapq.heappop(heap)[2]()
        if heap:
            descriptor.arm(heap[0][0])
