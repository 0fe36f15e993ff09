"""The outbox of a gateway that may be running, read and written by another process: the offline transfer."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from edge.outbox import metadata, tables

_RECORDS_PER_COMMIT: Final = 10_000
"""A full disk has no room for a long write-ahead log, and the gateway waits for its lock meanwhile."""


class OfflineOutbox:
    """An outbox file through a connection of one's own. All methods raise sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def lock(self) -> None:
        """Keep others from writing until `forget` commits or the connection is closed."""
        self._database.execute("BEGIN IMMEDIATE")

    def epoch(self) -> int | None:
        """Return the epoch; None where the gateway has never run on this file."""
        return metadata.load_epoch(self._database)

    def last_position(self) -> int:
        """Return the position of the newest record, 0 for none."""
        newest: int | None = self._database.execute("SELECT MAX(position) FROM records").fetchone()[0]
        return newest or 0

    def records(self, after: int, limit: int) -> list[tuple[int, str, bytes]]:
        """Return position, kind and encoding of the oldest records to be sent; damaged ones are skipped."""
        # Not set aside from here: the gateway does that itself when it reads them, and this only reads.
        selected: list[tuple[int, str, bytes]] = []
        for _, found in tables.read_after(self._database, after):
            if found is not None:
                selected.append((found.row.position, found.row.kind, found.row.body))
            if len(selected) == limit:
                break
        return selected

    def forget(self, ranges: Sequence[tuple[int, int]]) -> Iterator[int]:
        """Delete the records in these ranges, ends included; yield how many with each commit."""
        for portion in self._portions(ranges):
            # The first transaction is the one that `lock` began: what was read under it is still true.
            with self._database:
                if not self._database.in_transaction:
                    self.lock()
                before = metadata.load(self._database).waiting
                tables.commit(self._database, [], portion)
                count = before - metadata.load(self._database).waiting
            yield count

    def _portions(self, ranges: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
        """Cut the ranges so that none of the lists holds more records than one commit may delete."""
        within = "SELECT position FROM records WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"
        query = f"SELECT MAX(position), COUNT(*) FROM ({within})"  # noqa: S608 - of the line above
        portion: list[tuple[int, int]] = []
        room = _RECORDS_PER_COMMIT
        for start, end in ranges:
            first = start
            while (found := self._database.execute(query, (first, end, room)).fetchone())[1]:
                portion.append((first, found[0]))
                first, room = found[0] + 1, room - found[1]
                if room == 0:
                    yield portion
                    portion, room = [], _RECORDS_PER_COMMIT
        if portion:
            yield portion
