"""Requests that timed out, whose responses may still come: a serial frame does not name its request."""

from typing import Final

from edge.line.framing import Request, resized_read

FORGOTTEN_AFTER_S: Final = 10.0
"""Our choice: so long after the last request to a unit none of its responses is under way."""

_COUNTS = (1, 2, 3, 9, 17, 33)
"""Counts whose responses differ in length: the small ones for registers, the odd ones for bits."""


class StaleResponses:
    """Lengths of responses that may still come, by unit, oldest first. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._units: dict[int, dict[int, float]] = {}

    def timed_out(self, request: Request, requested_at: float) -> None:
        """Record that `request`, sent at `requested_at`, has timed out."""
        lengths = self._units.setdefault(request.unit, {})
        # Removed first: a dictionary keeps the place of a key, and these are in the order of the requests.
        lengths.pop(request.response_length, None)
        lengths[request.response_length] = requested_at

    def requested_at_of(self, unit: int, length: int) -> float | None:
        """Return when a response that matches no present request was requested; None where none timed out.

        A unit responds in the order of the requests: those before this one get no response any more.
        """
        lengths = self._units.get(unit)
        if lengths is None:
            return None
        requested_at = lengths.get(length)
        if requested_at is None:
            return next(iter(lengths.values()))
        left = {missed: at for missed, at in lengths.items() if at > requested_at}
        if left:
            self._units[unit] = left
        else:
            del self._units[unit]
        return requested_at

    def clear(self, unit: int) -> None:
        """Record that the unit has responded to its last request, so nothing older is under way."""
        self._units.pop(unit, None)

    def distinguishing_read(self, request: Request, now: float) -> Request | None:
        """Return a read to send before `request`, with a response of a length that is under way nowhere.

        Once it has its response, no stale one can be taken for that of `request`. None where none could be
        anyway: the response to a write repeats what was written, so only reads can be mistaken.
        """
        lengths = self._units.get(request.unit)
        if lengths is None or not request.count:
            return None
        if now - max(lengths.values()) > FORGOTTEN_AFTER_S:
            del self._units[request.unit]
            return None
        if request.response_length not in lengths:
            return None
        others = [resized_read(request, count) for count in _COUNTS]
        fitting = [each for each in others if each.response_length < request.response_length]
        if not fitting:
            # More than was requested: those registers may not exist, but a refusal is a response as well.
            fitting = [each for each in others if each.response_length > request.response_length]
        # Where all lengths have timed out, the oldest is the least likely to be still under way.
        return min(fitting, key=lambda each: lengths.get(each.response_length, 0.0))
