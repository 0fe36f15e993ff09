"""What a gateway must know again after a restart: overrides in force, session and boot counters."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from edge.disk import SqliteFile
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
"""


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

    async def overrides(self) -> dict[str, Override]:
        """The overrides by lamp, expired ones too."""
        return await self._file.run(_read_overrides)

    async def keep_overrides(self, overrides: Mapping[str, Override | None]) -> None:
        """Keep the override of each lamp in place of the one before; None forgets it."""
        rows = dict(overrides)
        await self._file.run(lambda database: _keep_overrides(database, rows))

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


def _next_birth_death_number(database: sqlite3.Connection) -> int:
    row = database.execute("SELECT birth_death FROM session").fetchone()
    number: int = 0 if row is None else (row[0] + 1) % 256
    if row is None:
        database.execute("INSERT INTO session (birth_death) VALUES (?)", (number,))
    else:
        database.execute("UPDATE session SET birth_death = ?", (number,))
    return number
