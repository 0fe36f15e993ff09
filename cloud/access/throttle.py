"""Slowing down the guessing of passwords."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WINDOW_S = 60.0
_MOST_KEYS = 10_000
_HASHING = 2  # argon2 takes 64 MiB and a core for each password it works on
_WAITING = 8  # requests wait in threads that every other request needs too


class LoginThrottle:
    """Counts failed logins by a key, such as a name or an address; `wall` gives seconds that only grow."""

    def __init__(self, wall: Callable[[], float], most_failures: int) -> None:
        self._wall = wall
        self._most_failures = most_failures
        self._lock = threading.Lock()
        self._failures: dict[str, deque[float]] = {}

    def wait_s(self, key: str) -> float:
        """Return the seconds until the next attempt for this key is allowed; 0 when it is now."""
        with self._lock:
            failures = self._failures.get(key, deque())
            while failures and failures[0] <= self._wall() - _WINDOW_S:
                failures.popleft()
            if len(failures) < self._most_failures:
                return 0.0
            return failures[0] + _WINDOW_S - self._wall()

    def failed(self, key: str) -> None:
        """Note a failed attempt; where there are too many keys, the one longest quiet is forgotten."""
        with self._lock:
            failures = self._failures.pop(key, None) or deque(maxlen=self._most_failures)
            failures.append(self._wall())
            if len(self._failures) >= _MOST_KEYS:
                del self._failures[next(iter(self._failures))]
            self._failures[key] = failures


class HashingQueue:
    """Keeps the number of passwords that are worked on, and that wait for it, small."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(_HASHING + _WAITING)
        self._hashing = threading.BoundedSemaphore(_HASHING)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Wait for a free place; yield False at once where too many wait already."""
        if not self._places.acquire(blocking=False):
            yield False
            return
        try:
            with self._hashing:
                yield True
        finally:
            self._places.release()
