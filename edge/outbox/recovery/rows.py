"""Which rows found in a damaged file are sound, and how they get into a new one."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from edge.outbox import metadata, tables
from edge.outbox.metadata import POSITION_GAP, OutboxMetadata
from edge.outbox.recovery.pages import Cell
from edge.outbox.tables import Row

# Our choice: the room is measured before each portion, so it is exceeded by less than one.
_ROWS_PER_COMMIT: Final = 500
_RECORD_COLUMNS: Final = 6
_EPOCH_COLUMNS: Final = 2
_METADATA_COLUMNS: Final = len(OutboxMetadata.__slots__) + 1

# One row may be found in several versions of its page: a time corrected or a later pass makes it the newer.
_KEEP_NEWER: Final = (
    "ON CONFLICT (position) DO UPDATE SET body = excluded.body, passes = excluded.passes,"
    " untimed = excluded.untimed, checksum = excluded.checksum"
    " WHERE excluded.untimed < records.untimed OR excluded.passes > records.passes"
)


class FoundRows:
    """Sorts rows of all tables by their checksums: records are yielded, metadata and epoch kept."""

    def __init__(self) -> None:
        self.metadata = OutboxMetadata()
        self.epoch = 0

    def records(self, cells: Iterable[Cell]) -> Iterator[Row]:
        """Yield the sound records among these rows."""
        for cell in cells:
            # The key of `records` is its row id, which SQLite stores as NULL in the row itself.
            if len(cell.values) == _RECORD_COLUMNS and cell.values[0] is None:
                if (row := _record(cell)) is not None:
                    yield row
            else:
                self._note_metadata(cell)

    def _note_metadata(self, cell: Cell) -> None:
        values = [each for each in cell.values if isinstance(each, int)]
        if len(values) != len(cell.values) or len(values) not in (_EPOCH_COLUMNS, _METADATA_COLUMNS):
            return
        *numbers, checksum = values
        if metadata.checksum_of(*numbers) != checksum:
            return
        if len(values) == _EPOCH_COLUMNS:
            self.epoch = numbers[0]
        elif (found := OutboxMetadata(*numbers)).last >= self.metadata.last:
            self.metadata = found


def insert_found(database: sqlite3.Connection, rows: Iterable[Row], room_bytes: int) -> bool:
    """Insert rows a portion at a time; return whether all of them had room."""
    remaining = iter(rows)
    while portion := list(islice(remaining, _ROWS_PER_COMMIT)):
        if tables.statistics(database).size_bytes > room_bytes:
            return False
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                tables.insert(database, portion, then=_KEEP_NEWER)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            return False
    return True


def recount(database: sqlite3.Connection, before: OutboxMetadata, last: int, epoch: int) -> OutboxMetadata:
    """Return the metadata for the records now present, with the next position far behind `last`."""
    columns = "COUNT(*), MAX(position), MIN(CASE WHEN untimed THEN position END)"
    waiting, newest, untimed_from = database.execute(f"SELECT {columns} FROM records").fetchone()  # noqa: S608
    return replace(
        before,
        waiting=waiting,
        last=max(newest or 0, last) + POSITION_GAP,
        untimed_from=untimed_from or 0,
        epoch=epoch,
        cursor=0,
    )


def _record(cell: Cell) -> Row | None:
    kind, body, *numbers = cell.values[1:]
    if not (isinstance(kind, bytes) and isinstance(body, bytes)):
        return None
    if not all(isinstance(each, int) for each in numbers):
        return None
    found = tables.decode_row([cell.key, kind, body, *numbers])
    return None if found is None else found.row
