"""What a gateway must know again after a restart: overrides in force, session and boot counters."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge.disk import SqliteFile
from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lamp import LightCommand

_SCHEMA = """
CREATE TABLE IF NOT EXISTS overrides (
    lamp_id TEXT PRIMARY KEY,
    command_id TEXT NOT NULL,
    level INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    expiration_ms INTEGER,
    ramp_s REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boots (lamp_id TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (birth_death INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class StoredOverride:
    """An override in force on one lamp; without `expiration` it lasts until it is ended."""

    command_id: str
    level_percent: int
    start: datetime
    expiration: datetime | None
    ramp_s: float


class Memory:
    """A small file beside the outbox; every write is durable on return."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    async def open(self) -> None:
        """Open or create the file."""
        await self._file.open()

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()

    async def overrides(self) -> dict[str, StoredOverride]:
        """The overrides by lamp, expired ones too."""
        return await self._file.run(_read_overrides)

    async def keep_overrides(self, commands: Iterable[LightCommand]) -> None:
        """Keep, replace or (level None) forget the override of each command's lamp."""
        rows = list(commands)
        await self._file.run(lambda database: _keep_overrides(database, rows))

    async def forget_overrides(self, lamp_ids: Iterable[str]) -> None:
        """Forget overrides that have expired."""
        keys = [(lamp_id,) for lamp_id in lamp_ids]
        await self._file.run(
            lambda database: database.executemany("DELETE FROM overrides WHERE lamp_id = ?", keys)
        )

    async def boot_counters(self) -> dict[str, int]:
        """The boot counter last seen of each lamp controller."""
        return await self._file.run(
            lambda database: dict(database.execute("SELECT lamp_id, counter FROM boots").fetchall())
        )

    async def keep_boot_counters(self, counters: Mapping[str, int]) -> None:
        """Keep the boot counters just seen."""
        rows = list(counters.items())
        query = "INSERT OR REPLACE INTO boots (lamp_id, counter) VALUES (?, ?)"
        await self._file.run(lambda database: database.executemany(query, rows))

    async def next_birth_death_number(self) -> int:
        """The Sparkplug bdSeq of the next connection: 0 to 255 and round again."""
        return await self._file.run(_next_birth_death_number)


def _read_overrides(database: sqlite3.Connection) -> dict[str, StoredOverride]:
    rows = database.execute(
        "SELECT lamp_id, command_id, level, start_ms, expiration_ms, ramp_s FROM overrides"
    ).fetchall()
    return {
        lamp_id: StoredOverride(
            command_id,
            level,
            from_unix_ms(start_ms),
            None if expiration_ms is None else from_unix_ms(expiration_ms),
            ramp_s,
        )
        for lamp_id, command_id, level, start_ms, expiration_ms, ramp_s in rows
    }


def _keep_overrides(database: sqlite3.Connection, commands: Iterable[LightCommand]) -> None:
    for command in commands:
        if command.level_percent is None:
            database.execute("DELETE FROM overrides WHERE lamp_id = ?", (command.lamp_id,))
            continue
        expiration_ms = None if command.expiration is None else to_unix_ms(command.expiration)
        database.execute(
            "INSERT OR REPLACE INTO overrides (lamp_id, command_id, level, start_ms, expiration_ms, ramp_s)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                command.lamp_id,
                command.command_id,
                command.level_percent,
                to_unix_ms(command.start),
                expiration_ms,
                command.ramp_s,
            ),
        )


def _next_birth_death_number(database: sqlite3.Connection) -> int:
    row = database.execute("SELECT birth_death FROM session").fetchone()
    number: int = 0 if row is None else (row[0] + 1) % 256
    if row is None:
        database.execute("INSERT INTO session (birth_death) VALUES (?)", (number,))
    else:
        database.execute("UPDATE session SET birth_death = ?", (number,))
    return number
