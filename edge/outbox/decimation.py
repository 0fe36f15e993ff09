"""Which readings may be dropped when there is no room, and in which order. Pure.

Events, command results and readings that show a change are never dropped. The newest half stays whole. Of the
other readings of the older half every second one of each lamp is dropped, oldest first; when all of it has
been through that, the next pass begins. So the whole time stays covered evenly, only more coarsely.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading

LEVEL_STEP_PERCENT: Final = 5.0
"""A measured level this far from the last change is a change itself: less is noise."""

T = TypeVar("T")

_Signs = tuple[object, ...]


class ChangeDetector:
    """Finds the readings that must be kept; the first of a device is one of them."""

    def __init__(self) -> None:
        self._signs: dict[str, _Signs] = {}
        self._levels: dict[str, float | None] = {}

    def is_change(self, reading: LampReading | CabinetReading) -> bool:
        """Return whether the level, its reason, the health or the contacts differ from the last change."""
        # Compared with the last change, not the last reading: a slow drift must add up to a change too.
        device_id, signs = reading.device_id, _signs(reading)
        level = reading.actual_level_percent if isinstance(reading, LampReading) else None
        before = self._levels.get(device_id)
        if before is None or level is None:
            is_step = before is not level
        else:
            is_step = abs(level - before) >= LEVEL_STEP_PERCENT
        if signs == self._signs.get(device_id) and not is_step:
            return False
        self._signs[device_id] = signs
        self._levels[device_id] = level
        return True


class Decimation:
    """Drops every second reading of each device, over as many portions as it takes.

    Readings that missed n passes, because they came later, are decimated by 2**n to catch up.
    """

    def __init__(self) -> None:
        self._to_drop: dict[str, int] = {}

    def begin_pass(self) -> None:
        """Begin another pass, in which the first reading of each device stays."""
        self._to_drop.clear()

    def dropped(self, records: Iterable[tuple[T, str | None, int]]) -> Iterator[T]:
        """Yield the records to drop.

        Each comes with its device, None where it must stay, and how many passes it has missed; oldest first.
        """
        for record, device_id, missed in records:
            if device_id is None or missed <= 0:
                continue
            # One is kept of each 2**missed: what so many passes, each dropping every second, would have left.
            left = min(self._to_drop.get(device_id, 0), 2**missed - 1)
            if left:
                yield record
            self._to_drop[device_id] = left - 1 if left else 2**missed - 1


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
