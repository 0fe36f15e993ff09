"""What a gateway must know again after a restart: overrides in force, session and boot counters, the time."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from edge.disk import TROUBLE, SqliteFile
from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lighting.priority import Override

_SCHEMA = """
CREATE TABLE IF NOT EXISTS overrides (
    lamp_id TEXT PRIMARY KEY,
    command_id TEXT NOT NULL,
    level INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    expiration_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boots (lamp_id TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (birth_death INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS seen (time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS program (document BLOB NOT NULL);
"""
_RETRY_S = 5.0

log = structlog.get_logger(__name__)

Work = Callable[[sqlite3.Connection], object]


class Memory:
    """A small file beside the outbox; every write is durable on return.

    While the disk cannot be written, what is new is held in memory and written as soon as it can be: no lamp
    stays dark for a full disk. That is said once, and so is its end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = SqliteFile(path, _SCHEMA)
        self._overrides: dict[str, Override | None] = {}
        self._boots: dict[str, int] = {}
        self._birth_death: int | None = None
        self._seen: datetime | None = None
        self._program: bytes | None = None
        self._failing = asyncio.Event()

    @property
    def disk(self) -> SqliteFile:
        """The file it lies in."""
        return self._file

    @property
    def last_seen(self) -> datetime | None:
        """The latest time that was kept."""
        return self._seen

    @property
    def program(self) -> bytes | None:
        """The lighting program brought by hand, as TALQ JSON."""
        return self._program

    async def open(self) -> None:
        """Open or create the file and take up what it holds."""
        try:
            await self._file.open()
            await self._file.run(self._load)
        except TROUBLE as error:
            self._report_failure(error)

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()

    async def run(self) -> None:
        """After a failure try again to write, until cancelled."""
        while True:
            await self._failing.wait()
            await asyncio.sleep(_RETRY_S)
            try:
                if not self._file.is_open:
                    await self._file.open()
                await self._file.run(self._write_all)
            except TROUBLE:
                continue
            self._failing.clear()
            log.info("memory can be written again", path=str(self._path))

    async def overrides(self) -> dict[str, Override]:
        """The overrides by lamp, expired ones too."""
        return {lamp_id: each for lamp_id, each in self._overrides.items() if each is not None}

    async def keep_overrides(self, overrides: Mapping[str, Override | None]) -> None:
        """Keep the override of each lamp in place of the one before; None forgets it."""
        rows = dict(overrides)
        self._overrides.update(rows)
        await self._write(lambda database: _keep_overrides(database, rows))

    async def boot_counters(self) -> dict[str, int]:
        """The boot counter last seen of each lamp controller."""
        return dict(self._boots)

    async def keep_boot_counters(self, counters: Mapping[str, int]) -> None:
        """Keep the boot counters just seen."""
        rows = dict(counters)
        self._boots.update(rows)
        await self._write(lambda database: _keep_boots(database, rows))

    async def next_birth_death_number(self) -> int:
        """The Sparkplug bdSeq of the next connection: 0 to 255 and round again."""
        number = 0 if self._birth_death is None else (self._birth_death + 1) % 256
        self._birth_death = number
        await self._write(lambda database: _keep_one(database, "session", "birth_death", number))
        return number

    async def keep_seen(self, time: datetime) -> None:
        """Keep the present time: after a start without a clock it is known to be later than this."""
        self._seen = time
        time_ms = to_unix_ms(time)
        await self._write(lambda database: _keep_one(database, "seen", "time_ms", time_ms))

    async def reread_program(self) -> bytes | None:
        """The lighting program, which another process may have brought meanwhile."""
        if self._file.is_open and not self._failing.is_set():
            self._program = await self._file.run(lambda database: _one(database, "program", "document"))
        return self._program

    async def _write(self, work: Work) -> None:
        if self._failing.is_set():
            return
        try:
            await self._file.run(work)
        except TROUBLE as error:
            self._report_failure(error)

    def _report_failure(self, error: Exception) -> None:
        log.error("memory cannot be written: held until it can", path=str(self._path), why=str(error))
        self._failing.set()

    def _load(self, database: sqlite3.Connection) -> None:
        self._overrides = dict(_read_overrides(database))
        self._boots = dict(database.execute("SELECT lamp_id, counter FROM boots").fetchall())
        self._birth_death = _one(database, "session", "birth_death")
        seen_ms = _one(database, "seen", "time_ms")
        self._seen = None if seen_ms is None else from_unix_ms(seen_ms)
        self._program = _one(database, "program", "document")

    def _write_all(self, database: sqlite3.Connection) -> None:
        _keep_overrides(database, self._overrides)
        _keep_boots(database, self._boots)
        if self._birth_death is not None:
            _keep_one(database, "session", "birth_death", self._birth_death)
        if self._seen is not None:
            _keep_one(database, "seen", "time_ms", to_unix_ms(self._seen))


def _read_overrides(database: sqlite3.Connection) -> dict[str, Override]:
    rows = database.execute("SELECT lamp_id, command_id, level, start_ms, expiration_ms FROM overrides")
    return {
        lamp_id: Override(
            command_id,
            level,
            from_unix_ms(start_ms),
            None if expiration_ms is None else from_unix_ms(expiration_ms),
        )
        for lamp_id, command_id, level, start_ms, expiration_ms in rows.fetchall()
    }


def _keep_overrides(database: sqlite3.Connection, overrides: Mapping[str, Override | None]) -> None:
    for lamp_id, override in overrides.items():
        if override is None:
            database.execute("DELETE FROM overrides WHERE lamp_id = ?", (lamp_id,))
            continue
        expiration_ms = None if override.expiration is None else to_unix_ms(override.expiration)
        database.execute(
            "INSERT OR REPLACE INTO overrides (lamp_id, command_id, level, start_ms, expiration_ms)"
            " VALUES (?, ?, ?, ?, ?)",
            (lamp_id, override.command_id, override.level_percent, to_unix_ms(override.start), expiration_ms),
        )


def _keep_boots(database: sqlite3.Connection, counters: Mapping[str, int]) -> None:
    query = "INSERT OR REPLACE INTO boots (lamp_id, counter) VALUES (?, ?)"
    database.executemany(query, list(counters.items()))


def replace_program(database: sqlite3.Connection, document: bytes) -> None:
    """Keep a lighting program in place of the one before, in the file of a gateway that may be running."""
    _keep_one(database, "program", "document", document)


def _one(database: sqlite3.Connection, table: str, column: str) -> Any:  # noqa: ANN401 - as the column has it
    row = database.execute(f"SELECT {column} FROM {table}").fetchone()  # noqa: S608 - names of the schema
    return None if row is None else row[0]


def _keep_one(database: sqlite3.Connection, table: str, column: str, value: object) -> None:
    database.execute(f"DELETE FROM {table}")  # noqa: S608 - names of the schema
    database.execute(f"INSERT INTO {table} ({column}) VALUES (?)", (value,))  # noqa: S608
