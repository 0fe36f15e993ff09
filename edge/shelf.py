"""The outbox's tables: records by position, what was thinned, and times that are still to be put right."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from edge.thinning import Halving, device_of
from protocols.records import decode_record

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    rounds INTEGER NOT NULL DEFAULT -1,
    untimed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS identity (epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tally (
    waiting INTEGER NOT NULL, thinned INTEGER NOT NULL, round INTEGER NOT NULL, swept INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS correction (shift_ms INTEGER NOT NULL);
"""
_INDEX = "CREATE INDEX IF NOT EXISTS untimed_records ON records (position) WHERE untimed"
_LATER_COLUMNS = {"rounds": "INTEGER NOT NULL DEFAULT -1", "untimed": "INTEGER NOT NULL DEFAULT 0"}

_COLUMNS = "position, kind, body, rounds, untimed"
ALWAYS_KEPT: Final = -1
"""In place of the rounds of thinning a record has been through."""

_ROWS_PER_PORTION = 500
_PORTIONS_PER_COMMIT = 20
ROOM_TO_MAKE: Final = 0.02
"""Thinning goes on until this part of the limit is free, so that it does not begin anew with each record."""

Row = tuple[int, str, bytes, int, bool]
"""Position, kind, body, rounds of thinning it has been through, whether its time is provisional."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much an outbox may hold; None is no limit of that kind."""

    size_bytes: int | None = None
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What an outbox holds now, and how many readings it has ever dropped for want of room."""

    waiting: int = 0
    size_bytes: int = 0
    thinned: int = 0


def prepare(database: sqlite3.Connection) -> None:
    """Bring the tables of an older version up to date."""
    present = {row[1] for row in database.execute("PRAGMA table_info(records)")}
    for column, kind in _LATER_COLUMNS.items():
        if column not in present:
            database.execute(f"ALTER TABLE records ADD COLUMN {column} {kind}")
    database.execute(_INDEX)
    if database.execute("SELECT 1 FROM tally").fetchone() is None:
        database.execute("INSERT INTO tally SELECT COUNT(*), 0, 1, 0 FROM records")


def identify(database: sqlite3.Connection, created_ms: int) -> tuple[int, int]:
    """The epoch, begun at `created_ms` in a new file, and the last position ever given."""
    row = database.execute("SELECT epoch FROM identity").fetchone()
    if row is None:
        database.execute("INSERT INTO identity (epoch) VALUES (?)", (created_ms,))
    last = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
    return (row[0] if row else created_ms), (last[0] if last else 0)


def write(database: sqlite3.Connection, rows: Sequence[Row], ranges: Sequence[tuple[int, int]]) -> None:
    """Add rows and forget the positions in `ranges`, ends included."""
    change = 0
    if rows:
        # A commit whose waiting task was cancelled is made again at the close: the same rows, ignored.
        insert = f"INSERT OR IGNORE INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
        change += database.executemany(insert, rows).rowcount
    if ranges:
        change -= database.executemany("DELETE FROM records WHERE position BETWEEN ? AND ?", ranges).rowcount
    database.execute("UPDATE tally SET waiting = waiting + ?", (change,))


def select(database: sqlite3.Connection, position: int, limit: int) -> list[tuple[int, str, bytes]]:
    """The oldest records behind `position` whose time is right, at most `limit`."""
    condition = "position > ? AND NOT untimed"
    query = f"SELECT position, kind, body FROM records WHERE {condition} ORDER BY position LIMIT ?"  # noqa: S608
    return database.execute(query, (position, limit)).fetchall()


def holding(database: sqlite3.Connection) -> Holding:
    """What the file holds: pages that are free for reuse do not count."""
    waiting, thinned = database.execute("SELECT waiting, thinned FROM tally").fetchone()
    pages, free, page_bytes = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return Holding(waiting, (pages - free) * page_bytes, thinned)


def make_room(database: sqlite3.Connection, limit: Limit, halving: Halving) -> Holding:
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


def is_over(held: Holding, limit: Limit, part: float) -> bool:
    """Whether more is held than this part of the limit."""
    too_large = limit.size_bytes is not None and held.size_bytes > part * limit.size_bytes
    return too_large or (limit.records is not None and held.waiting > part * limit.records)


def _thin_portion(database: sqlite3.Connection, held: Holding, halving: Halving) -> bool:
    """Thin the next records of the round; False where it has come to its end and another begins."""
    this_round, swept = database.execute("SELECT round, swept FROM tally").fetchone()
    last: int = database.execute("SELECT MAX(position) FROM records").fetchone()[0] or 0
    query = (
        f"SELECT {_COLUMNS} FROM records WHERE position > ? AND position <= ?"  # noqa: S608
        " ORDER BY position LIMIT ?"
    )
    bounds = (swept, last - held.waiting // 2, _ROWS_PER_PORTION)
    rows: list[Row] = database.execute(query, bounds).fetchall()
    if not rows:
        halving.begin()
        database.execute("UPDATE tally SET round = round + 1, swept = 0")
        return False
    dropped = set(halving.dropped((row[0], _thinnable_device(row), this_round - row[3]) for row in rows))
    # Written anew, for a page that has lost every second record is half empty and not free.
    database.execute("DELETE FROM records WHERE position BETWEEN ? AND ?", (rows[0][0], rows[-1][0]))
    database.executemany(
        f"INSERT INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
        [_thinned(row, this_round) for row in rows if row[0] not in dropped],
    )
    database.execute(
        "UPDATE tally SET waiting = waiting - ?, thinned = thinned + ?, swept = ?",
        (len(dropped), len(dropped), rows[-1][0]),
    )
    return True


def _thinned(row: Row, this_round: int) -> Row:
    position, kind, body, rounds, untimed = row
    return position, kind, body, rounds if rounds == ALWAYS_KEPT else max(rounds, this_round), untimed


def _thinnable_device(row: Row) -> str | None:
    _, kind, body, rounds, _ = row
    return None if rounds == ALWAYS_KEPT else device_of(decode_record(kind, body))


def begin_correction(database: sqlite3.Connection, shift: timedelta) -> None:
    """From now on it is known how far provisional times are off; a restart in between forgets nothing."""
    database.execute("DELETE FROM correction")
    database.execute("INSERT INTO correction (shift_ms) VALUES (?)", (shift // timedelta(milliseconds=1),))


def correct(
    database: sqlite3.Connection, shifted: Callable[[str, bytes, timedelta], bytes], limit: int
) -> int:
    """Put the times of at most `limit` records right; how many there were, 0 when all is done."""
    row = database.execute("SELECT shift_ms FROM correction").fetchone()
    if row is None:
        return 0
    shift = timedelta(milliseconds=row[0])
    query = "SELECT kind, body, position FROM records WHERE untimed ORDER BY position LIMIT ?"
    wrong: list[Any] = database.execute(query, (limit,)).fetchall()
    database.executemany(
        "UPDATE records SET body = ?, untimed = 0 WHERE position = ?",
        [(shifted(kind, body, shift), position) for kind, body, position in wrong],
    )
    if not wrong:
        database.execute("DELETE FROM correction")
    return len(wrong)
