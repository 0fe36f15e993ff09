"""What can be saved out of a damaged outbox file: every row whose checksum is right, in a new file."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from edge.outbox import metadata as ledgers
from edge.outbox import tables as shelf
from edge.outbox.metadata import GAP, OutboxMetadata
from edge.outbox.tables import Row
from edge.storage.page_reader import Cell, SqlitePageReader

_ROWS_AT_ONCE: Final = 500
_COLUMNS: Final = (3, 5, 6)
"""Of a row of records, of this version and those before."""

_EARLIEST_EPOCH: Final = 1_600_000_000_000

# The same row may lie in several states of one page: what was put right or thinned later is the newer one.
_KEEP_NEWER = (
    "ON CONFLICT (position) DO UPDATE SET body = excluded.body, rounds = excluded.rounds,"
    " untimed = excluded.untimed, checksum = excluded.checksum"
    " WHERE excluded.untimed < records.untimed OR excluded.rounds > records.rounds"
)


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """How many records were saved, whether they are the same to the cloud, and whether all had room."""

    records: int
    same_epoch: bool
    is_all: bool


def salvage(
    carver: SqlitePageReader,
    database: sqlite3.Connection,
    room_bytes: int,
    created_ms: int,
    known: OutboxMetadata | None,
) -> RecoveryReport:
    """Fill a new outbox from a damaged one; `known` is what is still in memory of its ledger.

    The epoch stays if it was written in any readable place: then a record that the cloud has already is
    known for the same. Positions go on far behind all that may have been given, so none is used twice.
    """
    found = _Found()
    is_all = _put(database, found.records(carver.rows()), room_bytes)
    newest: int = database.execute("SELECT MAX(position) FROM records").fetchone()[0] or 0
    last = max(newest, found.ledger.last, known.last if known else 0)
    later = (row for row in found.records(carver.later_rows()) if row.position > last)
    is_all = is_all and _put(database, later, room_bytes)
    epoch = known.epoch if known else found.ledger.epoch or found.epoch
    ledger = _ledger(database, found.ledger, last, epoch or created_ms)
    with database:
        database.execute("BEGIN IMMEDIATE")
        ledgers.write(database, ledger)
        ledgers.write_identity(database, ledger.epoch)
    return RecoveryReport(ledger.waiting, bool(epoch), is_all)


def rows_behind(carver: SqlitePageReader, frames: int) -> list[Row]:
    """Records in a journal behind the first `frames`, which are all that SQLite can read of it."""
    return list(_Found().records(carver.rows_behind(frames)))


def add_rows(database: sqlite3.Connection, rows: Iterable[Row], created_ms: int) -> int:
    """Take records that the readable part of an outbox does not know yet; how many that were."""
    ledger = ledgers.take_up(database, created_ms)
    saved = shelf.insert(database, [row for row in rows if row.position > ledger.last], "INSERT OR IGNORE")
    ledgers.write(database, _ledger(database, ledger, ledger.last, ledger.epoch))
    return saved


def _put(database: sqlite3.Connection, rows: Iterable[Row], room_bytes: int) -> bool:
    """Add rows a portion at a time; False where there is no room for all of them."""
    every = iter(rows)
    while portion := list(islice(every, _ROWS_AT_ONCE)):
        if shelf.holding(database).size_bytes > room_bytes:
            return False
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                shelf.insert(database, portion, then=_KEEP_NEWER)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            return False
    return True


def _ledger(database: sqlite3.Connection, before: OutboxMetadata, last: int, epoch: int) -> OutboxMetadata:
    columns = "COUNT(*), MAX(position), MIN(CASE WHEN untimed THEN position END)"
    waiting, newest, untimed_from = database.execute(f"SELECT {columns} FROM records").fetchone()  # noqa: S608
    return replace(
        before,
        waiting=waiting,
        last=max(newest or 0, last) + GAP,
        untimed_from=untimed_from or 0,
        epoch=epoch,
        swept=0,
    )


class _Found:
    """Sorts cells: records are handed on, the ledger with the newest position and the epoch remembered."""

    def __init__(self) -> None:
        self.ledger = OutboxMetadata()
        self.epoch = 0

    def records(self, cells: Iterable[Cell]) -> Iterator[Row]:
        """The sound records among these rows."""
        for cell in cells:
            if len(cell.values) in _COLUMNS and cell.values[0] is None:
                if (row := _record(cell)) is not None:
                    yield row
            else:
                self._note(cell)

    def _note(self, cell: Cell) -> None:
        values = [each for each in cell.values if isinstance(each, int)]
        if len(values) == 1 == len(cell.values) and values[0] > _EARLIEST_EPOCH:
            self.epoch = self.epoch or values[0]  # of a version without seals
        if (
            len(values) != len(cell.values)
            or len(values) < 2
            or ledgers.checksum_of(*values[:-1]) != values[-1]
        ):
            return
        if len(values) == 2:
            self.epoch = values[0]
        elif len(values) == len(OutboxMetadata.__slots__) + 1 and values[5] >= self.ledger.last:
            self.ledger = OutboxMetadata(*values[:-1])


def _record(cell: Cell) -> Row | None:
    # The key of a row stands before it; later columns are missing in rows of an older version.
    values = [cell.key, *cell.values[1:], *(-1, 0, None)[len(cell.values) - 3 :]]
    if not all(isinstance(each, bytes) for each in values[1:3]):
        return None
    if not all(isinstance(each, int) or each is None for each in values[3:]):
        return None
    found = shelf.sound(values)
    return None if found is None else found.row
