"""A SQLite file owned by one thread, so that a slow disk never holds up the event loop."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import structlog

from edge.storage.page_reader import SqlitePageReader, carver_of

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], object]
log = structlog.get_logger(__name__)

TROUBLE = (sqlite3.OperationalError, OSError)
"""What a disk that is full, absent or read-only raises: it may be well again later."""

_CACHE_KIB = 1000
"""Half of SQLite's own: a gateway reads what it has just written."""

_JOURNAL_BYTES = 4_194_304
"""The journal keeps so much space for itself, which lets a full disk forget what the cloud has."""

_PASSING: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
_PART_OF_ROOM: Final = 0.6
"""What is saved may take so much of the room that is left, for work goes on in the rest."""

_FORMAT_VERSIONS: Final = slice(18, 20)


def is_damage(error: Exception) -> bool:
    """Whether a file is no sound database, which waiting does not mend."""
    if isinstance(error, UnicodeDecodeError):  # the very message of SQLite quotes what is damaged
        return True
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.ProgrammingError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in _PASSING


@dataclass(frozen=True, slots=True)
class RecoveryHooks:
    """What is done to save the content of a damaged file: into a new one, or from behind its journal.

    `salvage` is given how many bytes the new file may take, for the damaged one is kept.
    `behind` is given how many frames of the journal SQLite has read, and tells what to do about the others.
    """

    salvage: Callable[[SqlitePageReader, sqlite3.Connection, int], None]
    behind: Callable[[SqlitePageReader, int], Work | None]


