"""The outbox's tables: records by position, what was thinned or damaged, and times still to be put right."""

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, NamedTuple

from edge.outbox import metadata as ledgers
from edge.outbox.retention import Decimation, device_of
from protocols.transfer.records import Record, UnknownRecordError, decode_record

# The two places that hold the epoch lie apart, so that no one bad sector takes both.
SCHEMA: Final = f"""
{ledgers.IDENTITY}
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    rounds INTEGER NOT NULL DEFAULT -1,
    untimed INTEGER NOT NULL DEFAULT 0,
    checksum INTEGER
);
CREATE TABLE IF NOT EXISTS correction (shift_ms INTEGER NOT NULL);
{ledgers.SCHEMA}
CREATE TABLE IF NOT EXISTS damaged (
    number INTEGER PRIMARY KEY, position INTEGER, kind BLOB, body BLOB,
    rounds INTEGER, untimed INTEGER, checksum INTEGER
);
"""
_LATER_COLUMNS: Final = {
    "records": {
        "rounds": "INTEGER NOT NULL DEFAULT -1",
        "untimed": "INTEGER NOT NULL DEFAULT 0",
        "checksum": "INTEGER",
    },
    **ledgers.LATER_COLUMNS,
}
_EXPECTED_COLUMNS: Final = {
    "records": ["position", "kind", "body", *_LATER_COLUMNS["records"]],
    "identity": ["epoch", "checksum"],
    "tally": ["waiting", "thinned", "round", "swept", *ledgers.LATER_COLUMNS["tally"]],
    "correction": ["shift_ms"],
    "damaged": ["number", "position", "kind", "body", "rounds", "untimed", "checksum"],
}

# A damaged row may hold anything in any column, even what Python cannot take.
_READ = (
    "SELECT position, CAST(kind AS BLOB), CAST(body AS BLOB),"
    " CAST(rounds AS INTEGER), CAST(untimed AS INTEGER), CAST(checksum AS INTEGER) FROM records"
)
_INSERT = "INTO records (position, kind, body, rounds, untimed, checksum) VALUES (?, ?, ?, ?, ?, ?)"
ALWAYS_KEPT: Final = -1
"""In place of the rounds of thinning a record has been through."""

_DAMAGED_KEPT = 1000
_ROWS_PER_PORTION = 500
_PORTIONS_PER_COMMIT = 20
ROOM_TO_MAKE: Final = 0.02
"""Thinning goes on until this part of the limit is free, so that it does not begin anew with each record."""


class Row(NamedTuple):
    """A record with the rounds of thinning it has been through, and whether its time is provisional."""

    position: int
    kind: str
    body: bytes
    rounds: int
    untimed: bool

    @property
    def checksum(self) -> int:
        """Notices a flipped bit in any of it, which SQLite does not."""
        head = f"{self.position} {self.kind} {self.rounds} {self.untimed:d} ".encode()
        return zlib.crc32(self.body, zlib.crc32(head))


@dataclass(frozen=True, slots=True)
class ValidRow:
    """A row and the record it holds."""

    row: Row
    record: Record


@dataclass(frozen=True, slots=True)
class Limit:
    """How much an outbox may hold; None is no limit of that kind."""

    size_bytes: int | None = None
    records: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxStatistics:
    """What an outbox holds now, and how many records it has ever dropped for want of room or set aside."""

    waiting: int = 0
    size_bytes: int = 0
    thinned: int = 0
    damaged: int = 0


def prepare(database: sqlite3.Connection) -> None:
    """Bring the tables of an older version up to date; raises DatabaseError where they are not ours."""
    for table, expected in _EXPECTED_COLUMNS.items():
        present = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        if present != expected[: len(present)]:
            raise sqlite3.DatabaseError(f"table {table} has {present}, expected {expected}")
        for column in expected[len(present) :]:
            database.execute(f"ALTER TABLE {table} ADD COLUMN {column} {_LATER_COLUMNS[table][column]}")
    database.execute("DROP INDEX IF EXISTS untimed_records")


