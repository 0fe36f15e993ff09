"""Times of a line in wall seconds: characters, silence, and how long each unit takes to respond."""

from dataclasses import dataclass

# Our choice, not a standard's: a unit that is slower than usual for once must not time out at once.
_FASTEST_TIMEOUT_S = 0.2
# A probe may be shorter: an error costs one probe, not a reading.
_FASTEST_PROBE_S = 0.015
# Our choice, not a standard's: one unresponsive unit must not hold up the line for longer.
_SLOWEST_TIMEOUT_S = 1.0
# Start, 8 data bits, parity, stop; without parity a second stop bit takes its place.
_BITS_PER_CHARACTER = 11


@dataclass(frozen=True, slots=True)
class WireTiming:
    """The times that follow from a baud rate, in seconds; characters and silence are 0 for TCP.

    `longest_queue_s` bounds how long a request may wait in a converter behind one without a response; how
    long it really waits is measured with stale responses.
    """

    character_s: float
    silence_s: float
    broadcast_pause_s: float
    longest_queue_s: float = 0.0

    def duration_s(self, size: int) -> float:
        """Return how long `size` bytes take on the wire."""
        return size * self.character_s


OFF_WIRE = WireTiming(character_s=0.0, silence_s=0.0, broadcast_pause_s=0.1, longest_queue_s=5.0)
"""Modbus TCP: a converter sends one request at a time and has a timeout of its own, which is not known."""


def serial_timing(baud: int) -> WireTiming:
    """Return the times at a baud rate.

    3.5 characters of silence, fixed at 1.75 ms above 19200 baud, and 100 ms of turnaround after a broadcast
    (Modbus over serial line V1.02).
    """
    character_s = _BITS_PER_CHARACTER / baud
    silence_s = 3.5 * character_s if baud <= 19200 else 0.00175
    return WireTiming(character_s, silence_s, broadcast_pause_s=0.1)


class ResponseTime:
    """The response time of one unit, estimated as TCP estimates its retransmission timeout (RFC 6298).

    The first timeout is that of the line's settings, which may be longer than the usual limit.
    """

    def __init__(self, first_timeout_s: float) -> None:
        self._slowest_s = max(_SLOWEST_TIMEOUT_S, first_timeout_s)
        self._mean_s: float | None = None
        self._deviation_s = 0.0
        self.timeout_s = first_timeout_s
        """How long to wait for the unit's first byte, in seconds."""
        self.probe_s: float | None = None
        """How long to wait to see whether the unit responds at all; None before its first response."""

    def update(self, after_s: float) -> None:
        """Update the estimate with a response, a stale one included."""
        if self._mean_s is None:
            self._mean_s = after_s
            self._deviation_s = after_s / 2
        else:
            # Gains of 1/4 and 1/8 and four deviations, as in RFC 6298, 2.3.
            self._deviation_s += (abs(after_s - self._mean_s) - self._deviation_s) / 4
            self._mean_s += (after_s - self._mean_s) / 8
        wanted_s = self._mean_s + 4 * self._deviation_s
        self.timeout_s = min(max(wanted_s, _FASTEST_TIMEOUT_S), self._slowest_s)
        self.probe_s = min(max(wanted_s, _FASTEST_PROBE_S), self._slowest_s)


class ResponseTimes:
    """The response times of the units of one line; `first_timeout_s` holds before a unit's first response."""

    def __init__(self, first_timeout_s: float) -> None:
        self._first_timeout_s = first_timeout_s
        self._units: dict[int, ResponseTime] = {}

    def of(self, unit: int) -> ResponseTime:
        """Return the response time of a unit."""
        known = self._units.get(unit)
        if known is None:
            known = self._units[unit] = ResponseTime(self._first_timeout_s)
        return known

    def probe_timeout_s(self, unit: int) -> float:
        """Return what the unit needed for its last response, otherwise what the slowest one needed."""
        own_s = self.of(unit).probe_s
        if own_s is not None:
            return own_s
        # A new unit is probably of the same make as its neighbours.
        others = [each.probe_s for each in self._units.values()]
        return max((each for each in others if each is not None), default=self._first_timeout_s)
