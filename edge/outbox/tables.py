"""The outbox's tables: records by position, damaged ones set aside, and times still to be corrected."""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from edge.outbox import metadata
from protocols.transfer.records import Record, UnknownRecordError, decode_record

SCHEMA: Final = f"""
{metadata.EPOCH_SCHEMA}
CREATE TABLE records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    passes INTEGER NOT NULL,
    untimed INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE correction (shift_ms INTEGER NOT NULL);
{metadata.SCHEMA}
CREATE TABLE damaged (
    number INTEGER PRIMARY KEY, position INTEGER, kind BLOB, body BLOB,
    passes INTEGER, untimed INTEGER, checksum INTEGER
);
"""
# A damaged row may hold anything in any column, even text that is no UTF-8, which Python cannot take.
SELECT: Final = (
    "SELECT position, CAST(kind AS BLOB), CAST(body AS BLOB),"
    " CAST(passes AS INTEGER), CAST(untimed AS INTEGER), CAST(checksum AS INTEGER) FROM records"
)
_INSERT = "INTO records (position, kind, body, passes, untimed, checksum) VALUES (?, ?, ?, ?, ?, ?)"
ALWAYS_KEPT: Final = -1
"""In place of the retention passes a record has been through."""

_DAMAGED_KEPT = 1000
"""Our choice: enough for a person to look at; a failing disk must not fill the file with them."""


class Row(NamedTuple):
    """A record as it is stored.

    `passes` counts the retention passes it has been through; `untimed` says that its time is provisional.
    """

    position: int
    kind: str
    body: bytes
    passes: int
    untimed: bool

    @property
    def checksum(self) -> int:
        """CRC-32 over all of it: SQLite itself does not notice a flipped bit in a value."""
        head = f"{self.position} {self.kind} {self.passes} {self.untimed:d} ".encode()
        return zlib.crc32(self.body, zlib.crc32(head))


@dataclass(frozen=True, slots=True)
class ValidRow:
    """A row and the record it holds."""

    row: Row
    record: Record


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record on disk and its position: rising, and never used twice within the outbox's epoch."""

    position: int
    record: Record


@dataclass(frozen=True, slots=True)
class OutboxStatistics:
    """What an outbox holds now, and how many records it has ever dropped for lack of space or set aside."""

    waiting: int = 0
    size_bytes: int = 0
    decimated: int = 0
    damaged: int = 0


def decode_row(values: Sequence[Any]) -> ValidRow | None:
    """Return the record of a row's six columns; None where they are damaged."""
    if any(each is None for each in values):
        return None
    position, kind, body, passes, untimed, checksum = values
    row = Row(position, kind.decode("ascii", "replace"), body, passes, bool(untimed))
    if checksum != row.checksum or untimed not in (0, 1):
        return None
    try:
        return ValidRow(row, decode_record(row.kind, body))
    except UnknownRecordError:
        return None


def insert(database: sqlite3.Connection, rows: Sequence[Row], how: str = "INSERT", then: str = "") -> int:
    """Insert rows as they are; return how many that changed.

    `how` is the SQL verb, `then` the SQL behind the values, such as an ON CONFLICT clause.
    """
    return database.executemany(f"{how} {_INSERT} {then}", [(*row, row.checksum) for row in rows]).rowcount


def commit(
    database: sqlite3.Connection, rows: Sequence[Row], ranges: Sequence[tuple[int, int]], dropped: int = 0
) -> None:
    """Insert new rows, delete the positions in `ranges`, ends included, and count `dropped` as decimated."""
    before = metadata.load(database)
    waiting, last, untimed_from = before.waiting, before.last, before.untimed_from
    if rows:
        # A commit whose waiting task was cancelled is made again at the close: the same rows, ignored.
        waiting += insert(database, rows, "INSERT OR IGNORE")
        last = max(last, rows[-1].position)
        untimed_from = untimed_from or next((row.position for row in rows if row.untimed), 0)
    if ranges:
        waiting -= database.executemany("DELETE FROM records WHERE position BETWEEN ? AND ?", ranges).rowcount
    decimated = before.decimated + dropped
    metadata.save(
        database, replace(before, waiting=waiting, last=last, untimed_from=untimed_from, decimated=decimated)
    )


def read_after(database: sqlite3.Connection, position: int) -> Iterator[tuple[int, ValidRow | None]]:
    """Yield the rows behind `position` that may be sent, with their positions; None for a damaged one."""
    # Only from here on may a row lack its time; one before it with that mark is damaged.
    untimed_from = metadata.load(database).untimed_from or 2**63 - 1
    query = f"{SELECT} WHERE position > ? AND (position < ? OR untimed IS NOT 1) ORDER BY position"
    for values in database.execute(query, (position, untimed_from)):
        yield values[0], decode_row(values)


def look_up(database: sqlite3.Connection, position: int, limit: int) -> tuple[list[StoredRecord], list[int]]:
    """Return the oldest records behind `position`, at most `limit`, and positions of damaged ones."""
    found: list[StoredRecord] = []
    damaged: list[int] = []
    for at, row in read_after(database, position):
        if row is None:
            damaged.append(at)
        else:
            found.append(StoredRecord(at, row.record))
        if len(found) == limit:
            break
    return found, damaged


def set_aside(database: sqlite3.Connection, positions: Sequence[int]) -> None:
    """Move damaged rows to a table of their own, where a person can look at them; the newest are kept."""
    if not positions:
        return
    each = [(position,) for position in positions]
    columns = "position, kind, body, passes, untimed, checksum"
    copy = f"INSERT INTO damaged ({columns}) SELECT {columns} FROM records WHERE position = ?"  # noqa: S608
    database.executemany(copy, each)
    gone = database.executemany("DELETE FROM records WHERE position = ?", each).rowcount
    newest = "SELECT MAX(number) FROM damaged"
    database.execute(f"DELETE FROM damaged WHERE number <= ({newest}) - {_DAMAGED_KEPT}")  # noqa: S608
    before = metadata.load(database)
    metadata.save(database, replace(before, waiting=before.waiting - gone, damaged=before.damaged + gone))


def without_damaged(database: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> list[ValidRow]:
    """Decode selected rows, setting aside those that are damaged."""
    decoded = [(values[0], decode_row(values)) for values in rows]
    set_aside(database, [position for position, row in decoded if row is None])
    return [row for _, row in decoded if row is not None]


def statistics(database: sqlite3.Connection) -> OutboxStatistics:
    """Return what the file holds; pages that are free for reuse do not count."""
    # Counted in the metadata: COUNT(*) reads every page of an outbox of weeks, at each commit.
    counts = metadata.load(database)
    pages, free, page_bytes = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return OutboxStatistics(counts.waiting, (pages - free) * page_bytes, counts.decimated, counts.damaged)
