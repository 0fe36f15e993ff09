"""Carries out override commands: kept on disk, told to the lamp, read back, answered with a result."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import structlog

from edge.control.level_writer import Problems, proof_of
from edge.control.levels import Levels
from edge.devices.device import Device
from edge.line import Lane
from edge.outbox import Record
from edge.storage.state import StateStore
from edge.storage.state_tables import CommandKey, key_of
from protocols.clock import Clock, wall_seconds_until
from protocols.lamp import CommandResult, CommandStatus, LightCommand
from protocols.lighting.priority import Override, override_from

log = structlog.get_logger(__name__)

_GATHER_S = 0.02
_LONGEST_GATHER_S = 0.2
"""The commands of one click on many lamps come in a burst: once it pauses, they can be told together."""

_GLANCES = 5
"""Turns of the event loop in which the second command of a burst has come, if there is one."""

_LONGEST_WAIT_S = 300.0
_FORGET_S = 0.5


class Actuator(Protocol):
    """What brings devices to their level and keeps them there: a line's dimmer, a cabinet's contactor."""

    def refresh(self) -> datetime | None:
        """Set the devices' targets to their level of now."""
        ...

    async def settle(
        self,
        devices: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,
        on_confirmed: Callable[[Device], None] | None = None,
    ) -> Problems:
        """Bring devices to their targets; returns those that did not follow, and why."""
        ...

    def wake(self) -> None:
        """Look again at what the levels should be and are."""
        ...


