"""The tables of a gateway's state file: overrides, commands, counters, the time, and the lighting plan."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lamp import LightCommand
from protocols.lighting.plan import PlanError, decode_plan, plan_hash
from protocols.lighting.priority import Override
from protocols.transfer.bundle import FollowedPlan

SCHEMA: Final = """
CREATE TABLE overrides (
    device_id TEXT PRIMARY KEY,
    command_id TEXT NOT NULL,
    level INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    expiration_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE commands (
    command_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    level INTEGER,
    start_ms INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    expiration_ms INTEGER,
    ramp_s REAL NOT NULL,
    begun INTEGER NOT NULL,
    PRIMARY KEY (command_id, device_id)
) WITHOUT ROWID;
CREATE TABLE boots (device_id TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE session (birth_death INTEGER NOT NULL);
CREATE TABLE seen (time_ms INTEGER NOT NULL);
CREATE TABLE known (time_ms INTEGER NOT NULL);
CREATE TABLE plan (document BLOB NOT NULL);
CREATE TABLE offered (document BLOB NOT NULL);
CREATE TABLE issued (time_ms INTEGER NOT NULL);
CREATE TABLE refused (problem TEXT NOT NULL);
"""
_LONGEST_PROBLEM = 500
"""Our choice, in characters: an error may quote the plan, and a person needs its beginning."""

CommandKey = tuple[str, str]
"""The id of a command and the device it is for."""


def key_of(command: LightCommand) -> CommandKey:
    """Return what identifies a command: one id may be that of commands to many devices."""
    return command.command_id, command.device_id


def load_overrides(database: sqlite3.Connection) -> dict[str, Override]:
    """Return the overrides by device."""
    rows = database.execute("SELECT device_id, command_id, level, start_ms, expiration_ms FROM overrides")
    return {
        device_id: Override(
            command_id,
            level,
            from_unix_ms(start_ms),
            None if expiration_ms is None else from_unix_ms(expiration_ms),
        )
        for device_id, command_id, level, start_ms, expiration_ms in rows.fetchall()
    }


def save_overrides(database: sqlite3.Connection, overrides: Mapping[str, Override | None]) -> None:
    """Replace the override of each device; None removes it."""
    for device_id, override in overrides.items():
        if override is None:
            database.execute("DELETE FROM overrides WHERE device_id = ?", (device_id,))
            continue
        expiration_ms = None if override.expiration is None else to_unix_ms(override.expiration)
        database.execute(
            "INSERT OR REPLACE INTO overrides (device_id, command_id, level, start_ms, expiration_ms)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                device_id,
                override.command_id,
                override.level_percent,
                to_unix_ms(override.start),
                expiration_ms,
            ),
        )


def load_commands(database: sqlite3.Connection, *, begun: bool) -> list[LightCommand]:
    """Return the commands still to start, or those begun that have no durable result yet."""
    # Two states in one table: a command that begins must not be in both after a power cut.
    rows = database.execute(
        "SELECT command_id, device_id, level, start_ms, deadline_ms, expiration_ms, ramp_s FROM commands"
        " WHERE begun = ?",
        (begun,),
    )
    return [
        LightCommand(
            command_id,
            device_id,
            level,
            from_unix_ms(start_ms),
            from_unix_ms(deadline_ms),
            None if expiration_ms is None else from_unix_ms(expiration_ms),
            ramp_s,
        )
        for command_id, device_id, level, start_ms, deadline_ms, expiration_ms, ramp_s in rows.fetchall()
    ]


def save_commands(database: sqlite3.Connection, commands: Iterable[LightCommand], *, begun: bool) -> None:
    """Save commands that wait for their start, or that have begun."""
    database.executemany(
        "INSERT OR REPLACE INTO commands"
        " (command_id, device_id, level, start_ms, deadline_ms, expiration_ms, ramp_s, begun)"
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
    """Delete commands whose result is stored."""
    database.executemany("DELETE FROM commands WHERE command_id = ? AND device_id = ?", list(keys))


def save_times(database: sqlite3.Connection, seen: datetime | None, known: datetime | None) -> None:
    """Save the latest time shown and the latest one that was known; one that is None stays as it is."""
    for table, time in (("seen", seen), ("known", known)):
        if time is not None:
            save_one(database, table, "time_ms", to_unix_ms(time))


def save_boots(database: sqlite3.Connection, counters: Mapping[str, int]) -> None:
    """Save the boot counters of lamp controllers."""
    query = "INSERT OR REPLACE INTO boots (device_id, counter) VALUES (?, ?)"
    database.executemany(query, list(counters.items()))


def offer_plan(
    database: sqlite3.Connection, document: bytes, issued_ms: int, *, older_too: bool = False
) -> bool:
    """Offer a plan to the gateway, which may be running, and return whether that was done.

    Not where the gateway has received a newer one: an older bundle that arrives later must not replace it.
    """
    if not older_too and issued_ms < (load_one(database, "issued", "time_ms") or 0):
        return False
    save_one(database, "offered", "document", document)
    save_one(database, "issued", "time_ms", issued_ms)
    return True


def remove_offer(database: sqlite3.Connection, document: bytes) -> None:
    """Remove an offered plan that was accepted or refused, unless another was offered meanwhile."""
    # By its content: an offline transfer may replace it while the gateway decides on the one before.
    database.execute("DELETE FROM offered WHERE document = ?", (document,))


def save_plan_verdict(database: sqlite3.Connection, problem: str, issued_ms: int) -> None:
    """Save why the newest plan was refused, '' if it was accepted, and its issue time, 0 if unknown."""
    save_one(database, "refused", "problem", problem[:_LONGEST_PROBLEM] or None)
    # Never an earlier time: an offline transfer may have brought a newer plan since.
    if issued_ms > (load_one(database, "issued", "time_ms") or 0):
        save_one(database, "issued", "time_ms", issued_ms)


def followed_plan(path: Path) -> FollowedPlan:
    """Return the plan that the gateway with this state file follows.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    # Read-only: the gateway may be running, and the file is its own.
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        document = load_one(database, "plan", "document")
        problem = load_one(database, "refused", "problem")
    if document is None:
        return FollowedPlan("", problem or "")
    try:
        decode_plan(document, "the stored plan")
    except PlanError as error:  # which the gateway does not follow either
        return FollowedPlan("", str(error)[:_LONGEST_PROBLEM])
    return FollowedPlan(plan_hash(document), problem or "")


def next_plan(path: Path) -> bytes | None:
    """Return the document a gateway would follow if it were started now; None where it has none.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    if not path.is_file():
        return None
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        # The offered one first: a gateway that starts takes it in place of the one in force.
        documents = [load_one(database, table, "document") for table in ("offered", "plan")]
        return next((document for document in documents if document is not None), None)


def load_one(database: sqlite3.Connection, table: str, column: str) -> Any:  # noqa: ANN401 - as the column has it
    """Return the value of a table that holds one, or None."""
    row = database.execute(f"SELECT {column} FROM {table}").fetchone()  # noqa: S608 - names of the schema
    return None if row is None else row[0]


def save_one(database: sqlite3.Connection, table: str, column: str, value: object) -> None:
    """Replace the value of a table that holds one; None leaves it empty."""
    database.execute(f"DELETE FROM {table}")  # noqa: S608 - names of the schema
    if value is not None:
        database.execute(f"INSERT INTO {table} ({column}) VALUES (?)", (value,))  # noqa: S608
