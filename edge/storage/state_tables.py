"""The memory's tables: the plan, overrides, commands to come, counters, and the time."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lamp import LightCommand
from protocols.lighting.plan import encode_plan, plan_of_program
from protocols.lighting.priority import Override
from protocols.lighting.talq import ProgramError, decode

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS overrides (
    lamp_id TEXT PRIMARY KEY,
    command_id TEXT NOT NULL,
    level INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    expiration_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    command_id TEXT NOT NULL,
    lamp_id TEXT NOT NULL,
    level INTEGER,
    start_ms INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    expiration_ms INTEGER,
    ramp_s REAL NOT NULL,
    begun INTEGER NOT NULL,
    PRIMARY KEY (command_id, lamp_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boots (lamp_id TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (birth_death INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS seen (time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS known (time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS plan (document BLOB NOT NULL);
"""
_BROUGHT = "CREATE TABLE IF NOT EXISTS brought (document BLOB NOT NULL)"

CommandKey = tuple[str, str]
"""The id of a command and the lamp it is for."""


def key_of(command: LightCommand) -> CommandKey:
    """What tells a command for a lamp from all others."""
    return command.command_id, command.device_id


def prepare(database: sqlite3.Connection) -> None:
    """Bring the tables of an older version up to date: the one program it kept is a plan."""
    database.execute(_BROUGHT)
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'program'"
    if database.execute(query).fetchone() is None:
        return
    document = one(database, "program", "document")
    database.execute("DROP TABLE program")
    if document is None or one(database, "plan", "document") is not None:
        return
    with suppress(ProgramError):  # what cannot be run is refused, and told of, as any other plan
        document = encode_plan(plan_of_program(decode(document, "program")))
    put_one(database, "brought", "document", document)


def read_overrides(database: sqlite3.Connection) -> dict[str, Override]:
    """The overrides by lamp."""
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


def write_overrides(database: sqlite3.Connection, overrides: Mapping[str, Override | None]) -> None:
    """Put each lamp's override in place of the one before; None forgets it."""
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


def read_commands(database: sqlite3.Connection, *, begun: bool) -> list[LightCommand]:
    """The commands whose start is to come, or those that were begun and have no answer yet."""
    rows = database.execute(
        "SELECT command_id, lamp_id, level, start_ms, deadline_ms, expiration_ms, ramp_s FROM commands"
        " WHERE begun = ?",
        (begun,),
    )
    return [
        LightCommand(
            command_id,
            lamp_id,
            level,
            from_unix_ms(start_ms),
            from_unix_ms(deadline_ms),
            None if expiration_ms is None else from_unix_ms(expiration_ms),
            ramp_s,
        )
        for command_id, lamp_id, level, start_ms, deadline_ms, expiration_ms, ramp_s in rows.fetchall()
    ]


def write_commands(database: sqlite3.Connection, commands: Iterable[LightCommand], *, begun: bool) -> None:
    """Put commands that wait for their start, or that have been begun."""
    database.executemany(
        "INSERT OR REPLACE INTO commands"
        " (command_id, lamp_id, level, start_ms, deadline_ms, expiration_ms, ramp_s, begun)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *key_of(command),
                command.level_percent,
                to_unix_ms(command.start),
                to_unix_ms(command.deadline),
                None if command.expiration is None else to_unix_ms(command.expiration),
                command.ramp_s,
                begun,
            )
            for command in commands
        ],
    )


def delete_commands(database: sqlite3.Connection, keys: Iterable[CommandKey]) -> None:
    """Delete commands that need no answer any more."""
    database.executemany("DELETE FROM commands WHERE command_id = ? AND lamp_id = ?", list(keys))


def write_boots(database: sqlite3.Connection, counters: Mapping[str, int]) -> None:
    """Put the boot counters of lamp controllers."""
    query = "INSERT OR REPLACE INTO boots (lamp_id, counter) VALUES (?, ?)"
    database.executemany(query, list(counters.items()))


def bring_plan(database: sqlite3.Connection, document: bytes) -> None:
    """Lay a plan before a gateway, which may be running: it takes it up, or says why it cannot."""
    database.execute(_BROUGHT)  # the gateway may not have run since it was brought up to date
    put_one(database, "brought", "document", document)


def plan_to_come(path: Path) -> bytes | None:
    """The document a gateway would follow if it were started now; None where it was never given one."""
    if not path.is_file():
        return None
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        documents = (one(database, name, "document") for name in ("brought", "plan") if name in tables)
        return next((document for document in documents if document is not None), None)


def one(database: sqlite3.Connection, table: str, column: str) -> Any:  # noqa: ANN401 - as the column has it
    """The value of a table that holds one, or None."""
    row = database.execute(f"SELECT {column} FROM {table}").fetchone()  # noqa: S608 - names of the schema
    return None if row is None else row[0]


def put_one(database: sqlite3.Connection, table: str, column: str, value: object) -> None:
    """Put the value of a table that holds one; None is no value."""
    database.execute(f"DELETE FROM {table}")  # noqa: S608 - names of the schema
    if value is not None:
        database.execute(f"INSERT INTO {table} ({column}) VALUES (?)", (value,))  # noqa: S608
