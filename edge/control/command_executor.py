"""Executes override commands: persisted, applied, verified, and answered with a result each."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from edge.control.levels import Levels
from edge.control.ports import Actuator, Confirmation
from edge.devices.device import Device
from edge.line import Lane
from edge.outbox import RecordSink
from edge.storage.state import StateStore
from edge.storage.state_tables import CommandKey, key_of
from protocols.clock import Clock, wall_seconds_until
from protocols.lamp import CommandResult, CommandStatus, LightCommand
from protocols.lighting.priority import Override, override_from

log = structlog.get_logger(__name__)

_GATHER_S = 0.02
_LONGEST_GATHER_S = 0.2
"""The commands of one click on many lamps come in a burst, which ends with a pause: applied as one batch."""

_BURST_TURNS = 5
"""Turns of the event loop within which the second command of a burst has come, if there is one."""

_LONGEST_WAIT_S = 300.0

_DELETE_AFTER_S = 0.5
"""Results become durable in batches: one delete for several of them."""


class CommandExecutor:
    """The `CommandSink` of one gateway. A command that fails leaves the override before it in force.

    The store holds commands whose start is to come, and those begun until their result is durable. So they
    outlive a restart, none is executed twice, and each is answered.
    """

    def __init__(
        self,
        actuators: Mapping[str, tuple[Device, Actuator]],
        levels: Levels,
        store: StateStore,
        clock: Clock,
        records: RecordSink,
    ) -> None:
        self._actuators = actuators
        self._levels = levels
        self._store = store
        self._clock = clock
        self._records = records
        self._inbox: asyncio.Queue[LightCommand] = asyncio.Queue()
        self._starting: set[CommandKey] = set()
        self._schedule_changed = asyncio.Event()
        self._durable: asyncio.Queue[CommandKey] = asyncio.Queue()

    def submit(self, command: LightCommand) -> None:
        """Take a command, to be carried out at once or at its start."""
        self._inbox.put_nowait(command)

    def reject(self, command_id: str | None, device_id: str, error: str) -> None:
        """Record the failure of an invalid command; without an id it is only logged."""
        if command_id is None:
            log.warning("command_rejected", device=device_id, error=error)
        else:
            self._complete(command_id, device_id, CommandStatus.FAILED, detail=error)

    def wake(self) -> None:
        """Check again which commands should start, for the clock has been set."""
        self._schedule_changed.set()

    def results_durable(self, results: Iterable[CommandResult]) -> None:
        """Delete the commands whose results are durable."""
        for result in results:
            self._durable.put_nowait((result.command_id, result.device_id))

    async def run(self) -> None:
        """Execute what is submitted until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._start_scheduled(tasks))
            tasks.create_task(self._delete_completed())
            while True:
                ready = await self._select(await self._gather())
                if ready:
                    await self._begin(ready, tasks)

    async def _gather(self) -> list[LightCommand]:
        """Return a burst of commands as one batch; a command that comes alone does not wait for others."""
        batch = [await self._inbox.get()]
        for _ in range(_BURST_TURNS):
            await asyncio.sleep(0)
        if self._inbox.empty():
            return batch
        loop = asyncio.get_running_loop()
        latest = loop.time() + _LONGEST_GATHER_S
        while (began := loop.time()) < latest:
            await asyncio.sleep(_GATHER_S)
            if self._inbox.empty() and loop.time() - began < 2 * _GATHER_S:
                break  # a real pause, not an event loop too busy to read what has arrived
            while not self._inbox.empty():
                batch.append(self._inbox.get_nowait())
        return batch

    async def _select(self, batch: Sequence[LightCommand]) -> list[LightCommand]:
        """Return those to execute now; the others are stored until their start, or answered."""
        now, waiting = self._clock.now(), self._store.waiting_commands.keys()
        # A scheduled command that is no longer waiting has already run: drop the duplicate.
        fresh = {key_of(each) for each in batch} - self._starting
        new = {key_of(each): each for each in batch if key_of(each) in waiting | fresh}
        executable = {key: each for key, each in new.items() if self._is_executable(each, now)}
        self._starting -= {key_of(each) for each in batch}
        later = [each for each in executable.values() if each.start > now]
        if later:
            await self._store.save_commands(later)
            self._schedule_changed.set()
        if dropped := (new.keys() - executable.keys()) & waiting:
            await self._store.forget_commands(list(dropped))
        return [each for each in executable.values() if each.start <= now]

    def _is_executable(self, command: LightCommand, now: datetime) -> bool:
        """Return whether it can be executed, now or at its start; otherwise its result is recorded."""
        if command.device_id not in self._actuators:
            self._fail_unknown(command)
        elif now > command.deadline:
            is_scheduled = key_of(command) in self._starting
            came = (
                f"was to start at {command.start.isoformat()}"
                if is_scheduled
                else f"came at {now.isoformat()}"
            )
            detail = f"{came}, expected before {command.deadline.isoformat()}"
            self._complete(command.command_id, command.device_id, CommandStatus.EXPIRED, detail=detail)
        elif command.expiration is not None and command.expiration <= now:
            self._fail(command, f"expiration {command.expiration.isoformat()}, expected after now")
        else:
            return True
        return False

    async def _start_scheduled(self, tasks: asyncio.TaskGroup) -> None:
        """Submit each waiting command at its start; none while the time is not known."""
        unanswered = list(self._store.begun_commands.values())
        while True:
            self._schedule_changed.clear()
            now, waiting = self._clock.now(), self._store.waiting_commands
            if self._levels.trusts(now):
                self._resume(unanswered, now, tasks)
                unanswered.clear()
                for key, command in waiting.items():
                    # It stays in the store until it is begun; `_starting` prevents a second submission.
                    if command.start <= now and key not in self._starting:
                        self._starting.add(key)
                        self.submit(command)
            starts = [each.start for each in waiting.values() if each.start > now]
            wait_s = wall_seconds_until(self._clock, min(starts)) if starts else _LONGEST_WAIT_S
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait_s, _LONGEST_WAIT_S) + 0.001):
                    await self._schedule_changed.wait()

    def _resume(self, commands: Iterable[LightCommand], now: datetime, tasks: asyncio.TaskGroup) -> None:
        """Verify and answer commands begun before a restart: their overrides are in force already.

        The overrides before them are not known any more: a command that fails leaves the plan in force.
        """
        left: dict[str, LightCommand] = {}
        for command in commands:
            if command.device_id not in self._actuators:
                self._fail_unknown(command)
            elif not self._is_in_force(command):
                self._fail(command, "replaced by a newer command")
            elif command.expiration is not None and command.expiration <= now:
                self._fail(command, "gateway was away until it ended")
            else:
                left[command.device_id] = command
        for actuator in {self._actuators[device_id][1] for device_id in left}:
            actuator.refresh()
        self._apply_all(left, dict.fromkeys(left), tasks)

    async def _delete_completed(self) -> None:
        while True:
            keys = [await self._durable.get()]
            await asyncio.sleep(_DELETE_AFTER_S)
            while not self._durable.empty():
                keys.append(self._durable.get_nowait())
            if known := self._store.begun_commands.keys() & set(keys):
                await self._store.forget_commands(list(known))

    async def _begin(self, commands: Sequence[LightCommand], tasks: asyncio.TaskGroup) -> None:
        # A batch may hold several commands for one device: the one that came last counts.
        newest = {command.device_id: command for command in commands}
        for command in commands:
            if newest[command.device_id] is not command:
                self._fail(command, f"replaced by command {newest[command.device_id].command_id!r}")
        before = {device_id: self._levels.override(device_id) for device_id in newest}
        overrides = {device_id: override_from(command) for device_id, command in newest.items()}
        # On disk before anything is written to a lamp: after a power cut it is resumed, not executed twice.
        await self._store.begin_commands(commands, overrides)
        self._put_in_force(overrides)
        self._apply_all(newest, before, tasks)

    def _apply_all(
        self,
        commands: Mapping[str, LightCommand],
        before: Mapping[str, Override | None],
        tasks: asyncio.TaskGroup,
    ) -> None:
        groups: defaultdict[tuple[Actuator, float], list[LightCommand]] = defaultdict(list)
        for device_id, command in commands.items():
            # Together, so that one broadcast can set them; the ramp is written once for all.
            groups[self._actuators[device_id][1], command.ramp_s].append(command)
        for (actuator, ramp_s), group in groups.items():
            tasks.create_task(self._apply(actuator, ramp_s, group, before))

    async def _apply(
        self,
        actuator: Actuator,
        ramp_s: float,
        commands: Iterable[LightCommand],
        before: Mapping[str, Override | None],
    ) -> None:
        """Apply the commands of one actuator; where that fails, the override before is in force again."""
        by_device = {self._actuators[command.device_id][0]: command for command in commands}

        def confirm(confirmation: Confirmation) -> None:
            command = by_device[confirmation.device]
            if not self._is_in_force(command):
                self._fail(command, "replaced by a newer command")
                return
            level, caveat = confirmation.level_percent, confirmation.caveat
            self._complete(command.command_id, command.device_id, CommandStatus.CONFIRMED, level, caveat)

        problems = await actuator.apply(by_device, Lane.COMMAND, ramp_s, confirm)
        undone: dict[str, Override | None] = {}
        for device, problem in problems.items():
            command = by_device[device]
            # A newer command may have replaced it meanwhile: that one stays.
            if self._is_in_force(command):
                undone[device.id] = before[device.id]
            self._fail(command, problem.error)
        if undone:
            await self._store.save_overrides(undone)
            self._put_in_force(undone)
        # Only now: before that the actuator would write the failed level once more.
        actuator.wake()

    def _is_in_force(self, command: LightCommand) -> bool:
        override = self._levels.override(command.device_id)
        if override is None:
            return command.level_percent is None
        return override.command_id == command.command_id

    def _put_in_force(self, overrides: Mapping[str, Override | None]) -> None:
        for device_id, override in overrides.items():
            self._levels.put_override(device_id, override)
        for actuator in {self._actuators[device_id][1] for device_id in overrides}:
            actuator.refresh()

    def _fail_unknown(self, command: LightCommand) -> None:
        self._fail(command, f"{command.device_id!r} is no lamp or contactor of this gateway")

    def _fail(self, command: LightCommand, detail: str) -> None:
        self._complete(command.command_id, command.device_id, CommandStatus.FAILED, detail=detail)

    def _complete(
        self,
        command_id: str,
        device_id: str,
        status: CommandStatus,
        level: int | None = None,
        detail: str = "",
    ) -> None:
        log.info(
            "command_completed", command=command_id, device=device_id, status=status.value, detail=detail
        )
        self._records.append(CommandResult(command_id, device_id, status, self._clock.now(), level, detail))
