"""One ingester at a time: the seat that one process of a database has, and others stand by for.

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

log = structlog.get_logger(__name__)

_LOCK = 7_561_402  # any number but those of other locks, the same in every process
_ASK_AGAIN_S = 1.0
_LOOK_AFTER_S = 5.0


class LeaderLockLostError(Exception):
    """Another ingester has the seat."""


class LeaderLock(Protocol):
    """The right to ingest. Calls block, shortly."""

    def take(self) -> bool:
        """Take it, or make sure it is still ours; False while another has it. Raises DBAPIError, OSError."""
        ...

    def leave(self) -> None:
        """Let another have it."""
        ...


def leader_lock_for(engine: sa.Engine) -> LeaderLock:
    """The seat of a database, not taken yet."""
    if engine.dialect.name == "postgresql":
        return _PostgresLeaderLock(engine)
    database = engine.url.database
    return _FileLeaderLock(Path(f"{database}.ingester") if database and database != ":memory:" else None)


async def acquire_leader_lock(seat: LeaderLock) -> None:
    """Wait until the seat is ours."""
    said = ""
    while True:
        try:
            if await asyncio.to_thread(seat.take):
                break
            state = "another ingester is at work, standing by"
        except (DBAPIError, OSError) as error:
            state = f"database unavailable, trying on: {error}"
        if state != said:
            said = state
            log.warning(state)
        await asyncio.sleep(_ASK_AGAIN_S)
    if said:
        log.info("this ingester is at work now")


async def hold_leader_lock(seat: LeaderLock) -> None:
    """Look after the seat; raises SeatLostError. While the database is away nothing is ingested anyway."""
    while True:
        await asyncio.sleep(_LOOK_AFTER_S)
        try:
            held = await asyncio.to_thread(seat.take)
        except (DBAPIError, OSError):
            continue  # whoever wants to store something says so
        if not held:
            raise LeaderLockLostError


class _PostgresLeaderLock:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None

    def take(self) -> bool:
        if self._connection is not None:
            try:
                self._connection.execute(sa.select(1))
            except DBAPIError:
                self.leave()
            else:
                return True
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # a lock must not go back to a pool
        if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))):
            self._connection = connection
            return True
        connection.close()
        return False

    def leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _FileLeaderLock:
    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        if self._path is None or self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def leave(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
