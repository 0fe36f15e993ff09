"""What the gateway has to tell: on disk before it is sent, and kept until the cloud has stored it."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from edge.outbox import metadata as ledgers
from edge.outbox import recovery as salvage
from edge.outbox import tables as shelf
from edge.outbox.metadata import OutboxMetadata
from edge.outbox.retention import ChangeWatch, Decimation, Waiting, thinned
from edge.outbox.tables import ALWAYS_KEPT, Limit, OutboxStatistics, Row
from edge.storage.page_reader import SqlitePageReader
from edge.storage.sqlite_file import TROUBLE, RecoveryHooks, SqliteFile, Work, is_damage
from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading
from protocols.transfer.records import Record, encode_record, kind_of

log = structlog.get_logger(__name__)

_ANY_TROUBLE = (sqlite3.DatabaseError, UnicodeDecodeError, OSError)
_RETRY_S = 1.0
_FORGET_S = 1.0
_RENEW_EVERY_S = 60.0
_ROWS_PER_COMMIT = 2000
_ROWS_IN_MEMORY = 20_000
_ROOM_AGAIN = 0.9
_NO_LIMIT = Limit()


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record on disk and its position: rising, and never used twice within the outbox's epoch."""

    position: int
    record: Record


class Outbox:
    """Records in the order they came; `epoch` names this outbox file among all a gateway may have had.

    A disk that cannot be written does not stop anything: records wait in memory, and it is said once. Nor
    does a damaged file: what can be read of it goes on, what cannot is set aside, told and counted.
    """

    def __init__(self, path: Path, wall_ms: Callable[[], int], limit: Limit = _NO_LIMIT) -> None:
        self.epoch = 0
        self.opened = asyncio.Event()
        self._file = SqliteFile(path, shelf.SCHEMA, shelf.prepare, RecoveryHooks(self._salvage, self._behind))
        self._wall_ms = wall_ms
        self._limit = limit
        self._changes = ChangeWatch()
        self._halving = Decimation()
        self._next_position = 1
        self._waiting: list[Waiting] = []
        self._waiting_halving = Decimation()
        self._waiting_round = 1
        self._acknowledged: list[tuple[int, int]] = []
        self._damaged: set[int] = set()
        self._shift: timedelta | None = None
        self._moved_some = False
        self._work = asyncio.Event()
        self._holding = OutboxStatistics()
        self._failing = False
        self._dropped = 0
        self._uncounted = 0
        self._full = False
        self._damage: Exception | None = None
        self._renewed_at = float("-inf")
        self._saved: salvage.RecoveryReport | None = None
        self._damage_told = False
        self._unreadable = False

    @property
    def disk(self) -> SqliteFile:
        """The file it lies in."""
        return self._file

    @property
    def holding(self) -> OutboxStatistics:
        """What is on disk as of the last commit, and what went of that which is not."""
        return replace(self._holding, thinned=self._holding.thinned + self._uncounted)

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
        if not self._file.is_open:
            await self._file.open()
        created_ms = self._wall_ms()
        ledger = await self._file.run(lambda database: ledgers.take_up(database, created_ms))
        self.epoch, self._next_position = ledger.epoch, ledger.last + 1
        await self._finish_correction()
        self._holding = await self._file.run(shelf.holding)
        self.opened.set()

    async def close(self) -> None:
        """Write what still waits and close the file."""
        try:
            while self._file.is_open and (self._waiting or self._acknowledged or self._damaged):
                await self._commit()
        except sqlite3.Error as error:
            self._report_failure(error)
        await self._file.close()

    def append(self, record: Record, *, timed: bool = True) -> None:
        """Take a record to be made durable at once; one whose time is provisional waits to be put right."""
        keep = not isinstance(record, LampReading | CabinetReading) or self._changes.is_change(record)
        self._waiting.append(Waiting(record, keep, timed))
        self._work.set()

    def put_times_right(self, shift: timedelta) -> None:
        """The time is known at last: move provisional times by `shift`, and let their records go.

        By whole milliseconds, as is kept on disk: a record that is being written now is moved here and there.
        """
        shift = timedelta(milliseconds=shift // timedelta(milliseconds=1))
        self._shift = shift
        self._moved_some = any(not each.timed for each in self._waiting)
        for each in self._waiting:
            if not each.timed:
                each.record, each.timed = _moved(each.record, shift), True
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
        on_damage: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open if that was not done, then commit as records come and hand them on; ends when cancelled.

        There is no delay to gather more: while one commit runs the next one gathers by itself. When times
        were put right, `on_corrected` says that there are more records to be sent than was known; `on_damage`
        is told once what was lost, or may have been.
        """
        while True:
            try:
                await self._get_ready()
                self._tell_damage(on_damage)
                await self._work.wait()
                self._work.clear()
                durable = await self._commit()
                corrected = await self._correct()
            except _ANY_TROUBLE as error:
                await self._survive(error)
                continue
            self._report_recovery()
            if self._waiting:
                self._work.set()
            if durable:
                on_durable(durable)
            if corrected:
                on_corrected()

    async def _get_ready(self) -> None:
        damage, self._damage = self._damage, None
        if damage is not None and time.monotonic() > self._renewed_at + _RENEW_EVERY_S:
            self._renewed_at = time.monotonic()
            await self._file.renew(damage)
            await self.open()
        elif not self.opened.is_set() or not self._file.is_open:
            await self.open()

    async def _survive(self, error: Exception) -> None:
        if is_damage(error):
            self._damage = error
        elif not isinstance(error, TROUBLE):
            raise error
        self._report_failure(error)
        await asyncio.sleep(_RETRY_S)
        self._work.set()

    async def after(self, position: int, limit: int) -> list[StoredRecord]:
        """The oldest records behind `position` that may be sent, at most `limit`; damaged ones go aside."""
        found, damaged = await self._file.read(lambda database: _look(database, position, limit))
        if damaged:
            self._damaged.update(damaged)
            self._work.set()
        return found

    async def backlog(self, position: int, limit: int) -> list[StoredRecord] | None:
        """As `after`; None while the file cannot be read, which is said once and passes."""
        if not self.opened.is_set() or not self._file.is_open:
            return None
        try:
            found = await self.after(position, limit)
        except _ANY_TROUBLE as error:
            self._report_unreadable(error)
            return None
        if self._unreadable:
            self._unreadable = False
            log.info("outbox can be read again")
        return found

    async def count(self) -> int:
        """How many records wait for the cloud."""
        return (await self._file.read(shelf.holding)).waiting

    async def _commit(self) -> list[StoredRecord]:
        batch, first = self._waiting[:_ROWS_PER_COMMIT], self._next_position
        ranges, dropped, damaged = self._acknowledged[:], self._uncounted, list(self._damaged)
        rows = [_row(at, each) for at, each in enumerate(batch, first)]

        def write(database: sqlite3.Connection) -> OutboxStatistics:
            shelf.set_aside(database, damaged)
            shelf.write(database, rows, ranges, dropped)
            return shelf.make_room(database, self._limit, self._halving)

        try:
            self._holding = await self._file.run(write)
        except sqlite3.OperationalError:
            if ranges and batch:
                # What the cloud has can go even where nothing can be added, and that makes room.
                await self._file.run(lambda database: shelf.write(database, [], ranges))
                del self._acknowledged[: len(ranges)]
            raise
        del self._waiting[: len(batch)]
        del self._acknowledged[: len(ranges)]
        self._damaged.difference_update(damaged)
        self._uncounted -= dropped
        self._next_position += len(batch)
        self._report_thinning()
        return [StoredRecord(at, each.record) for at, each in enumerate(batch, first) if each.timed]

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

    def _report_unreadable(self, error: Exception) -> None:
        if is_damage(error):
            self._damage = error
            self._work.set()
        elif not isinstance(error, TROUBLE):
            raise error
        if not self._unreadable:
            self._unreadable = True
            log.error("outbox cannot be read", why=str(error))

    def _thin_waiting(self) -> None:
        """The same order as on disk; what must be kept stays, whatever it takes."""
        left = int(_ROWS_IN_MEMORY * (1.0 - shelf.ROOM_TO_MAKE))
        before = len(self._waiting)
        for _ in range(2):
            self._waiting = thinned(self._waiting, left, self._waiting_round, self._waiting_halving)
            if len(self._waiting) <= left:
                break
            self._waiting_round += 1
            self._waiting_halving.begin()
        dropped = before - len(self._waiting)
        if dropped and not self._dropped:
            log.error("readings that cannot be written are thinned", waiting=len(self._waiting))
        self._dropped += dropped
        self._uncounted += dropped

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

    def _salvage(self, carver: SqlitePageReader, database: sqlite3.Connection, room_bytes: int) -> None:
        """Called in the file's thread, while everything here waits for it."""
        known = (
            OutboxMetadata(epoch=self.epoch, last=self._next_position - 1) if self.opened.is_set() else None
        )
        self._saved = salvage.salvage(carver, database, room_bytes, self._wall_ms(), known)

    def _behind(self, carver: SqlitePageReader, frames: int) -> Work | None:
        rows = salvage.rows_behind(carver, frames)
        return partial(self._add, rows) if rows else None

    def _add(self, rows: Sequence[Row], database: sqlite3.Connection) -> None:
        saved = salvage.add_rows(database, rows, self._wall_ms())
        self._saved = salvage.RecoveryReport(saved, same_epoch=True, is_all=True)

    def _tell_damage(self, tell: Callable[[str], None]) -> None:
        saved, self._saved = self._saved, None
        if saved is not None:
            text = f"outbox damaged: {saved.records} records saved, some may be lost"
            text += "" if saved.is_all else "; no room for the others"
            text += "" if saved.same_epoch else "; sent in a new epoch: events may come twice"
            log.error("outbox damaged", saved=saved.records, same_epoch=saved.same_epoch, is_all=saved.is_all)
            tell(text)
        if self._holding.damaged and not self._damage_told:
            self._damage_told = True
            log.error("damaged records set aside", damaged=self._holding.damaged)
            tell(f"outbox damaged: {self._holding.damaged} records cannot be read and are set aside")


def _look(database: sqlite3.Connection, position: int, limit: int) -> tuple[list[StoredRecord], list[int]]:
    found: list[StoredRecord] = []
    damaged: list[int] = []
    for at, sound in shelf.read_on(database, position):
        if sound is None:
            damaged.append(at)
        else:
            found.append(StoredRecord(at, sound.record))
        if len(found) == limit:
            break
    return found, damaged


def _row(position: int, each: Waiting) -> Row:
    rounds = ALWAYS_KEPT if each.keep else 0
    return Row(position, kind_of(each.record), encode_record(each.record), rounds, not each.timed)


def _moved(record: Record, shift: timedelta) -> Record:
    return replace(record, time=record.time + shift)


def _moved_body(record: Record, shift: timedelta) -> bytes:
    return encode_record(_moved(record, shift))