def sound(values: Sequence[Any]) -> ValidRow | None:
    """The record of six columns of a row; None where they are damaged."""
    *columns, checksum = values
    if any(each is None for each in columns):
        return None
    position, kind, body, rounds, untimed = columns
    row = Row(position, kind.decode("ascii", "replace"), body, rounds, bool(untimed))
    # A row without a checksum is of a version that had none.
    if checksum is not None and (checksum != row.checksum or untimed not in (0, 1)):
        return None
    try:
        return ValidRow(row, decode_record(row.kind, body))
    except UnknownRecordError:
        return None


def insert(database: sqlite3.Connection, rows: Sequence[Row], how: str = "INSERT", then: str = "") -> int:
    """Add rows as they are; how many that changed."""
    return database.executemany(f"{how} {_INSERT} {then}", [(*row, row.checksum) for row in rows]).rowcount


def write(
    database: sqlite3.Connection, rows: Sequence[Row], ranges: Sequence[tuple[int, int]], dropped: int = 0
) -> None:
    """Add rows, forget the positions in `ranges`, ends included, and count readings `dropped` before."""
    ledger = ledgers.read(database)
    waiting, last, untimed_from = ledger.waiting, ledger.last, ledger.untimed_from
    if rows:
        # A commit whose waiting task was cancelled is made again at the close: the same rows, ignored.
        waiting += insert(database, rows, "INSERT OR IGNORE")
        last = max(last, rows[-1].position)
        untimed_from = untimed_from or next((row.position for row in rows if row.untimed), 0)
    if ranges:
        waiting -= database.executemany("DELETE FROM records WHERE position BETWEEN ? AND ?", ranges).rowcount
    thinned = ledger.thinned + dropped
    changed = replace(ledger, waiting=waiting, last=last, untimed_from=untimed_from, thinned=thinned)
    ledgers.write(database, changed)


def read_on(database: sqlite3.Connection, position: int) -> Iterator[tuple[int, ValidRow | None]]:
    """The rows behind `position` that may be sent, with their positions; None for one that is damaged."""
    # Only from here on may a row lack its time; one before that says so is damaged.
    untimed_from = ledgers.read(database).untimed_from or 2**63 - 1
    query = f"{_READ} WHERE position > ? AND (position < ? OR untimed IS NOT 1) ORDER BY position"
    for values in database.execute(query, (position, untimed_from)):
        yield values[0], sound(values)


def select(database: sqlite3.Connection, position: int, limit: int) -> list[tuple[int, str, bytes]]:
    """The oldest sound records behind `position` whose time is right, at most `limit`."""
    selected: list[tuple[int, str, bytes]] = []
    for _, found in read_on(database, position):
        if found is not None:
            selected.append(found.row[:3])
        if len(selected) == limit:
            break
    return selected


def set_aside(database: sqlite3.Connection, positions: Sequence[int]) -> None:
    """Move damaged rows out of the way, for a look at what is left of them."""
    if not positions:
        return
    each = [(position,) for position in positions]
    columns = "position, kind, body, rounds, untimed, checksum"
    copy = f"INSERT INTO damaged ({columns}) SELECT {columns} FROM records WHERE position = ?"  # noqa: S608
    database.executemany(copy, each)
    gone = database.executemany("DELETE FROM records WHERE position = ?", each).rowcount
    newest = "SELECT MAX(number) FROM damaged"
    database.execute(f"DELETE FROM damaged WHERE number <= ({newest}) - {_DAMAGED_KEPT}")  # noqa: S608
    ledger = ledgers.read(database)
    counts = replace(ledger, waiting=ledger.waiting - gone, damaged=ledger.damaged + gone)
    ledgers.write(database, counts)


def holding(database: sqlite3.Connection) -> OutboxStatistics:
    """What the file holds: pages that are free for reuse do not count."""
    ledger = ledgers.read(database)
    pages, free, page_bytes = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return OutboxStatistics(ledger.waiting, (pages - free) * page_bytes, ledger.thinned, ledger.damaged)


