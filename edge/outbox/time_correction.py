"""Provisional times on disk, corrected once the time is known; a restart in between loses nothing of it."""

import sqlite3
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from edge.outbox import metadata, tables
from protocols.transfer.records import encode_record

_ROWS_PER_COMMIT: Final = 2000


@dataclass(frozen=True, slots=True)
class Correction:
    """How far provisional times are off, and whether records in memory had such times."""

    shift: timedelta
    corrected_pending: bool


def begin(database: sqlite3.Connection, shift: timedelta) -> None:
    """Store how far provisional times are off, so that the correction goes on after a restart."""
    database.execute("DELETE FROM correction")
    shift_ms = shift // timedelta(milliseconds=1)
    database.execute("INSERT INTO correction (shift_ms) VALUES (?)", (shift_ms,))


def correct_some(database: sqlite3.Connection) -> int:
    """Correct the next rows; return how many there were, 0 when all is done.

    In portions: weeks without a clock leave more records than one transaction should hold.
    """
    stored = database.execute("SELECT CAST(shift_ms AS INTEGER) FROM correction").fetchone()
    if stored is None:
        return 0
    # A damaged value is taken for no shift: the records must not wait for ever.
    shift = timedelta(milliseconds=stored[0] or 0)
    untimed_from = metadata.load(database).untimed_from
    query = f"{tables.SELECT} WHERE position >= ? AND untimed IS NOT 0 ORDER BY position LIMIT ?"
    values: list[Any] = database.execute(query, (untimed_from, _ROWS_PER_COMMIT)).fetchall()
    corrected = [
        each.row._replace(
            body=encode_record(replace(each.record, time=each.record.time + shift)), untimed=False
        )
        for each in tables.without_damaged(database, values)
    ]
    database.executemany(
        "UPDATE records SET body = ?, untimed = 0, checksum = ? WHERE position = ?",
        [(row.body, row.checksum, row.position) for row in corrected],
    )
    # Setting damaged rows aside has changed the metadata meanwhile.
    metadata.save(database, replace(metadata.load(database), untimed_from=values[-1][0] if values else 0))
    if not values:
        database.execute("DELETE FROM correction")
    return len(values)
