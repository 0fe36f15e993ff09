"""The leader lock of a database: one process ingests, others wait for the lock as standby.

PostgreSQL holds it as an advisory lock of a connection of its own, SQLite as a lock on a file beside the
database. Both end with the process that holds them, however it ends, so nothing has to expire.
"""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError

from runtime.failure_reporter import FailureReporter

log = structlog.get_logger(__name__)

_LOCK = 7_561_402  # any number but those of other locks, the same in every process
_RETRY_S = 1.0
_CHECK_S = 5.0


class LeaderLockLostError(Exception):
    """Another ingester holds the leader lock."""


class LeaderLock(Protocol):
    """The right to ingest. Calls block, shortly."""

    def acquire(self) -> bool:
        """Take the lock, or make sure that it is still ours; False while another process holds it.

        Raises:
            DBAPIError: the database is unavailable.
            OSError: the lock file is.
        """
        ...

    def release(self) -> None:
        """Release the lock; does nothing where it is not ours."""
        ...


def leader_lock_for(engine: sa.Engine) -> LeaderLock:
    """Return the leader lock of a database, not acquired yet.

    A SQLite database in memory has no file; no other process can open it, so its lock is always free.
    """
    if engine.dialect.name == "postgresql":
        return _PostgresLeaderLock(engine)
    database = engine.url.database
    return _FileLeaderLock(Path(f"{database}.ingester") if database and database != ":memory:" else None)


async def acquire_leader_lock(lock: LeaderLock) -> None:
    """Wait until the lock is ours."""
    waiting = FailureReporter(log, "ingester_standby", "ingester_active", level="warning")
    database = FailureReporter(log, "database_unavailable", "database_available", level="warning")
    while True:
        try:
            if await asyncio.to_thread(lock.acquire):
                break
            database.recovered()
            waiting.failed("another ingester holds the leader lock")
        except (DBAPIError, OSError) as error:
            database.failed(error)
        await asyncio.sleep(_RETRY_S)
    database.recovered()
    waiting.recovered()


async def hold_leader_lock(lock: LeaderLock) -> None:
    """Check every few seconds that the lock is still ours.

    Raises:
        LeaderLockLostError: another process holds it.
    """
    while True:
        await asyncio.sleep(_CHECK_S)
        try:
            held = await asyncio.to_thread(lock.acquire)
        except (DBAPIError, OSError):
            continue  # without its database nothing is stored, by us or by another; the committer reports it
        if not held:
            raise LeaderLockLostError


class _PostgresLeaderLock:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None

    def acquire(self) -> bool:
        if self._connection is not None:
            # A connection that the server closed has lost its lock, and another process may hold it.
            try:
                self._connection.execute(sa.select(1))
            except DBAPIError:
                self.release()
            else:
                return True
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # the lock belongs to the connection: it must not go back to the pool
        if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))):
            self._connection = connection
            return True
        connection.close()
        return False

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _FileLeaderLock:
    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        if self._path is None or self._file is not None:
            return True
        # The file is never deleted: a process could then lock a file that others no longer find.
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
