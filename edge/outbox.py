"""What the gateway has to tell: on disk before it is sent, and kept until the cloud has stored it."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from edge.disk import SqliteFile
from protocols.events import DeviceEvent
from protocols.lamp import CommandResult, LampReading

Record = LampReading | DeviceEvent | CommandResult

log = structlog.get_logger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS identity (epoch INTEGER NOT NULL);
"""
_RETRY_S = 1.0
_FORGET_S = 1.0
_ROWS_PER_COMMIT = 2000
_ROWS_IN_MEMORY = 20_000

_ENCODER = msgspec.msgpack.Encoder()
_KINDS: dict[type[Record], str] = {LampReading: "reading", DeviceEvent: "event", CommandResult: "result"}
_DECODERS: dict[str, msgspec.msgpack.Decoder[Record]] = {
    kind: msgspec.msgpack.Decoder(type_) for type_, kind in _KINDS.items()
}

_Row = tuple[int, str, bytes]


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record on disk and its position: rising, and never used twice within the outbox's epoch."""

    position: int
    record: Record


class Outbox:
    """Records in the order they came; `epoch` names this outbox file among all a gateway may have had."""

    def __init__(self, path: Path, wall_ms: Callable[[], int]) -> None:
        self.epoch = 0
        self._file = SqliteFile(path, _SCHEMA)
        self._wall_ms = wall_ms
        self._next_position = 1
        self._waiting: list[StoredRecord] = []
        self._acknowledged: list[tuple[int, int]] = []
        self._work = asyncio.Event()
        self._failing = False

    async def open(self) -> None:
        """Open or create the file and go on behind the last position ever given."""
        await self._file.open()
        created_ms = self._wall_ms()
        self.epoch, last = await self._file.run(lambda database: _identify(database, created_ms))
        self._next_position = last + 1

    async def close(self) -> None:
        """Write what still waits and close the file."""
        try:
            while self._waiting or self._acknowledged:
                await self._commit()
        except sqlite3.Error as error:
            self._report_failure(error)
        await self._file.close()

    def append(self, record: Record) -> int:
        """Take a record to be made durable at once; returns its position."""
        position = self._next_position
        self._next_position += 1
        self._waiting.append(StoredRecord(position, record))
        self._work.set()
        return position

    def acknowledge(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Forget the records in these ranges, ends included: the cloud has them.

        That is written along with the next records, or by itself a little later: forgetting is not urgent.
        """
        if not self._acknowledged:
            asyncio.get_running_loop().call_later(_FORGET_S, self._work.set)
        self._acknowledged.extend(ranges)

    async def run(self, on_durable: Callable[[Sequence[StoredRecord]], None]) -> None:
        """Commit as records come, all that wait at a time, and hand them on; ends when cancelled.

        There is no delay to gather more: while one commit runs the next one gathers by itself.
        """
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                durable = await self._commit()
            except sqlite3.Error as error:
                self._report_failure(error)
                await asyncio.sleep(_RETRY_S)
                self._work.set()
                continue
            self._report_recovery()
            if self._waiting:
                self._work.set()
            if durable:
                on_durable(durable)

    async def after(self, position: int, limit: int) -> list[StoredRecord]:
        """The oldest records behind `position`, at most `limit`."""
        rows = await self._file.run(lambda database: _select(database, position, limit))
        return [StoredRecord(at, _DECODERS[kind].decode(body)) for at, kind, body in rows]

    async def count(self) -> int:
        """How many records wait for the cloud."""
        return await self._file.run(_count)

    async def _commit(self) -> list[StoredRecord]:
        batch = self._waiting[:_ROWS_PER_COMMIT]
        ranges = self._acknowledged[:]
        await self._file.run(lambda database: _write(database, batch, ranges))
        del self._waiting[: len(batch)]
        del self._acknowledged[: len(ranges)]
        return batch

    def _report_failure(self, error: sqlite3.Error) -> None:
        if not self._failing:
            self._failing = True
            log.error("outbox cannot be written", why=str(error), waiting=len(self._waiting))
        excess = len(self._waiting) - _ROWS_IN_MEMORY
        if excess > 0:
            del self._waiting[:excess]
            log.error("outbox dropped its oldest unwritten records", dropped=excess, kept=_ROWS_IN_MEMORY)

    def _report_recovery(self) -> None:
        if self._failing:
            self._failing = False
            log.info("outbox can be written again", waiting=len(self._waiting))


def _identify(database: sqlite3.Connection, created_ms: int) -> tuple[int, int]:
    row = database.execute("SELECT epoch FROM identity").fetchone()
    if row is None:
        database.execute("INSERT INTO identity (epoch) VALUES (?)", (created_ms,))
    last = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
    return (row[0] if row else created_ms), (last[0] if last else 0)


def _write(
    database: sqlite3.Connection, batch: Sequence[StoredRecord], ranges: Sequence[tuple[int, int]]
) -> None:
    rows: list[_Row] = [
        (each.position, _KINDS[type(each.record)], _ENCODER.encode(each.record)) for each in batch
    ]
    # A commit whose waiting task was cancelled is made again by close(): the same rows, ignored.
    database.executemany("INSERT OR IGNORE INTO records (position, kind, body) VALUES (?, ?, ?)", rows)
    database.executemany("DELETE FROM records WHERE position BETWEEN ? AND ?", ranges)


def _select(database: sqlite3.Connection, position: int, limit: int) -> list[_Row]:
    query = "SELECT position, kind, body FROM records WHERE position > ? ORDER BY position LIMIT ?"
    return database.execute(query, (position, limit)).fetchall()


def _count(database: sqlite3.Connection) -> int:
    count: int = database.execute("SELECT COUNT(*) FROM records").fetchone()[0]
    return count
