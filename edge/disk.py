"""A SQLite file owned by one thread, so that a slow disk never holds up the event loop."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger(__name__)

TROUBLE = (sqlite3.OperationalError, OSError)
"""What a disk that is full, absent or read-only raises: it may be well again later."""

_JOURNAL_BYTES = 4_194_304
"""The journal keeps so much space for itself, which lets a full disk forget what the cloud has."""


class SqliteFile:
    """One file, one connection, one thread: calls run in the order in which they were made.

    `asked` and `answered` count the calls: the thread owes those between.
    """

    def __init__(
        self, path: Path, schema: str, prepare: Callable[[sqlite3.Connection], None] | None = None
    ) -> None:
        self._path = path
        self._schema = schema
        self._prepare = prepare
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.name)
        self._connection: sqlite3.Connection | None = None
        self.asked = 0
        self.answered = 0

    @property
    def is_open(self) -> bool:
        """Whether it can be worked with."""
        return self._connection is not None

    async def open(self) -> None:
        """Open or create the file; one that SQLite cannot read is set aside and a new one begun."""
        self._connection = await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` as one transaction, durable on return; an exception undoes it."""
        connection = self._connection
        if connection is None:
            raise sqlite3.ProgrammingError(f"{self._path} is not open")
        self.asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _transact, connection, work)
        finally:
            self.answered += 1

    async def glance(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read a file that cannot be opened: a full disk has no room for what SQLite lays beside it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._glance, work)

    def _glance(self, work: Callable[[sqlite3.Connection], T]) -> T:
        address = f"{self._path.resolve().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # with it the index needs no file
            return work(connection)

    async def close(self) -> None:
        """Finish what was asked for and close the file."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
            self._connection = None
        self._thread.shutdown(wait=False)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self._set_aside(str(error))
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=10)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA journal_size_limit={_JOURNAL_BYTES}")
            connection.executescript(self._schema)
            with closing(connection.execute("PRAGMA quick_check(1)")) as check:
                (verdict,) = check.fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            if self._prepare is not None:
                _transact(connection, self._prepare)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _set_aside(self, why: str) -> None:
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.unreadable-{number}")).exists():
            number += 1
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        log.error("unreadable database set aside", path=str(self._path), kept=str(aside), why=why)


def _transact(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        return work(connection)
