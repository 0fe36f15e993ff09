"""The response to each poll, with which tests compare stored readings."""

import math
from array import array
from collections.abc import Iterable
from typing import NamedTuple

_FIELDS = 3
_FEWEST_PER_LAMP = 256


class AnsweredPoll(NamedTuple):
    """One answered poll; None where the controller returned its error value."""

    time_ms: int
    level_percent: int | None
    active_power_w: float | None


class PollLog:
    """The last polls of each lamp; `capacity` is shared by all lamps."""

    def __init__(self, lamp_ids: Iterable[str], capacity: int) -> None:
        self._polls = {lamp_id: array("d") for lamp_id in lamp_ids}
        self._per_lamp = max(_FEWEST_PER_LAMP, capacity // max(1, len(self._polls)))

    def record(self, lamp_id: str, t_s: float, reply: bytes) -> None:
        """Record the RTU response to a read from input register 0."""
        level = _word(reply, 0)
        power = _word(reply, 5)
        polls = self._polls[lamp_id]
        polls.extend((math.floor(t_s * 1000), level, power / 10))
        if len(polls) >= 2 * self._per_lamp * _FIELDS:
            del polls[: self._per_lamp * _FIELDS]

    def polls(self, lamp_id: str) -> list[AnsweredPoll]:
        """Return a lamp's answered polls, oldest first; raises KeyError for an unknown lamp."""
        flat = self._polls[lamp_id][-self._per_lamp * _FIELDS :]
        return [
            AnsweredPoll(
                int(time_ms), None if math.isnan(level) else int(level), None if math.isnan(w) else w
            )
            for time_ms, level, w in zip(flat[0::3], flat[1::3], flat[2::3], strict=True)
        ]


def _word(reply: bytes, register: int) -> float:
    at = 3 + 2 * register
    word = reply[at : at + 2]
    return math.nan if at + 2 > 3 + reply[2] or word == b"\xff\xff" else float(int.from_bytes(word, "big"))