class SqliteFile:
    """One file, one connection, one thread: calls run in the order in which they were made.

    `asked` and `answered` count the calls: the thread owes those between.
    """

    def __init__(
        self,
        path: Path,
        schema: str,
        prepare: Callable[[sqlite3.Connection], None] | None = None,
        care: RecoveryHooks | None = None,
    ) -> None:
        self._path = path
        self._new = path.with_name(path.name + ".new")
        self._schema = schema
        self._prepare = prepare
        self._care = care
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.name)
        self._connection: sqlite3.Connection | None = None
        self.asked = 0
        self.answered = 0

    @property
    def is_open(self) -> bool:
        """Whether it can be worked with."""
        return self._connection is not None

    async def open(self) -> None:
        """Open or create the file; one that is damaged is set aside and its content taken to a new one."""
        self._connection = await self._submit(self._open)

    async def renew(self, why: Exception) -> None:
        """Set an open file aside that has turned out to be damaged, and go on with a new one."""
        connection, self._connection = self._connection, None
        self._connection = await self._submit(partial(self._replace, connection, str(why)))

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` as one transaction, durable on return; an exception undoes it."""
        return await self._transact(work, "BEGIN IMMEDIATE")

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work`, which changes nothing: it goes on while another process writes."""
        return await self._transact(work, "BEGIN")

    async def _transact(self, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        connection = self._connection
        if connection is None:
            raise sqlite3.ProgrammingError(f"{self._path} is not open")
        self.asked += 1
        try:
            # A caller that is cancelled no longer waits; its work is still done, before the file is closed.
            return await asyncio.shield(self._submit(partial(_transact, connection, work, begin)))
        finally:
            self.answered += 1

    async def glance(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read a file that cannot be opened: a full disk has no room for what SQLite lays beside it."""
        return await self._submit(partial(self._glance, work))

    def _glance(self, work: Callable[[sqlite3.Connection], T]) -> T:
        address = f"{self._path.resolve().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # with it the index needs no file
            return work(connection)

    async def close(self) -> None:
        """Finish what was asked for and close the file."""
        if self._connection is not None:
            await self._submit(self._connection.close)
            self._connection = None
        self._thread.shutdown(wait=False)

    def _submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._finish_replacing()
        with ExitStack() as stack:
            # Held open, for SQLite deletes it when it closes the file.
            journal = self._journal(stack)
            try:
                return self._connect(journal)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not is_damage(error):
                    raise
                return self._begin_anew(str(error), journal)

    def _replace(self, connection: sqlite3.Connection | None, why: str) -> sqlite3.Connection:
        with ExitStack() as stack:
            journal = self._journal(stack)
            if connection is not None:
                connection.close()
            return self._begin_anew(why, journal)

    def _journal(self, stack: ExitStack) -> BinaryIO | None:
        path = _beside(self._path, "-wal")
        return stack.enter_context(path.open("rb")) if path.exists() else None

    def _connect(self, journal: BinaryIO | None) -> sqlite3.Connection:
        _check_header(self._path)
        connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=10)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            connection.execute(f"PRAGMA journal_size_limit={_JOURNAL_BYTES}")
            unread = self._unread(connection, journal)
            self._make_ready(connection)
            if unread is not None:
                _transact(connection, unread)
        except (sqlite3.Error, UnicodeDecodeError):
            connection.close()
            raise
        return connection

    def _make_ready(self, connection: sqlite3.Connection) -> None:
        connection.executescript(self._schema)
        with closing(connection.execute("PRAGMA quick_check(1)")) as check:
            (verdict,) = check.fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        if self._prepare is not None:
            _transact(connection, self._prepare)

    def _unread(self, connection: sqlite3.Connection, journal: BinaryIO | None) -> Work | None:
        """What to do about the part of the journal that SQLite could not read: the next write destroys it."""
        if self._care is None or journal is None:
            return None
        _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return self._care.behind(carver_of(journal, journal), max(frames, 0))

    def _begin_anew(self, why: str, journal: BinaryIO | None) -> sqlite3.Connection:
        if self._care is not None:
            self._salvage(self._care, journal)
        aside = self._set_aside(journal)
        if self._care is not None:
            self._new.rename(self._path)
        _sync(self._path.parent)
        log.error("damaged database set aside", path=str(self._path), kept=str(aside), why=why)
        return self._connect(None)

    def _salvage(self, care: RecoveryHooks, journal: BinaryIO | None) -> None:
        """Write the new file to its end before the damaged one is moved; a start in between does it again."""
        for suffix in ("", "-journal", "-wal", "-shm"):
            _beside(self._new, suffix).unlink(missing_ok=True)
        with (
            self._path.open("rb") as file,
            closing(sqlite3.connect(self._new, isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA journal_mode=MEMORY")
            connection.execute("PRAGMA synchronous=OFF")
            self._make_ready(connection)
            room_bytes = int(_PART_OF_ROOM * shutil.disk_usage(self._path.parent).free)
            care.salvage(carver_of(file, journal), connection, room_bytes)
        _sync(self._new)

    def _set_aside(self, journal: BinaryIO | None) -> Path:
        aside = self._free_name()
        self._path.rename(aside)
        self._set_journal_aside(aside, journal)
        return aside

    def _set_journal_aside(self, aside: Path, journal: BinaryIO | None) -> None:
        beside = _beside(self._path, "-wal")
        if beside.exists():
            beside.rename(_beside(aside, "-wal"))
        elif journal is not None:
            journal.seek(0)
            _beside(aside, "-wal").write_bytes(journal.read())
        _beside(self._path, "-shm").unlink(missing_ok=True)

    def _finish_replacing(self) -> None:
        """A process that died between two renamings has left the new file under its first name."""
        if self._new.exists() and not self._path.exists():
            self._set_journal_aside(self._free_name(), None)
            self._new.rename(self._path)
            _sync(self._path.parent)

    def _free_name(self) -> Path:
        number = 1
        while any(self._path.parent.glob(f"{self._path.name}.unreadable-{number}*")):
            number += 1
        return self._path.with_name(f"{self._path.name}.unreadable-{number}")


def _check_header(path: Path) -> None:
    """A format version that SQLite does not know would make it take the disk for read-only."""
    if path.exists():
        with path.open("rb") as file:
            versions = file.read(100)[_FORMAT_VERSIONS]
        if any(each not in (1, 2) for each in versions):
            raise sqlite3.DatabaseError(f"format versions {list(versions)}, expected 1 or 2")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _transact(
    connection: sqlite3.Connection,
    work: Callable[[sqlite3.Connection], T],
    begin: str = "BEGIN IMMEDIATE",
) -> T:
    with connection:
        connection.execute(begin)
        return work(connection)
