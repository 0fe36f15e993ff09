"""What may go when the outbox is full, and in which order. Pure.

Events, command results and readings that tell of a change are never dropped. The newest half stays whole. Of
the other readings of the older half every second one of each lamp goes, oldest first; when all of it has been
through that, the next round begins. So the whole time stays covered evenly, only more coarsely.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading
from protocols.transfer.records import Record

LEVEL_STEP_PERCENT: Final = 5.0
"""A measured level this far from the last change is a change itself: less is noise."""

T = TypeVar("T")

_Signs = tuple[object, ...]


class ChangeWatch:
    """Tells which readings must be kept; the first of a lamp is one of them."""

    def __init__(self) -> None:
        self._signs: dict[str, _Signs] = {}
        self._levels: dict[str, float | None] = {}

    def is_change(self, reading: LampReading | CabinetReading) -> bool:
        """Whether the level, its reason, the health or the contacts differ from the change before."""
        device_id, signs, level = device_of(reading), _signs(reading), _level(reading)
        if signs == self._signs.get(device_id) and not _moved(self._levels.get(device_id), level):
            return False
        self._signs[device_id] = signs
        self._levels[device_id] = level
        return True


class Decimation:
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


@dataclass(slots=True)
class Waiting:
    """A record that is not on disk yet; it may go unless `keep`, and be sent only if it is `timed`."""

    record: Record
    keep: bool
    timed: bool
    rounds: int = 0


def thinned(waiting: Sequence[Waiting], wanted: int, this_round: int, halving: Decimation) -> list[Waiting]:
    """What is left after thinning the older half, oldest first, until no more than `wanted` are left."""
    older = len(waiting) // 2
    left: list[Waiting] = []
    for index, each in enumerate(waiting[:older]):
        if len(left) + len(waiting) - index <= wanted:
            return [*left, *waiting[index:]]
        device = None if each.keep else device_of(each.record)
        if not list(halving.dropped([(index, device, this_round - each.rounds)])):
            each.rounds = max(each.rounds, this_round)
            left.append(each)
    return [*left, *waiting[older:]]


def _moved(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is not now
    return abs(now - before) >= LEVEL_STEP_PERCENT


def device_of(record: Record) -> str:
    """The device a record is of."""
    return record.device_id


def _signs(reading: LampReading | CabinetReading) -> _Signs:
    if isinstance(reading, CabinetReading):
        return (
            reading.door_open,
            reading.breaker_tripped,
            reading.contactor_state,
            reading.photocell_output_on,
        )
    return (
        reading.target_level_percent,
        reading.feedback_level_percent,
        reading.reason,
        reading.lamp_failure,
        reading.control_gear_failure,
    )


def _level(reading: LampReading | CabinetReading) -> float | None:
    return reading.actual_level_percent if isinstance(reading, LampReading) else None
