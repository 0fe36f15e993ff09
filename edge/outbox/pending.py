"""Records that are not on disk yet, in memory; decimated there as on disk while the disk takes none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from edge.outbox.decimation import ChangeDetector, Decimation
from edge.outbox.retention import ROOM_TO_MAKE
from edge.outbox.tables import ALWAYS_KEPT, Row
from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading
from protocols.transfer.records import Record, encode_record, kind_of

MOST_IN_MEMORY: Final = 20_000
"""Our choice, some megabytes: a full disk must not end a gateway for lack of memory."""


@dataclass(slots=True)
class PendingRecord:
    """A record to be written; it may be dropped unless `keep`, and is sent only when it is `timed`."""

    record: Record
    keep: bool
    timed: bool
    passes: int = 0

    def row(self, position: int) -> Row:
        """Return it as it is stored at `position`."""
        passes = ALWAYS_KEPT if self.keep else 0
        return Row(position, kind_of(self.record), encode_record(self.record), passes, not self.timed)


class PendingRecords:
    """The records to be written, oldest first."""

    def __init__(self) -> None:
        self.uncounted = 0
        """How many were dropped and are not in the counts on disk yet."""

        self.records: list[PendingRecord] = []
        """Oldest first; the outbox removes those that are on disk."""

        self._changes = ChangeDetector()
        self._decimation = Decimation()
        self._pass_number = 1

    def __len__(self) -> int:
        return len(self.records)

    def append(self, record: Record, *, timed: bool) -> None:
        """Add a record; one that is not `timed` has a provisional time."""
        # As each is appended: a change shows only against the reading before, which may be on disk by now.
        keep = not isinstance(record, LampReading | CabinetReading) or self._changes.is_change(record)
        self.records.append(PendingRecord(record, keep, timed))

    def correct_times(self, shift: timedelta) -> bool:
        """Move provisional times by `shift`; return whether there were any."""
        untimed = [each for each in self.records if not each.timed]
        for each in untimed:
            each.record, each.timed = replace(each.record, time=each.record.time + shift), True
        return bool(untimed)

    def decimate(self) -> int:
        """Drop readings down to what may be in memory; return how many. What must be kept stays anyway."""
        if len(self.records) <= MOST_IN_MEMORY:
            return 0
        wanted = int(MOST_IN_MEMORY * (1.0 - ROOM_TO_MAKE))
        before = len(self.records)
        # The second time with another pass, for the first may only have ended the one before.
        for _ in range(2):
            self.records = decimated(self.records, wanted, self._pass_number, self._decimation)
            if len(self.records) <= wanted:
                break
            self._pass_number += 1
            self._decimation.begin_pass()
        dropped = before - len(self.records)
        self.uncounted += dropped
        return dropped


def decimated(
    pending: Sequence[PendingRecord], wanted: int, pass_number: int, decimation: Decimation
) -> list[PendingRecord]:
    """Return what is left after decimating the older half, oldest first, until `wanted` or fewer are left."""
    older = len(pending) // 2
    left: list[PendingRecord] = []
    for index, each in enumerate(pending[:older]):
        if len(left) + len(pending) - index <= wanted:
            return [*left, *pending[index:]]
        device_id = None if each.keep else each.record.device_id
        if not list(decimation.dropped([(index, device_id, pass_number - each.passes)])):
            each.passes = max(each.passes, pass_number)
            left.append(each)
    return [*left, *pending[older:]]
