"""A SQLite file owned by one thread, so that a slow disk never holds up the event loop."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeVar

import structlog

from edge.storage.damage import check_header, is_damage, prepare
from edge.storage.replacement import Replacement

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], object]
log = structlog.get_logger(__name__)

PAGE_BYTES: Final = 4096
"""Every file is created with it: SQLite's default, and what flash memory writes at once."""

_CACHE_KIB = 1000
"""Half of SQLite's own: a gateway reads what it has just written."""

_WAL_BYTES = 4_194_304
"""The log keeps so much space for itself, which lets a full disk delete what the cloud has."""

_LOCK_TIMEOUT_S = 10
"""Longer than an offline transfer holds its lock, which may run beside the gateway."""

_RECOVERY_SHARE: Final = 0.6
"""Of the free space, for a rebuilt file: the damaged one is kept, and work goes on in the rest."""


class Recovery(Protocol):
    """Saves the content of a damaged file. Called in the file's thread; the file's calls wait meanwhile."""

    def rebuild(
        self, damaged: BinaryIO, wal: BinaryIO | None, new: sqlite3.Connection, room_bytes: int
    ) -> None:
        """Fill `new`, which has the tables already, and take no more than `room_bytes`.

        What it raises leaves the damaged file in its place; the next `open` begins again.
        """
        ...

    def unread_wal(self, wal: BinaryIO, frames_read: int) -> Work | None:
        """Return what adds the content behind the first `frames_read` frames; None where there is none.

        It must read the log at once, because SQLite overwrites it. What it returns is run as one transaction,
        when the tables are there.
        """
        ...


class SqliteFile:
    """One file, one connection, one thread: calls run in the order in which they were made.

    A damaged file is set aside; its content is saved only where there is a `recovery`. `submitted` and
    `completed` count the calls: where they differ and stand still, the disk hangs.
    """

    def __init__(self, path: Path, schema: str, recovery: Recovery | None = None) -> None:
        self.submitted = 0
        self.completed = 0
        self._path = path
        self._schema = schema
        self._recovery = recovery
        self._replacement = Replacement(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.name)
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether `run` and `read` can be called."""
        return self._connection is not None

    async def open(self) -> None:
        """Open or create the file, replacing a damaged one.

        Raises:
            sqlite3.OperationalError: the file cannot be used now: it is locked, or the disk is full.
            OSError: the disk cannot be used now.
        """
        self._connection = await self._in_thread(self._open)

    async def renew(self, error: Exception) -> None:
        """Replace an open file that has turned out to be damaged.

        Raises:
            sqlite3.OperationalError: as of `open`, and so is OSError.
        """
        connection, self._connection = self._connection, None

        def renew() -> sqlite3.Connection:
            with ExitStack() as stack:
                # Before the connection is closed: SQLite deletes the log then, and the recovery reads it.
                wal = self._replacement.open_wal(stack)
                if connection is not None:
                    connection.close()
                return self._replace(str(error), wal)

        self._connection = await self._in_thread(renew)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` as one transaction, durable on return; an exception undoes it, and is raised again.

        Raises:
            sqlite3.Error: the file is not open, or cannot be written; `is_damage` distinguishes damage from
                a full disk.
        """
        return await self._submit(work, "BEGIN IMMEDIATE")

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work`, which changes nothing: it does not wait for another process that writes.

        Raises:
            sqlite3.Error: as of `run`.
        """
        return await self._submit(work, "BEGIN")

    async def read_without_wal(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read a file that cannot be opened: a full disk has no room for what SQLite puts beside it."""
        address = f"{self._path.resolve().as_uri()}?mode=rw"

        def read() -> T:
            with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
                # With an exclusive lock SQLite keeps the log's index in memory, not in a file.
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                return work(connection)

        return await self._in_thread(read)

    async def close(self) -> None:
        """Finish what was submitted and close the file."""
        if self._connection is not None:
            await self._in_thread(self._connection.close)
            self._connection = None
        self._thread.shutdown(wait=False)

    async def _submit(self, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        connection = self._connection
        if connection is None:
            raise sqlite3.ProgrammingError(f"{self._path} is not open")
        self.submitted += 1
        try:
            # A cancelled caller no longer waits; its work is still done, before the file is closed.
            return await asyncio.shield(self._in_thread(partial(_transact, connection, work, begin)))
        finally:
            self.completed += 1

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._replacement.finish_interrupted()
        with ExitStack() as stack:
            wal = self._replacement.open_wal(stack)
            try:
                return self._connect(wal)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not is_damage(error):
                    raise
                return self._replace(str(error), wal)

    def _connect(self, wal: BinaryIO | None) -> sqlite3.Connection:
        check_header(self._path)
        connection = sqlite3.connect(
            self._path, check_same_thread=False, isolation_level=None, timeout=_LOCK_TIMEOUT_S
        )
        try:
            connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode=WAL")
            # WAL alone would not sync each commit, and a power failure could take what was reported durable.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
            add_unread: Work | None = None
            if self._recovery is not None and wal is not None:
                # From its first damaged frame on SQLite ignores the log without an error, and overwrites it.
                _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                add_unread = self._recovery.unread_wal(wal, max(frames, 0))
            prepare(connection, self._schema)
            if add_unread is not None:
                _transact(connection, add_unread)
        except (sqlite3.Error, UnicodeDecodeError):
            connection.close()
            raise
        return connection

    def _replace(self, error: str, wal: BinaryIO | None) -> sqlite3.Connection:
        """Set the damaged file aside, with its content saved to the new one where there is a recovery."""
        if self._recovery is not None:
            self._replacement.remove_new()
            with (
                self._path.open("rb") as damaged,
                closing(sqlite3.connect(self._replacement.new, isolation_level=None)) as new,
            ):
                new.execute(f"PRAGMA page_size={PAGE_BYTES}")
                # Nothing to be safe against yet: the file counts only once it is whole and synced.
                new.execute("PRAGMA journal_mode=MEMORY")
                new.execute("PRAGMA synchronous=OFF")
                prepare(new, self._schema)
                room_bytes = int(_RECOVERY_SHARE * shutil.disk_usage(self._path.parent).free)
                self._recovery.rebuild(damaged, wal, new, room_bytes)
        aside = self._replacement.swap(wal, is_rebuilt=self._recovery is not None)
        log.error("database_set_aside", path=str(self._path), kept=str(aside), error=error)
        return self._connect(None)


def _transact(
    connection: sqlite3.Connection,
    work: Callable[[sqlite3.Connection], T],
    begin: str = "BEGIN IMMEDIATE",
) -> T:
    with connection:
        connection.execute(begin)
        return work(connection)
