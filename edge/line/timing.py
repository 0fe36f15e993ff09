"""The clockwork of a line in wall seconds: characters, silence, and how long each unit takes to answer."""

from dataclasses import dataclass

_FASTEST_TIMEOUT_S = 0.2
_FASTEST_PROBE_S = 0.015
_SLOWEST_TIMEOUT_S = 1.0
_BITS_PER_CHARACTER = 11


@dataclass(frozen=True, slots=True)
class WireTiming:
    """What a baud rate means, in seconds; characters and silence take none off a serial wire.

    `longest_queue_s` is how long a request may have to wait behind one without an answer, in what stands
    between: as long as late answers show, and no longer than this.
    """

    character_s: float
    silence_s: float
    broadcast_pause_s: float
    longest_queue_s: float = 0.0

    def duration_s(self, size: int) -> float:
        """How long `size` bytes take on the wire."""
        return size * self.character_s


OFF_WIRE = WireTiming(character_s=0.0, silence_s=0.0, broadcast_pause_s=0.1, longest_queue_s=5.0)
"""Modbus TCP: a converter asks its line one thing at a time, and gives a silent device up when it likes."""


def serial_timing(baud: int) -> WireTiming:
    """Silence of 3.5 characters, fixed at 1.75 ms above 19200 baud; 100 ms to digest a broadcast."""
    character_s = _BITS_PER_CHARACTER / baud
    silence_s = 3.5 * character_s if baud <= 19200 else 0.00175
    return WireTiming(character_s, silence_s, broadcast_pause_s=0.1)


class ResponseTime:
    """One unit's time to answer, learned as TCP learns its retransmission timeout (RFC 6298).

    The first timeout is what its line is configured with: one that is longer than usual stays possible.
    """

    def __init__(self, first_timeout_s: float) -> None:
        self._slowest_s = max(_SLOWEST_TIMEOUT_S, first_timeout_s)
        self._mean_s: float | None = None
        self._deviation_s = 0.0
        self._wanted_s = 0.0
        self._timeout_s = first_timeout_s

    @property
    def timeout_s(self) -> float:
        """How long to wait for this unit's first byte before giving it up."""
        return self._timeout_s

    @property
    def probe_s(self) -> float | None:
        """How long is enough to see whether the unit is there at all; None before its first answer."""
        if self._mean_s is None:
            return None
        return min(max(self._wanted_s, _FASTEST_PROBE_S), self._slowest_s)

    def answered(self, after_s: float) -> None:
        """Learn from an answer, be it a late one."""
        if self._mean_s is None:
            self._mean_s = after_s
            self._deviation_s = after_s / 2
        else:
            self._deviation_s += (abs(after_s - self._mean_s) - self._deviation_s) / 4
            self._mean_s += (after_s - self._mean_s) / 8
        self._wanted_s = self._mean_s + 4 * self._deviation_s
        self._timeout_s = min(max(self._wanted_s, _FASTEST_TIMEOUT_S), self._slowest_s)
