"""State of a gateway that survives a restart: plan, overrides, commands to come, counters, the time."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import structlog

from edge.storage import state_tables as tables
from edge.storage.damage import TRANSIENT_ERRORS
from edge.storage.sqlite_file import SqliteFile, Work
from edge.storage.state_tables import CommandKey, key_of
from protocols.clock import from_unix_ms
from protocols.lamp import LightCommand
from protocols.lighting.priority import Override
from runtime.failure_reporter import FailureReporter

# Our choice: often enough for overrides to be safe soon, seldom enough not to wear out failing flash memory.
_RETRY_S = 5.0

log = structlog.get_logger(__name__)


class StateStore:
    """A small file beside the outbox; every write is durable on return.

    While the disk cannot be written, changes are held in memory and written as soon as it can be: no lamp
    stays dark for a full disk. So no method raises for the disk; its failure is logged once, as is its end.
    """

    def __init__(self, path: Path) -> None:
        self.disk = SqliteFile(path, tables.SCHEMA)
        """The file, whose thread the stall detector watches."""
        self._reporter = FailureReporter(log, "state_unwritable", "state_writable", path=str(path))
        self._failing = asyncio.Event()
        self._has_unwritten = False
        self._overrides: dict[str, Override | None] = {}
        self._waiting: dict[CommandKey, LightCommand] = {}
        self._begun: dict[CommandKey, LightCommand] = {}
        self._boots: dict[str, int] = {}
        self._birth_death: int | None = None
        self.last_seen: datetime | None = None
        """The latest time that was saved."""
        self.last_known: datetime | None = None
        """The latest time that was saved and was not provisional."""
        self.plan: bytes | None = None
        """The document of the plan in force; None where there never was one."""
        self._plan_verdict: tuple[str, int] | None = None
        # What is deleted has to be remembered until the file can be written, unlike what is replaced.
        self._completed: set[CommandKey] = set()
        self._handled_offer: bytes | None = None

    @property
    def waiting_commands(self) -> dict[CommandKey, LightCommand]:
        """The commands that wait for their start."""
        return dict(self._waiting)

    @property
    def begun_commands(self) -> dict[CommandKey, LightCommand]:
        """The commands that were begun and have no durable result yet."""
        return dict(self._begun)

    async def open(self) -> None:
        """Open or create the file and load what it holds."""
        try:
            await self.disk.open()
            await self.disk.run(self._load)
        except TRANSIENT_ERRORS as error:
            self._report_failure(error)
            # A full disk can still be read, and the lamps need their overrides and plan now.
            with suppress(*TRANSIENT_ERRORS):
                await self.disk.read_without_wal(self._load)

    async def close(self) -> None:
        """Close the file."""
        await self.disk.close()

    async def run(self) -> None:
        """After a failure, write everything once the disk works again; run until cancelled."""
        while True:
            await self._failing.wait()
            await asyncio.sleep(_RETRY_S)
            try:
                if not self.disk.is_open:
                    await self.disk.open()
                self._has_unwritten = False
                await self.disk.run(self._write_all())
            except TRANSIENT_ERRORS:
                continue
            if self._has_unwritten:
                continue  # it was changed while the file's thread wrote the state before
            self._failing.clear()
            self._completed.clear()
            self._handled_offer = None
            self._reporter.recovered()

    async def overrides(self) -> dict[str, Override]:
        """Return the overrides by device, expired ones too."""
        return {device_id: each for device_id, each in self._overrides.items() if each is not None}

    async def save_overrides(self, overrides: Mapping[str, Override | None]) -> None:
        """Replace the override of each device; None removes it."""
        rows = dict(overrides)  # the caller may change its own while the file's thread writes
        self._overrides.update(rows)
        await self._write(lambda database: tables.save_overrides(database, rows))

    async def save_commands(self, commands: Sequence[LightCommand]) -> None:
        """Save commands that wait for their start."""
        self._waiting.update((key_of(command), command) for command in commands)
        await self._write(lambda database: tables.save_commands(database, commands, begun=False))

    async def begin_commands(
        self, commands: Sequence[LightCommand], overrides: Mapping[str, Override | None]
    ) -> None:
        """Save that commands have begun and, in the same transaction, the overrides they lead to.

        Else a restart in between would begin them again, or leave them without a result.
        """
        rows = dict(overrides)
        self._overrides.update(rows)
        for command in commands:
            self._waiting.pop(key_of(command), None)
            self._begun[key_of(command)] = command

        def write(database: sqlite3.Connection) -> None:
            tables.save_overrides(database, rows)
            tables.save_commands(database, commands, begun=True)

        await self._write(write)

    async def forget_commands(self, keys: Sequence[CommandKey]) -> None:
        """Delete commands whose result is stored."""
        for key in keys:
            self._waiting.pop(key, None)
            self._begun.pop(key, None)
        self._completed.update(keys)
        await self._write(lambda database: tables.delete_commands(database, keys))
        if not self._failing.is_set():
            self._completed.difference_update(keys)

    async def boot_counters(self) -> dict[str, int]:
        """Return the boot counter last seen of each lamp controller."""
        return dict(self._boots)

    async def save_boot_counters(self, counters: Mapping[str, int]) -> None:
        """Save the boot counters just seen."""
        rows = dict(counters)
        self._boots.update(rows)
        await self._write(lambda database: tables.save_boots(database, rows))

    async def next_birth_death_number(self) -> int:
        """Return the Sparkplug bdSeq of the next connection: 0 to 255, then 0 again."""
        # Stored before it is used: after a restart the death of an old connection must not match a new birth.
        number = 0 if self._birth_death is None else (self._birth_death + 1) % 256
        self._birth_death = number
        await self._write(lambda database: tables.save_one(database, "session", "birth_death", number))
        return number

    async def save_time(self, time: datetime, *, is_known: bool = True) -> None:
        """Save the present time, which is provisional unless it is known: the next start is later."""
        self.last_seen = time
        self.last_known = time if is_known else self.last_known
        seen, known = self.last_seen, self.last_known
        await self._write(lambda database: tables.save_times(database, seen, known))

    async def save_plan(self, document: bytes) -> None:
        """Replace the plan in force."""
        self.plan = document
        await self._write(lambda database: tables.save_one(database, "plan", "document", document))

    async def save_plan_verdict(self, problem: str, issued_ms: int) -> None:
        """Save why the newest plan was refused, '' if it was accepted.

        `issued_ms` is its issue time in Unix milliseconds, 0 if unknown.
        """
        self._plan_verdict = (problem, max(issued_ms, self._plan_verdict[1] if self._plan_verdict else 0))
        await self._write(lambda database: tables.save_plan_verdict(database, problem, issued_ms))

    async def offered_plan(self) -> bytes | None:
        """Return the plan of an offline transfer that was neither accepted nor refused yet."""
        if not self.disk.is_open or self._failing.is_set():
            return None
        offered: bytes | None = None
        try:
            offered = await self.disk.run(lambda database: tables.load_one(database, "offered", "document"))
        except TRANSIENT_ERRORS as error:
            self._report_failure(error)
        return offered

    async def remove_offer(self, document: bytes) -> None:
        """Remove an offered plan that was accepted or refused."""
        self._handled_offer = document
        await self._write(lambda database: tables.remove_offer(database, document))
        if not self._failing.is_set():
            self._handled_offer = None

    async def _write(self, work: Work) -> None:
        # Nothing waits for a disk that fails: each caller would be held up by its timeout.
        if self._failing.is_set():
            self._has_unwritten = True  # `run` writes it with everything else
            return
        try:
            await self.disk.run(work)
        except TRANSIENT_ERRORS as error:
            self._report_failure(error)

    def _report_failure(self, error: Exception) -> None:
        self._reporter.failed(error)
        self._failing.set()

    def _load(self, database: sqlite3.Connection) -> None:
        self._overrides = dict(tables.load_overrides(database))
        waiting, begun = (tables.load_commands(database, begun=each) for each in (False, True))
        self._waiting = {key_of(command): command for command in waiting}
        self._begun = {key_of(command): command for command in begun}
        self._boots = dict(database.execute("SELECT device_id, counter FROM boots").fetchall())
        self._birth_death = tables.load_one(database, "session", "birth_death")
        self.plan = tables.load_one(database, "plan", "document")
        saved_ms = [tables.load_one(database, table, "time_ms") for table in ("seen", "known")]
        self.last_seen, self.last_known = (None if each is None else from_unix_ms(each) for each in saved_ms)

    def _write_all(self) -> Work:
        """Return what writes everything as it is now."""
        # Copies: the file's thread must not read what the event loop may change meanwhile.
        overrides, completed, boots = dict(self._overrides), set(self._completed), dict(self._boots)
        waiting, begun = list(self._waiting.values()), list(self._begun.values())
        birth_death, plan, verdict = self._birth_death, self.plan, self._plan_verdict
        handled_offer, times = self._handled_offer, (self.last_seen, self.last_known)

        def write(database: sqlite3.Connection) -> None:
            tables.save_overrides(database, overrides)
            tables.delete_commands(database, completed)
            tables.save_commands(database, waiting, begun=False)
            tables.save_commands(database, begun, begun=True)
            tables.save_boots(database, boots)
            tables.save_times(database, *times)
            if birth_death is not None:
                tables.save_one(database, "session", "birth_death", birth_death)
            if plan is not None:
                tables.save_one(database, "plan", "document", plan)
            if handled_offer is not None:
                tables.remove_offer(database, handled_offer)
            if verdict is not None:
                tables.save_plan_verdict(database, *verdict)

        return write
