"""The outbox on disk: opened or replaced, and the transactions that go through several of its tables."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.outbox import metadata, retention, tables, time_correction
from edge.outbox.decimation import Decimation
from edge.outbox.metadata import OutboxMetadata
from edge.outbox.recovery import OutboxRecovery, RecoveryReport
from edge.outbox.retention import Limit
from edge.outbox.tables import OutboxStatistics, Row
from edge.storage.sqlite_file import SqliteFile


class OutboxFile:
    """The file of one outbox. All methods raise sqlite3.Error and OSError where the disk fails."""

    def __init__(self, path: Path, now_ms: Callable[[], int], limit: Limit) -> None:
        self._now_ms = now_ms
        self._limit = limit
        self._decimation = Decimation()
        self._recovery = OutboxRecovery(now_ms)
        self.disk = SqliteFile(path, tables.SCHEMA, self._recovery)

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

    async def finish_correction(self) -> bool:
        """Correct all provisional times, once it is known how; return whether there were any."""
        # A transaction each: new records are committed in between, whatever the length of the backlog.
        corrected = False
        while await self.disk.run(time_correction.correct_some):
            corrected = True
        return corrected
