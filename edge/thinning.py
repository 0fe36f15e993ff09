"""What may go when the outbox is full, and in which order. Pure.

Events, command results and readings that tell of a change are never dropped. The newest half stays whole. Of
the other readings of the older half every second one of each lamp goes, oldest first; when all of it has been
through that, the next round begins. So the whole time stays covered evenly, only more coarsely.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from protocols.lamp import LampReading

LEVEL_STEP_PERCENT: Final = 5.0
"""A measured level this far from the last change is a change itself: less is noise."""

T = TypeVar("T")

_Signs = tuple[object, ...]


class ChangeWatch:
    """Tells which readings must be kept; the first of a lamp is one of them."""

    def __init__(self) -> None:
        self._signs: dict[str, _Signs] = {}
        self._levels: dict[str, float | None] = {}

    def is_change(self, reading: LampReading) -> bool:
        """Whether the lamp's level, its reason or its health differ from the change before."""
        lamp_id, level = reading.lamp_id, reading.actual_level_percent
        signs = (
            reading.target_level_percent,
            reading.feedback_level_percent,
            reading.reason,
            reading.lamp_failure,
            reading.control_gear_failure,
        )
        if signs == self._signs.get(lamp_id) and not _moved(self._levels.get(lamp_id), level):
            return False
        self._signs[lamp_id] = signs
        self._levels[lamp_id] = level
        return True


class Halving:
    """Drops every second reading of each lamp, over as many portions as it takes.

    A reading that has been through fewer rounds than the others is made up for: of four that went through two
    rounds less, one stays.
    """

    def __init__(self) -> None:
        self._to_drop: dict[str, int] = {}

    def begin(self) -> None:
        """Another round: of each lamp the next one stays."""
        self._to_drop.clear()

    def dropped(self, records: Iterable[tuple[T, str | None, int]]) -> Iterator[T]:
        """Of records with their lamp and the rounds they lack, oldest first, those to go; None must stay."""
        for record, lamp_id, rounds in records:
            if lamp_id is None or rounds <= 0:
                continue
            left = min(self._to_drop.get(lamp_id, 0), 2**rounds - 1)
            if left:
                yield record
            self._to_drop[lamp_id] = left - 1 if left else 2**rounds - 1


def _moved(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is not now
    return abs(now - before) >= LEVEL_STEP_PERCENT
