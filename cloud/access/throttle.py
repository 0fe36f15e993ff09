"""Slowing down whoever guesses passwords."""

import threading
from collections import deque
from collections.abc import Callable

_WINDOW_S = 60.0
_MOST_FAILURES = 10  # within the window: a person who mistypes stays below, a list of passwords takes days
_MOST_NAMES = 10_000


class LoginThrottle:
    """Counts failed logins by username; `wall` gives seconds that only grow."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._failures: dict[str, deque[float]] = {}

    def wait_s(self, username: str) -> float:
        """Seconds until the next attempt for this name is heard; 0 when it is now."""
        with self._lock:
            failures = self._recent(username)
            if len(failures) < _MOST_FAILURES:
                return 0.0
            return failures[0] + _WINDOW_S - self._wall()

    def failed(self, username: str) -> None:
        """Note a failed attempt."""
        with self._lock:
            if len(self._failures) >= _MOST_NAMES:
                self._failures.clear()
            failures = self._failures.setdefault(username, deque(maxlen=_MOST_FAILURES))
            failures.append(self._wall())

    def _recent(self, username: str) -> deque[float]:
        failures = self._failures.get(username, deque())
        while failures and failures[0] <= self._wall() - _WINDOW_S:
            failures.popleft()
        return failures
