"""What the gateway has to tell: on disk before it is sent, and kept until the cloud has stored it."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import structlog

from edge import shelf
from edge.disk import TROUBLE, SqliteFile
from edge.shelf import ALWAYS_KEPT, Holding, Limit
from edge.thinning import ChangeWatch, Halving, device_of
from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading
from protocols.records import Record, decode_record, encode_record, kind_of

__all__ = ["Outbox", "Record", "StoredRecord"]

log = structlog.get_logger(__name__)

_RETRY_S = 1.0
_FORGET_S = 1.0
_ROWS_PER_COMMIT = 2000
_ROWS_IN_MEMORY = 20_000
_ROOM_AGAIN = 0.9
_NO_LIMIT = Limit()


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record on disk and its position: rising, and never used twice within the outbox's epoch."""

    position: int
    record: Record


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A record that is not on disk yet; it may go unless `keep`, and be sent only if it is `timed`."""

    record: Record
    keep: bool
    timed: bool


class Outbox:
    """Records in the order they came; `epoch` names this outbox file among all a gateway may have had.

    A disk that cannot be written does not stop anything: records wait in memory, and it is said once.
    """

    def __init__(self, path: Path, wall_ms: Callable[[], int], limit: Limit = _NO_LIMIT) -> None:
        self.epoch = 0
        self.opened = asyncio.Event()
        self._file = SqliteFile(path, shelf.SCHEMA, shelf.prepare)
        self._wall_ms = wall_ms
        self._limit = limit
        self._changes = ChangeWatch()
        self._halving = Halving()
        self._next_position = 1
        self._waiting: list[_Waiting] = []
        self._acknowledged: list[tuple[int, int]] = []
        self._shift: timedelta | None = None
        self._moved_some = False
        self._work = asyncio.Event()
        self._holding = Holding()
        self._failing = False
        self._dropped = 0
        self._full = False

    @property
    def disk(self) -> SqliteFile:
        """The file it lies in."""
        return self._file

    @property
    def holding(self) -> Holding:
        """What is on disk, as of the last commit."""
        return self._holding

    @property
    def unwritten(self) -> int:
        """How many records wait for the disk."""
        return len(self._waiting)

    @property
    def is_failing(self) -> bool:
        """Whether the disk cannot be written now."""
        return self._failing

    async def open(self) -> None:
        """Open or create the file and go on behind the last position ever given."""
        await self._file.open()
        created_ms = self._wall_ms()
        self.epoch, last = await self._file.run(lambda database: shelf.identify(database, created_ms))
        self._next_position = last + 1
        await self._finish_correction()
        self._holding = await self._file.run(shelf.holding)
        self.opened.set()

    async def close(self) -> None:
        """Write what still waits and close the file."""
        try:
            while self._file.is_open and (self._waiting or self._acknowledged):
                await self._commit()
        except sqlite3.Error as error:
            self._report_failure(error)
        await self._file.close()

    def append(self, record: Record, *, timed: bool = True) -> None:
        """Take a record to be made durable at once; one whose time is provisional waits to be put right."""
        keep = not isinstance(record, LampReading | CabinetReading) or self._changes.is_change(record)
        self._waiting.append(_Waiting(record, keep, timed))
        self._work.set()

    def put_times_right(self, shift: timedelta) -> None:
        """The time is known at last: move provisional times by `shift`, and let their records go."""
        self._shift = shift
        self._moved_some = any(not each.timed for each in self._waiting)
        self._waiting = [
            each if each.timed else replace(each, record=_moved(each.record, shift), timed=True)
            for each in self._waiting
        ]
        self._work.set()

    def acknowledge(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Forget the records in these ranges, ends included: the cloud has them.

        That is written along with the next records, or by itself a little later: forgetting is not urgent.
        """
        if not self._acknowledged:
            asyncio.get_running_loop().call_later(_FORGET_S, self._work.set)
        self._acknowledged.extend(ranges)

    async def run(
        self,
        on_durable: Callable[[Sequence[StoredRecord]], None],
        on_corrected: Callable[[], None] = lambda: None,
    ) -> None:
        """Open if that was not done, then commit as records come and hand them on; ends when cancelled.

        There is no delay to gather more: while one commit runs the next one gathers by itself. When times
        were put right, `on_corrected` says that there are more records to be sent than was known.
        """
        while True:
            try:
                if not self.opened.is_set():
                    await self.open()
                await self._work.wait()
                self._work.clear()
                durable = await self._commit()
                corrected = await self._correct()
            except TROUBLE as error:
                self._report_failure(error)
                await asyncio.sleep(_RETRY_S)
                self._work.set()
                continue
            self._report_recovery()
            if self._waiting:
                self._work.set()
            if durable:
                on_durable(durable)
            if corrected:
                on_corrected()

    async def after(self, position: int, limit: int) -> list[StoredRecord]:
        """The oldest records behind `position` that may be sent, at most `limit`."""
        rows = await self._file.run(lambda database: shelf.select(database, position, limit))
        return [StoredRecord(at, decode_record(kind, body)) for at, kind, body in rows]

    async def count(self) -> int:
        """How many records wait for the cloud."""
        return (await self._file.run(shelf.holding)).waiting

    async def _commit(self) -> list[StoredRecord]:
        batch, first = self._waiting[:_ROWS_PER_COMMIT], self._next_position
        ranges = self._acknowledged[:]
        try:
            self._holding = await self._file.run(lambda database: self._write(database, first, batch, ranges))
        except sqlite3.OperationalError:
            if ranges and batch:
                # What the cloud has can go even where nothing can be added, and that makes room.
                await self._file.run(lambda database: shelf.write(database, [], ranges))
                del self._acknowledged[: len(ranges)]
            raise
        del self._waiting[: len(batch)]
        del self._acknowledged[: len(ranges)]
        self._next_position += len(batch)
        self._report_thinning()
        return [StoredRecord(at, each.record) for at, each in enumerate(batch, first) if each.timed]

    def _write(
        self,
        database: sqlite3.Connection,
        first: int,
        batch: Sequence[_Waiting],
        ranges: Sequence[tuple[int, int]],
    ) -> Holding:
        rows = [
            (
                at,
                kind_of(each.record),
                encode_record(each.record),
                ALWAYS_KEPT if each.keep else 0,
                not each.timed,
            )
            for at, each in enumerate(batch, first)
        ]
        shelf.write(database, rows, ranges)
        return shelf.make_room(database, self._limit, self._halving)

    async def _correct(self) -> bool:
        shift = self._shift
        if shift is None:
            return False
        await self._file.run(lambda database: shelf.begin_correction(database, shift))
        self._shift = None
        moved_on_disk = await self._finish_correction()
        return moved_on_disk or self._moved_some

    async def _finish_correction(self) -> bool:
        moved = False
        while await self._file.run(lambda database: shelf.correct(database, _moved_body, _ROWS_PER_COMMIT)):
            moved = True
        return moved

    def _report_failure(self, error: Exception) -> None:
        if not self._failing:
            self._failing = True
            log.error("outbox cannot be written", why=str(error), waiting=len(self._waiting))
        if len(self._waiting) > _ROWS_IN_MEMORY:
            self._thin_waiting()

    def _thin_waiting(self) -> None:
        """The same order as on disk; what must be kept stays, whatever it takes."""
        halving = Halving()
        lamps = (
            (index, None if each.keep else device_of(each.record), 1)
            for index, each in enumerate(self._waiting)
        )
        dropped = set(halving.dropped(lamps))
        self._waiting = [each for index, each in enumerate(self._waiting) if index not in dropped]
        if dropped and not self._dropped:
            log.error("readings that cannot be written are thinned", waiting=len(self._waiting))
        self._dropped += len(dropped)

    def _report_recovery(self) -> None:
        if self._failing:
            self._failing = False
            log.info("outbox can be written again", waiting=len(self._waiting), thinned=self._dropped)
            self._dropped = 0

    def _report_thinning(self) -> None:
        if not self._full and shelf.is_over(self._holding, self._limit, 1.0 - shelf.ROOM_TO_MAKE):
            self._full = True
            log.warning(
                "outbox is full: older readings are thinned", holding=self._holding, limit=self._limit
            )
        elif self._full and not shelf.is_over(self._holding, self._limit, _ROOM_AGAIN):
            self._full = False
            log.info("outbox has room again", holding=self._holding)


def _moved(record: Record, shift: timedelta) -> Record:
    return replace(record, time=record.time + shift)


def _moved_body(kind: str, body: bytes, shift: timedelta) -> bytes:
    return encode_record(_moved(decode_record(kind, body), shift))