class CommandExecutor:
    """The commands of one gateway. A command that fails leaves the override before it in force.

    The memory holds those whose start is to come, and those begun until their answer is durable. So they
    outlive a restart, none is carried out twice, and each is answered.
    """

    def __init__(
        self,
        lamps: Mapping[str, tuple[Device, Actuator]],
        levels: Levels,
        memory: StateStore,
        clock: Clock,
        record: Callable[[Record], object],
    ) -> None:
        self._lamps = lamps
        self._levels = levels
        self._memory = memory
        self._clock = clock
        self._record = record
        self._inbox: asyncio.Queue[LightCommand] = asyncio.Queue()
        self._starting: set[CommandKey] = set()
        self._news = asyncio.Event()
        self._answered: asyncio.Queue[CommandKey] = asyncio.Queue()

    def submit(self, command: LightCommand) -> None:
        """Take a command to be carried out at once, or at its start."""
        self._inbox.put_nowait(command)

    def reject(self, command_id: str | None, lamp_id: str, why: str) -> None:
        """Answer a command that cannot be understood; one without an id has nobody to be answered to."""
        if command_id is None:
            log.warning("command ignored", lamp=lamp_id, why=why)
        else:
            self._answer(command_id, lamp_id, CommandStatus.FAILED, detail=why)

    def wake(self) -> None:
        """The clock was set: look again at which commands should start."""
        self._news.set()

    def answered(self, results: Iterable[CommandResult]) -> None:
        """These answers are durable: nothing need be known of their commands any more."""
        for result in results:
            self._answered.put_nowait((result.command_id, result.device_id))

    async def run(self) -> None:
        """Carry out what is submitted until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._start_in_time(tasks))
            tasks.create_task(self._forget_answered())
            while True:
                ready = await self._choose(await self._gather())
                if ready:
                    await self._begin(ready, tasks)

    async def _gather(self) -> list[LightCommand]:
        """What came together. One command that comes alone does not wait for others."""
        batch = [await self._inbox.get()]
        for _ in range(_GLANCES):
            await asyncio.sleep(0)
        if self._inbox.empty():
            return batch
        loop = asyncio.get_running_loop()
        latest = loop.time() + _LONGEST_GATHER_S
        while (began := loop.time()) < latest:
            await asyncio.sleep(_GATHER_S)
            if self._inbox.empty() and loop.time() - began < 2 * _GATHER_S:
                break  # a pause indeed, and not a loop that was busy and has yet to read what came
            while not self._inbox.empty():
                batch.append(self._inbox.get_nowait())
        return batch

    async def _choose(self, batch: Sequence[LightCommand]) -> list[LightCommand]:
        """Those to be carried out now; what waits for its start is kept, the rest is answered."""
        now, waiting = self._clock.now(), self._memory.waiting_commands.keys()
        # One that was to start and waits no more has been carried out meanwhile: it came a second time.
        new = {key_of(each): each for each in batch if key_of(each) in waiting | self._new_keys(batch)}
        possible = {key: each for key, each in new.items() if self._is_possible(each, now)}
        self._starting -= {key_of(each) for each in batch}
        later = [each for each in possible.values() if each.start > now]
        if later:
            await self._memory.save_commands(later)
            self._news.set()
        if given_up := (new.keys() - possible.keys()) & waiting:
            await self._memory.forget_commands(list(given_up))
        return [each for each in possible.values() if each.start <= now]

    def _new_keys(self, batch: Sequence[LightCommand]) -> set[CommandKey]:
        return {key_of(each) for each in batch} - self._starting

    def _is_possible(self, command: LightCommand, now: datetime) -> bool:
        if command.device_id not in self._lamps:
            self._fail(command, f"lamp {command.device_id!r} is not a lamp of this gateway")
        elif now > command.deadline:
            came = "was to start" if key_of(command) in self._starting else "came"
            at = command.start if key_of(command) in self._starting else now
            detail = f"{came} at {at.isoformat()}, expected before {command.deadline.isoformat()}"
            self._answer(command.command_id, command.device_id, CommandStatus.EXPIRED, detail=detail)
        elif command.expiration is not None and command.expiration <= now:
            self._fail(command, f"expiration {command.expiration.isoformat()}, expected after now")
        else:
            return True
        return False

    async def _start_in_time(self, tasks: asyncio.TaskGroup) -> None:
        """Submit the commands that wait, each at its start; without a clock none of them."""
        unanswered = list(self._memory.begun_commands.values())
        while True:
            self._news.clear()
            now, waiting = self._clock.now(), self._memory.waiting_commands
            if self._levels.trusts(now):
                self._take_up(unanswered, now, tasks)
                unanswered.clear()
                for key, command in waiting.items():
                    if command.start <= now and key not in self._starting:
                        self._starting.add(key)
                        self.submit(command)
            starts = [each.start for each in waiting.values() if each.start > now]
            wait_s = wall_seconds_until(self._clock, min(starts)) if starts else _LONGEST_WAIT_S
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait_s, _LONGEST_WAIT_S) + 0.001):
                    await self._news.wait()

    def _take_up(self, commands: Iterable[LightCommand], now: datetime, tasks: asyncio.TaskGroup) -> None:
        """Answer what was begun before a restart: its override is in force, its lamp was not read back.

        Of what was in force before it nothing is known any more: where it fails the plan is.
        """
        left: dict[str, LightCommand] = {}
        for command in commands:
            if command.device_id not in self._lamps:
                self._fail(command, f"lamp {command.device_id!r} is not a lamp of this gateway")
            elif not self._is_in_force(command):
                self._fail(command, "replaced by a newer command")
            elif command.expiration is not None and command.expiration <= now:
                self._fail(command, "gateway was away until it ended")
            else:
                left[command.device_id] = command
        for dimmer in {self._lamps[lamp_id][1] for lamp_id in left}:
            dimmer.refresh()
        self._settle_all(left, dict.fromkeys(left), tasks)

    async def _forget_answered(self) -> None:
        while True:
            keys = [await self._answered.get()]
            await asyncio.sleep(_FORGET_S)
            while not self._answered.empty():
                keys.append(self._answered.get_nowait())
            if known := self._memory.begun_commands.keys() & set(keys):
                await self._memory.forget_commands(list(known))

    async def _begin(self, commands: Sequence[LightCommand], tasks: asyncio.TaskGroup) -> None:
        newest = {command.device_id: command for command in commands}
        for command in commands:
            if newest[command.device_id] is not command:
                self._fail(command, f"replaced by command {newest[command.device_id].command_id!r}")
        before = {lamp_id: self._levels.override(lamp_id) for lamp_id in newest}
        overrides = {lamp_id: override_from(command) for lamp_id, command in newest.items()}
        await self._memory.begin_commands(commands, overrides)
        self._put_in_force(overrides)
        self._settle_all(newest, before, tasks)

    def _settle_all(
        self,
        commands: Mapping[str, LightCommand],
        before: Mapping[str, Override | None],
        tasks: asyncio.TaskGroup,
    ) -> None:
        groups: defaultdict[tuple[Actuator, float], list[LightCommand]] = defaultdict(list)
        for lamp_id, command in commands.items():
            groups[self._lamps[lamp_id][1], command.ramp_s].append(command)
        for (dimmer, ramp_s), group in groups.items():
            tasks.create_task(self._settle(dimmer, ramp_s, group, before))

    async def _settle(
        self,
        dimmer: Actuator,
        ramp_s: float,
        commands: Iterable[LightCommand],
        before: Mapping[str, Override | None],
    ) -> None:
        by_lamp = {self._lamps[command.device_id][0]: command for command in commands}
        problems = await dimmer.settle(
            by_lamp, Lane.COMMAND, ramp_s, lambda lamp: self._confirm(lamp, by_lamp[lamp])
        )
        undone: dict[str, Override | None] = {}
        for lamp, problem in problems.items():
            command = by_lamp[lamp]
            if self._is_in_force(command):
                undone[lamp.id] = before[lamp.id]
            self._fail(command, problem.why)
        if undone:
            await self._memory.save_overrides(undone)
            self._put_in_force(undone)
        # Only now: the dimmer would tell the same lamps the same level a second time.
        dimmer.wake()

    def _confirm(self, lamp: Device, command: LightCommand) -> None:
        if self._is_in_force(command):
            level = lamp.target_level_percent
            self._answer(command.command_id, lamp.id, CommandStatus.CONFIRMED, level, proof_of(lamp))
        else:
            self._fail(command, "replaced by a newer command")

    def _is_in_force(self, command: LightCommand) -> bool:
        override = self._levels.override(command.device_id)
        if override is None:
            return command.level_percent is None
        return override.command_id == command.command_id

    def _put_in_force(self, overrides: Mapping[str, Override | None]) -> None:
        for lamp_id, override in overrides.items():
            self._levels.put_override(lamp_id, override)
        for dimmer in {self._lamps[lamp_id][1] for lamp_id in overrides}:
            dimmer.refresh()

    def _fail(self, command: LightCommand, detail: str) -> None:
        self._answer(command.command_id, command.device_id, CommandStatus.FAILED, detail=detail)

    def _answer(
        self, command_id: str, lamp_id: str, status: CommandStatus, level: int | None = None, detail: str = ""
    ) -> None:
        log.info("command answered", command=command_id, lamp=lamp_id, status=status.value, detail=detail)
        self._record(CommandResult(command_id, lamp_id, status, self._clock.now(), level, detail))