def make_room(database: sqlite3.Connection, limit: Limit, halving: Decimation) -> OutboxStatistics:
    """Thin while more is held than the limit allows, as far as one commit may; what is held then."""
    held = holding(database)
    if not is_over(held, limit, 1.0):
        return held
    rounds_ended = 0
    for _ in range(_PORTIONS_PER_COMMIT):
        if not _thin_portion(database, held, halving):
            rounds_ended += 1
            if rounds_ended > 1:
                break  # a whole round gave nothing: all that is left must be kept
        held = holding(database)
        if not is_over(held, limit, 1.0 - ROOM_TO_MAKE):
            break
    return held


def is_over(held: OutboxStatistics, limit: Limit, part: float) -> bool:
    """Whether more is held than this part of the limit."""
    too_large = limit.size_bytes is not None and held.size_bytes > part * limit.size_bytes
    return too_large or (limit.records is not None and held.waiting > part * limit.records)


def _thin_portion(database: sqlite3.Connection, held: OutboxStatistics, halving: Decimation) -> bool:
    """Thin the next records of the round; False where it has come to its end and another begins."""
    ledger = ledgers.read(database)
    newest: int = database.execute("SELECT MAX(position) FROM records").fetchone()[0] or 0
    bounds = (ledger.swept, newest - held.waiting // 2, _ROWS_PER_PORTION)
    query = f"{_READ} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
    values: list[Any] = database.execute(query, bounds).fetchall()
    if not values:
        halving.begin()
        ledgers.write(database, replace(ledger, round=ledger.round + 1, swept=0))
        return False
    rows = _without_damaged(database, values)
    lamps = ((each.row.position, _thinnable_device(each), ledger.round - each.row.rounds) for each in rows)
    dropped = set(halving.dropped(lamps))
    # Written anew, for a page that has lost every second record is half empty and not free.
    database.execute("DELETE FROM records WHERE position BETWEEN ? AND ?", (values[0][0], values[-1][0]))
    insert(database, [_thinned(each.row, ledger.round) for each in rows if each.row.position not in dropped])
    ledger = ledgers.read(database)
    waiting, thinned = ledger.waiting - len(dropped), ledger.thinned + len(dropped)
    ledgers.write(database, replace(ledger, waiting=waiting, thinned=thinned, swept=values[-1][0]))
    return True


def _without_damaged(database: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> list[ValidRow]:
    looked_at = [(values[0], sound(values)) for values in rows]
    set_aside(database, [position for position, found in looked_at if found is None])
    return [found for _, found in looked_at if found is not None]


def _thinned(row: Row, this_round: int) -> Row:
    return row if row.rounds == ALWAYS_KEPT else row._replace(rounds=max(row.rounds, this_round))


def _thinnable_device(each: ValidRow) -> str | None:
    return None if each.row.rounds == ALWAYS_KEPT else device_of(each.record)


def begin_correction(database: sqlite3.Connection, shift: timedelta) -> None:
    """From now on it is known how far provisional times are off; a restart in between forgets nothing."""
    database.execute("DELETE FROM correction")
    database.execute("INSERT INTO correction (shift_ms) VALUES (?)", (shift // timedelta(milliseconds=1),))


def correct(database: sqlite3.Connection, shifted: Callable[[Record, timedelta], bytes], limit: int) -> int:
    """Put the times of at most `limit` records right; how many there were, 0 when all is done."""
    row = database.execute("SELECT CAST(shift_ms AS INTEGER) FROM correction").fetchone()
    if row is None:
        return 0
    shift = timedelta(milliseconds=row[0] or 0)
    ledger = ledgers.read(database)
    query = f"{_READ} WHERE position >= ? AND untimed IS NOT 0 ORDER BY position LIMIT ?"
    wrong: list[Any] = database.execute(query, (ledger.untimed_from, limit)).fetchall()
    right = [
        each.row._replace(body=shifted(each.record, shift), untimed=False)
        for each in _without_damaged(database, wrong)
    ]
    database.executemany(
        "UPDATE records SET body = ?, untimed = 0, checksum = ? WHERE position = ?",
        [(row.body, row.checksum, row.position) for row in right],
    )
    ledger = ledgers.read(database)
    ledgers.write(database, replace(ledger, untimed_from=wrong[-1][0] if wrong else 0))
    if not wrong:
        database.execute("DELETE FROM correction")
    return len(wrong)
