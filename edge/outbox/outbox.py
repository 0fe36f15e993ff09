"""Records for the cloud: on disk before they are sent, and kept until the cloud has stored them."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from edge.outbox import tables, time_correction
from edge.outbox.metadata import OutboxMetadata
from edge.outbox.outbox_file import OutboxFile
from edge.outbox.pending import PendingRecords
from edge.outbox.ports import OutboxObserver
from edge.outbox.reports import OutboxReporter
from edge.outbox.retention import Limit
from edge.outbox.tables import OutboxStatistics, StoredRecord
from edge.outbox.time_correction import Correction
from edge.storage.damage import STORAGE_ERRORS, TRANSIENT_ERRORS, is_damage
from edge.storage.sqlite_file import SqliteFile
from protocols.transfer.records import Record

# A full or locked disk is tried once a second; polls and commands do not wait for it.
_RETRY_S: Final = 1.0
_FORGET_S: Final = 1.0
"""Acknowledged records may wait so long for a commit that has other reasons: each one wears the flash."""

_REPLACE_EVERY_S: Final = 60.0
"""A disk that damages each new file must not have us write files all the time."""

_ROWS_PER_COMMIT: Final = 2000
"""Our choice: after an outage of the disk one commit must not hold up reads and acknowledgements for long."""

_NO_LIMIT = Limit()


class Outbox:
    """Records in the order they came; `epoch` identifies this file among all a gateway may have had.

    A disk that cannot be written stops nothing: records wait in memory, and it is logged once. Nor does a
    damaged file: its readable records stay, the others are set aside, reported and counted.
    """

    def __init__(self, path: Path, wall_ms: Callable[[], int], limit: Limit = _NO_LIMIT) -> None:
        self.epoch = 0
        self.opened = asyncio.Event()
        self._file = OutboxFile(path, wall_ms, limit)
        self.disk: SqliteFile = self._file.disk
        """The file, whose thread the stall detector watches."""
        self._limit = limit
        self._pending = PendingRecords()
        self._acknowledged: list[tuple[int, int]] = []
        self._damaged: set[int] = set()
        self._correction: Correction | None = None
        self._next_position = 1
        self._work = asyncio.Event()
        self._holding = OutboxStatistics()
        self._reporter = OutboxReporter()
        self._damage: Exception | None = None
        self._replaced_at = float("-inf")

    @property
    def holding(self) -> OutboxStatistics:
        """What is on disk as of the last commit; `decimated` includes what was dropped in memory since."""
        return replace(self._holding, decimated=self._holding.decimated + self._pending.uncounted)

    @property
    def unwritten(self) -> int:
        """How many records wait for the disk."""
        return len(self._pending)

    @property
    def is_failing(self) -> bool:
        """Whether the disk cannot be written now."""
        return self._reporter.writing.is_failing

    async def open(self) -> None:
        """Open or create the file, unless it is open, and continue behind the last position ever given.

        Raises:
            sqlite3.Error: the file cannot be used now; a damaged one is replaced instead.
            OSError: the disk cannot be used now.
        """
        damage, self._damage = self._damage, None
        if damage is not None and time.monotonic() > self._replaced_at + _REPLACE_EVERY_S:
            self._replaced_at = time.monotonic()
            # Known for certain, whatever the damaged file still holds.
            known = OutboxMetadata(epoch=self.epoch, last=self._next_position - 1)
            metadata = await self._file.replace(damage, known)
        elif self.opened.is_set() and self.disk.is_open:
            return
        else:
            metadata = await self._file.open()
        self.epoch, self._next_position = metadata.epoch, metadata.last + 1
        # A correction the last process did not finish: its records could not be sent.
        await self._file.finish_correction()
        self._holding = await self.disk.read(tables.statistics)
        self.opened.set()

    async def close(self) -> None:
        """Write what is pending and close the file."""
        try:
            while self.disk.is_open and (self._pending or self._acknowledged or self._damaged):
                await self._commit()
        except sqlite3.Error as error:
            self._reporter.writing.failed(error, pending=len(self._pending))
        await self.disk.close()

    def append(self, record: Record, /, *, timed: bool = True) -> None:
        """Take a record to be made durable at once; called on the event loop, it never blocks or fails.

        One that is not `timed` has a provisional time: it is stored, but sent only when that was corrected.
        """
        self._pending.append(record, timed=timed)
        self._work.set()

    def correct_times(self, shift: timedelta) -> None:
        """Move all provisional times by `shift`, which has become known, and let their records be sent."""
        # Rounded as on disk: a record that is being written is corrected here and there, to the same time.
        shift = timedelta(milliseconds=shift // timedelta(milliseconds=1))
        # At once: a record that is being written now is sent as it is here, and corrected on disk afterwards.
        self._correction = Correction(shift, self._pending.correct_times(shift))
        self._work.set()

    def acknowledge(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Forget the records in these ranges, ends included: the cloud has stored them.

        That is written along with the next records, or by itself a little later.
        """
        if not self._acknowledged:
            asyncio.get_running_loop().call_later(_FORGET_S, self._work.set)
        self._acknowledged.extend(ranges)

    async def run(self, observer: OutboxObserver) -> None:
        """Open the file if it is closed, commit records as they arrive, inform `observer`, until cancelled.

        There is no delay to gather more: while one commit runs the next batch gathers by itself.
        """
        while True:
            try:
                await self.open()
                for description in self._reporter.damage(self._file.take_report(), self._holding.damaged):
                    observer.damage_found(description)
                await self._work.wait()
                self._work.clear()
                durable = await self._commit()
                corrected = await self._correct()
            except STORAGE_ERRORS as error:
                self._note_error(error)
                self._reporter.writing.failed(error, pending=len(self._pending))
                self._reporter.dropped(self._pending.decimate(), len(self._pending))
                await asyncio.sleep(_RETRY_S)
                self._work.set()
                continue
            self._reporter.written(len(self._pending))
            if self._pending:
                # They came while the commit ran, or exceeded its size: nothing else would wake this loop.
                self._work.set()
            # Sent only once durable: after a power cut a position must never be given to another record.
            if durable:
                observer.records_durable(durable)
            if corrected:
                observer.times_corrected()

    async def after(self, position: int, limit: int) -> list[StoredRecord]:
        """Return the oldest records behind `position` that may be sent, at most `limit`.

        Damaged ones among them are set aside.

        Raises:
            sqlite3.Error: the file cannot be read now, or is damaged.
            OSError: the disk cannot be read now.
        """
        found, damaged = await self.disk.read(lambda database: tables.look_up(database, position, limit))
        if damaged:
            # Written with the next commit: this is a read, which must not wait for a full disk.
            self._damaged.update(damaged)
            self._work.set()
        return found

    async def backlog(self, position: int, limit: int) -> list[StoredRecord] | None:
        """Return the same as `after`, but None while the file cannot be read, which is logged once."""
        if not self.opened.is_set() or not self.disk.is_open:
            return None
        try:
            found = await self.after(position, limit)
        except STORAGE_ERRORS as error:
            self._note_error(error)
            self._reporter.reading.failed(error)
            if self._damage is not None:
                self._work.set()  # `run` replaces the file
            return None
        self._reporter.reading.recovered()
        return found

    async def count(self) -> int:
        """Return how many records on disk wait for the cloud.

        Raises:
            sqlite3.Error: the file cannot be read now.
            OSError: the disk cannot be read now.
        """
        return (await self.disk.read(tables.statistics)).waiting

    async def _commit(self) -> list[StoredRecord]:
        batch, dropped = self._pending.records[:_ROWS_PER_COMMIT], self._pending.uncounted
        first, ranges, damaged = self._next_position, self._acknowledged[:], list(self._damaged)
        rows = [each.row(position) for position, each in enumerate(batch, first)]
        try:
            self._holding = await self._file.commit(rows, ranges, dropped, damaged)
        except sqlite3.OperationalError:
            if ranges and batch:
                # What the cloud has can go even where nothing can be added, and that makes room.
                await self.disk.run(lambda database: tables.commit(database, [], ranges))
                del self._acknowledged[: len(ranges)]
            raise
        # Only now: records that came while the thread wrote are behind these.
        del self._pending.records[: len(batch)]
        self._pending.uncounted -= dropped
        del self._acknowledged[: len(ranges)]
        self._damaged.difference_update(damaged)
        self._next_position += len(batch)
        self._reporter.held(self._holding, self._limit)
        return [StoredRecord(at, each.record) for at, each in enumerate(batch, first) if each.timed]

    async def _correct(self) -> bool:
        correction = self._correction
        if correction is None:
            return False
        await self.disk.run(lambda database: time_correction.begin(database, correction.shift))
        # The file remembers it from here on. Another may have come while the thread wrote.
        if self._correction is correction:
            self._correction = None
        corrected_on_disk = await self._file.finish_correction()
        return corrected_on_disk or correction.corrected_pending

    def _note_error(self, error: Exception) -> None:
        """Remember damage, which the next round replaces; raise what does not concern the disk."""
        if is_damage(error):
            self._damage = error
        elif not isinstance(error, TRANSIENT_ERRORS):
            raise error
