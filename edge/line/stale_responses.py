"""Requests that were given up, whose answers may still come: a serial frame does not say what it answers."""

from typing import Final

from edge.line.framing import Request, resized_read

FORGOTTEN_AFTER_S: Final = 10.0
"""So long after its last request, no answer of a unit is under way any more."""

_COUNTS = (1, 2, 3, 9, 17, 33)
"""Registers or bits whose answers differ in length: the small ones for registers, the odd ones for bits."""


class StaleResponses:
    """By unit, how long the answers are that may still come, oldest first. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._units: dict[int, dict[int, float]] = {}

    def note(self, request: Request, requested_at: float) -> None:
        """The request's time is up."""
        lengths = self._units.setdefault(request.unit, {})
        lengths.pop(request.answer_length, None)
        lengths[request.answer_length] = requested_at

    def came(self, unit: int, length: int) -> float | None:
        """When a frame that answers no present request was asked for; None where none was missed.

        A unit answers in the order it was asked: what was asked before has no answer any more.
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

    def answered(self, unit: int) -> None:
        """The unit has answered what was asked last, so nothing before it is under way."""
        self._units.pop(unit, None)

    def to_ask_before(self, request: Request, now: float) -> Request | None:
        """A read whose answer can be no other's, lest a late answer be taken for that of `request`.

        None where nothing can be confused. The answer to a write says what was written, so only reads can.
        """
        lengths = self._units.get(request.unit)
        if lengths is None or not request.count:
            return None
        if now - max(lengths.values()) > FORGOTTEN_AFTER_S:
            del self._units[request.unit]
            return None
        if request.answer_length not in lengths:
            return None
        others = [resized_read(request, count) for count in _COUNTS]
        fitting = [each for each in others if each.answer_length < request.answer_length]
        if not fitting:
            # More than was wanted: registers that may not be there, which is an answer as well.
            fitting = [each for each in others if each.answer_length > request.answer_length]
        # Where all have been missed, what was asked longest ago is the least likely to be still answered.
        return min(fitting, key=lambda each: lengths.get(each.answer_length, 0.0))
