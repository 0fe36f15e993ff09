"""What a gateway must know again after a restart: plan, overrides, commands to come, counters, the time."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import structlog

from edge.storage import plan_handover as plan_news
from edge.storage import state_tables as tables
from edge.storage.sqlite_file import TROUBLE, SqliteFile
from edge.storage.state_tables import CommandKey, key_of
from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lamp import LightCommand
from protocols.lighting.priority import Override

_RETRY_S = 5.0

log = structlog.get_logger(__name__)

Work = Callable[[sqlite3.Connection], object]


class StateStore:
    """A small file beside the outbox; every write is durable on return.

    While the disk cannot be written, what is new is held in memory and written as soon as it can be: no lamp
    stays dark for a full disk. That is said once, and so is its end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = SqliteFile(path, tables.SCHEMA, tables.prepare)
        self._overrides: dict[str, Override | None] = {}
        self._waiting: dict[CommandKey, LightCommand] = {}
        self._begun: dict[CommandKey, LightCommand] = {}
        self._answered: set[CommandKey] = set()
        self._boots: dict[str, int] = {}
        self._birth_death: int | None = None
        self._seen: datetime | None = None
        self._known: datetime | None = None
        self._plan: bytes | None = None
        self._taken: bytes | None = None
        self._plan_note: tuple[str, int] | None = None
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
    def last_known(self) -> datetime | None:
        """The latest time that was kept and was not provisional."""
        return self._known

    @property
    def plan(self) -> bytes | None:
        """The document of the plan in force; None where none was ever given."""
        return self._plan

    async def open(self) -> None:
        """Open or create the file and take up what it holds."""
        try:
            await self._file.open()
            await self._file.run(self._load)
        except TROUBLE as error:
            self._report_failure(error)
            with suppress(*TROUBLE):  # that is said already
                await self._file.glance(self._load)

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
            self._answered.clear()
            self._taken = None
            log.info("memory can be written again", path=str(self._path))

    async def overrides(self) -> dict[str, Override]:
        """The overrides by lamp, expired ones too."""
        return {lamp_id: each for lamp_id, each in self._overrides.items() if each is not None}

    async def keep_overrides(self, overrides: Mapping[str, Override | None]) -> None:
        """Keep the override of each lamp in place of the one before; None forgets it."""
        rows = dict(overrides)
        self._overrides.update(rows)
        await self._write(lambda database: tables.write_overrides(database, rows))

    @property
    def waiting_commands(self) -> dict[CommandKey, LightCommand]:
        """The commands that wait for their start."""
        return dict(self._waiting)

    @property
    def begun_commands(self) -> dict[CommandKey, LightCommand]:
        """The commands that were begun and have no durable answer yet."""
        return dict(self._begun)

    async def keep_commands(self, commands: Sequence[LightCommand]) -> None:
        """Keep commands that wait for their start."""
        self._waiting.update((key_of(command), command) for command in commands)
        await self._write(lambda database: tables.write_commands(database, commands, begun=False))

    async def begin_commands(
        self, commands: Sequence[LightCommand], overrides: Mapping[str, Override | None]
    ) -> None:
        """Keep the overrides that commands mean, and in the same moment that these are begun."""
        rows = dict(overrides)
        self._overrides.update(rows)
        for command in commands:
            self._waiting.pop(key_of(command), None)
            self._begun[key_of(command)] = command

        def write(database: sqlite3.Connection) -> None:
            tables.write_overrides(database, rows)
            tables.write_commands(database, commands, begun=True)

        await self._write(write)

    async def forget_commands(self, keys: Sequence[CommandKey]) -> None:
        """Forget commands that were answered."""
        for key in keys:
            self._waiting.pop(key, None)
            self._begun.pop(key, None)
        self._answered.update(keys)
        await self._write(lambda database: tables.delete_commands(database, keys))
        if not self._failing.is_set():
            self._answered.difference_update(keys)

    async def boot_counters(self) -> dict[str, int]:
        """The boot counter last seen of each lamp controller."""
        return dict(self._boots)

    async def keep_boot_counters(self, counters: Mapping[str, int]) -> None:
        """Keep the boot counters just seen."""
        rows = dict(counters)
        self._boots.update(rows)
        await self._write(lambda database: tables.write_boots(database, rows))

    async def next_birth_death_number(self) -> int:
        """The Sparkplug bdSeq of the next connection: 0 to 255 and round again."""
        number = 0 if self._birth_death is None else (self._birth_death + 1) % 256
        self._birth_death = number
        await self._write(lambda database: tables.put_one(database, "session", "birth_death", number))
        return number

    async def keep_seen(self, time: datetime, *, is_known: bool = True) -> None:
        """Keep the present time, which is provisional unless it is known: the next start is later."""
        self._seen = time
        self._known = time if is_known else self._known
        await self._write(self._write_times)

    async def keep_plan(self, document: bytes) -> None:
        """Keep the plan in force in place of the one before."""
        self._plan = document
        await self._write(lambda database: tables.put_one(database, "plan", "document", document))

    async def note_plan(self, problem: str, issued_ms: int) -> None:
        """Keep why the newest plan was refused, if it was, and of when one is that the cloud sent, or 0."""
        self._plan_note = (problem, max(issued_ms, self._plan_note[1] if self._plan_note else 0))
        await self._write(lambda database: plan_news.note(database, problem, issued_ms))

    async def brought_plan(self) -> bytes | None:
        """The plan that another process has brought and that was not taken yet."""
        if not self._file.is_open or self._failing.is_set():
            return None
        brought: bytes | None = None
        try:
            brought = await self._file.run(lambda database: tables.one(database, "brought", "document"))
        except TROUBLE as error:
            self._report_failure(error)
        return brought

    async def plan_taken(self, document: bytes) -> None:
        """The plan that was brought has been taken, or refused: it need not be offered again."""
        self._taken = document
        await self._write(lambda database: _take(database, document))
        if not self._failing.is_set():
            self._taken = None

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
        self._overrides = dict(tables.read_overrides(database))
        waiting, begun = (tables.read_commands(database, begun=each) for each in (False, True))
        self._waiting = {key_of(command): command for command in waiting}
        self._begun = {key_of(command): command for command in begun}
        self._boots = dict(database.execute("SELECT lamp_id, counter FROM boots").fetchall())
        self._birth_death = tables.one(database, "session", "birth_death")
        self._plan = tables.one(database, "plan", "document")
        self._seen = _time(tables.one(database, "seen", "time_ms"))
        self._known = _time(tables.one(database, "known", "time_ms"))

    def _write_all(self, database: sqlite3.Connection) -> None:
        tables.write_overrides(database, self._overrides)
        tables.delete_commands(database, self._answered)
        tables.write_commands(database, self._waiting.values(), begun=False)
        tables.write_commands(database, self._begun.values(), begun=True)
        tables.write_boots(database, self._boots)
        if self._birth_death is not None:
            tables.put_one(database, "session", "birth_death", self._birth_death)
        self._write_times(database)
        if self._plan is not None:
            tables.put_one(database, "plan", "document", self._plan)
        if self._taken is not None:
            _take(database, self._taken)
        if self._plan_note is not None:
            plan_news.note(database, *self._plan_note)

    def _write_times(self, database: sqlite3.Connection) -> None:
        for table, time in (("seen", self._seen), ("known", self._known)):
            if time is not None:
                tables.put_one(database, table, "time_ms", to_unix_ms(time))


def _time(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else from_unix_ms(unix_ms)


def _take(database: sqlite3.Connection, document: bytes) -> None:
    database.execute("DELETE FROM brought WHERE document = ?", (document,))
