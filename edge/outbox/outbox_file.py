"""The outbox on disk: each method is one transaction in the file's thread, damage recovery included."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from edge.outbox import metadata, retention, tables, time_correction
from edge.outbox.decimation import Decimation
from edge.outbox.metadata import OutboxMetadata
from edge.outbox.recovery import OutboxRecovery, RecoveryReport
from edge.outbox.retention import Limit
from edge.outbox.tables import OutboxStatistics, Row, StoredRecord
from edge.storage.sqlite_file import SqliteFile


class OutboxFile:
    """The file of one outbox. All methods raise sqlite3.Error and OSError where the disk fails."""

    def __init__(self, path: Path, now_ms: Callable[[], int], limit: Limit) -> None:
        self._now_ms = now_ms
        self._limit = limit
        self._decimation = Decimation()
        self._recovery = OutboxRecovery(now_ms)
        self.disk = SqliteFile(path, tables.SCHEMA, self._recovery)

    @property
    def is_open(self) -> bool:
        """Whether it can be read and written."""
        return self.disk.is_open

    async def open(self) -> OutboxMetadata:
        """Open or create the file, unless it is open, and return its metadata."""
        if not self.disk.is_open:
            await self.disk.open()
        created_ms = self._now_ms()
        return await self.disk.run(lambda database: metadata.load_or_create(database, created_ms))

    async def replace(self, error: Exception, known: OutboxMetadata) -> OutboxMetadata:
        """Replace an open file that has turned out to be damaged; `known` is its metadata in memory."""
        # The running outbox is certain of its epoch and last position; the damaged file may not be.
        self._recovery.known = known
        await self.disk.renew(error)
        return await self.open()

    async def close(self) -> None:
        """Close the file."""
        await self.disk.close()

    def take_report(self) -> RecoveryReport | None:
        """Return what a recovery has saved, once."""
        report, self._recovery.report = self._recovery.report, None
        return report

    async def commit(
        self, rows: Sequence[Row], ranges: Sequence[tuple[int, int]], dropped: int, damaged: Sequence[int]
    ) -> OutboxStatistics:
        """Write rows, forget acknowledged ranges, set damaged positions aside, and make room."""

        def write(database: sqlite3.Connection) -> OutboxStatistics:
            # Damaged rows first: decimation decodes what it reads, and would meet them again.
            tables.set_aside(database, damaged)
            tables.commit(database, rows, ranges, dropped)
            return retention.make_room(database, self._limit, self._decimation)

        return await self.disk.run(write)

    async def forget(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Delete acknowledged ranges alone, which a full disk has room for."""
        await self.disk.run(lambda database: tables.commit(database, [], ranges))

    async def look_up(self, position: int, limit: int) -> tuple[list[StoredRecord], list[int]]:
        """Return the oldest records behind `position` that may be sent, and positions of damaged ones."""
        return await self.disk.read(lambda database: tables.look_up(database, position, limit))

    async def statistics(self) -> OutboxStatistics:
        """Return what the file holds."""
        return await self.disk.read(tables.statistics)

    async def begin_correction(self, shift: timedelta) -> None:
        """Store how far provisional times are off."""
        await self.disk.run(lambda database: time_correction.begin(database, shift))

    async def finish_correction(self) -> bool:
        """Correct all provisional times, once it is known how; return whether there were any."""
        # A transaction each: new records are committed in between, whatever the length of the backlog.
        corrected = False
        while await self.disk.run(time_correction.correct_some):
            corrected = True
        return corrected
