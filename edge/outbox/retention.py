"""Keeps the outbox within its limit: decimates the older half of what it holds, portion by portion."""

import sqlite3
from dataclasses import dataclass, replace
from typing import Any, Final

from edge.outbox import metadata, tables
from edge.outbox.decimation import Decimation
from edge.outbox.tables import ALWAYS_KEPT, SELECT, OutboxStatistics

ROOM_TO_MAKE: Final = 0.02
"""Our choice: decimation goes on until this part is free, or it would begin again with each record."""

_ROWS_PER_PORTION = 500
_PORTIONS_PER_COMMIT = 20
"""Our choice: a commit that decimates must not hold up new records for long, the next one goes on."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much an outbox may hold; None is no limit of that kind."""

    size_bytes: int | None = None
    records: int | None = None


def is_over(held: OutboxStatistics, limit: Limit, part: float) -> bool:
    """Return whether more is held than this part of the limit."""
    too_large = limit.size_bytes is not None and held.size_bytes > part * limit.size_bytes
    return too_large or (limit.records is not None and held.waiting > part * limit.records)


def make_room(database: sqlite3.Connection, limit: Limit, decimation: Decimation) -> OutboxStatistics:
    """Decimate while more is held than the limit allows, as far as one commit may; return what is left."""
    held = tables.statistics(database)
    if not is_over(held, limit, 1.0):
        return held
    passes_ended = 0
    for _ in range(_PORTIONS_PER_COMMIT):
        if not _decimate_portion(database, held, decimation):
            passes_ended += 1
            if passes_ended > 1:
                break  # a whole pass gave nothing: all that is left must be kept
        held = tables.statistics(database)
        if not is_over(held, limit, 1.0 - ROOM_TO_MAKE):
            break
    return held


def _decimate_portion(database: sqlite3.Connection, held: OutboxStatistics, decimation: Decimation) -> bool:
    """Decimate the next rows of the pass; return False where it has ended and another begins."""
    before = metadata.load(database)
    newest: int = database.execute("SELECT MAX(position) FROM records").fetchone()[0] or 0
    bounds = (before.cursor, newest - held.waiting // 2, _ROWS_PER_PORTION)
    query = f"{SELECT} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
    values: list[Any] = database.execute(query, bounds).fetchall()
    if not values:
        decimation.begin_pass()
        metadata.save(database, replace(before, pass_number=before.pass_number + 1, cursor=0))
        return False
    valid = tables.without_damaged(database, values)
    candidates = (
        (
            each.row.position,
            None if each.row.passes == ALWAYS_KEPT else each.record.device_id,
            before.pass_number - each.row.passes,
        )
        for each in valid
    )
    dropped = set(decimation.dropped(candidates))
    kept = [
        each.row
        if each.row.passes == ALWAYS_KEPT
        else each.row._replace(passes=max(each.row.passes, before.pass_number))
        for each in valid
        if each.row.position not in dropped
    ]
    # Written again as a whole, for a page that has lost every second row is half empty but not free.
    database.execute("DELETE FROM records WHERE position BETWEEN ? AND ?", (values[0][0], values[-1][0]))
    tables.insert(database, kept)
    # Setting damaged rows aside has changed the counts meanwhile.
    counts = metadata.load(database)
    waiting, decimated = counts.waiting - len(dropped), counts.decimated + len(dropped)
    metadata.save(database, replace(counts, waiting=waiting, decimated=decimated, cursor=values[-1][0]))
    return True
