"""Recovery of a damaged outbox file: `OutboxRecovery` is all that the rest of the gateway uses.

SQLite's own `.recover` was measured beside it: see docs/adr.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from edge.outbox import metadata, tables
from edge.outbox.metadata import OutboxMetadata
from edge.outbox.recovery.pages import PageReader
from edge.outbox.recovery.rows import FoundRows, insert_found, recount
from edge.outbox.recovery.wal import Wal
from edge.storage.sqlite_file import Work

__all__ = ["OutboxRecovery", "RecoveryReport"]


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """How many records were saved, whether under the epoch they had, and whether all found had room."""

    records: int
    same_epoch: bool
    is_complete: bool


class OutboxRecovery:
    """Saves the records of a damaged outbox; implements `edge.storage.sqlite_file.Recovery`.

    `known` is the metadata a running outbox still has in memory, where it has any. `report` is what was saved
    last, until `OutboxFile.take_report` takes it.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.known: OutboxMetadata | None = None
        self.report: RecoveryReport | None = None
        self._now_ms = now_ms

    def rebuild(
        self, damaged: BinaryIO, wal: BinaryIO | None, new: sqlite3.Connection, room_bytes: int
    ) -> None:
        """Fill a new outbox from a damaged one, taking no more than `room_bytes`.

        The epoch stays if it was written in any readable place: then the cloud recognises the records it has.
        Positions continue far behind all that may have been given, so none is used twice.
        """
        reader = PageReader(damaged, None if wal is None else Wal(wal))
        found, known = FoundRows(), self.known
        is_complete = insert_found(new, found.records(reader.rows()), room_bytes)
        newest: int = new.execute("SELECT MAX(position) FROM records").fetchone()[0] or 0
        last = max(newest, found.metadata.last, known.last if known else 0)
        # A page behind a damaged frame may be outdated: only what came later is surely not acknowledged.
        later = (row for row in found.records(reader.unread_rows()) if row.position > last)
        is_complete = is_complete and insert_found(new, later, room_bytes)
        epoch = known.epoch if known else found.metadata.epoch or found.epoch
        saved = recount(new, found.metadata, last, epoch or self._now_ms())
        with new:
            new.execute("BEGIN IMMEDIATE")
            metadata.save(new, saved)
            metadata.save_epoch(new, saved.epoch)
        self.report = RecoveryReport(saved.waiting, bool(epoch), is_complete)

    def unread_wal(self, wal: BinaryIO, frames_read: int) -> Work | None:
        """Read the records behind the first `frames_read` frames; return what adds them, None for none.

        They are read at once: SQLite's next write destroys them. They are added when the tables are there.
        """
        rows = list(FoundRows().records(PageReader(None, Wal(wal)).unread_rows(frames_read)))

        def add(database: sqlite3.Connection) -> None:
            before = metadata.load_or_create(database, self._now_ms())
            # Any up to the last position was in the file before: if it is missing, it was deleted on purpose.
            new = [row for row in rows if row.position > before.last]
            added = tables.insert(database, new, "INSERT OR IGNORE")
            metadata.save(database, recount(database, before, before.last, before.epoch))
            self.report = RecoveryReport(added, same_epoch=True, is_complete=True)

        return add if rows else None
