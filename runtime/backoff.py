"""Pauses between attempts to reach something that does not answer."""

import random
from collections.abc import Callable


class Backoff:
    """Exponential back-off with full jitter: each pause is drawn from 0 to a limit that doubles.

    `attempts` counts the pauses since the last success.

    Without the jitter all gateways of a regency would return to a restarted broker in the same instant
    (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015).
    """

    def __init__(
        self, first_s: float, longest_s: float, draw: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._draw = draw
        self.attempts = 0

    def pause_s(self) -> float:
        """Return the seconds to wait before the next attempt."""
        # The exponent is bounded: 2.0 ** 1024 would overflow after a month without a broker.
        limit_s = min(self._longest_s, self._first_s * 2.0 ** min(self.attempts, 32))
        self.attempts += 1
        return self._draw(0, limit_s)

    def reset(self) -> None:
        """Begin again with short pauses, after a success."""
        self.attempts = 0
