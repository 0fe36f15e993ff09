"""Commands over a reboot: those whose start is to come, and those begun; carried out once, each answered."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.config.profiles import load_profile
from edge.control.command_executor import CommandExecutor
from edge.control.levels import Levels
from edge.control.ports import Confirmation, OnConfirmed, Problems
from edge.devices.device import Device, device_of
from edge.line import Lane
from edge.outbox import Record
from edge.storage.state import StateStore
from protocols.lamp import CommandResult, CommandStatus, LightCommand
from protocols.lighting.plan import DEFAULT_PLAN
from protocols.lighting.program import Place
from tests.conftest import eventually
from tests.support.clocks import FakeClock

EVENING = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
LAMP = "SOR-00001"
MINUTE = timedelta(minutes=1)


@dataclass(eq=False)
class ObedientActuator:
    """Applies every level; remembers which."""

    lamp: Device
    levels: Levels
    clock: FakeClock
    target_level_percent: int | None = None
    applied: list[int] = field(default_factory=list)
    is_stuck: bool = False

    def refresh(self) -> datetime | None:
        self.target_level_percent = self.levels.at(self.lamp.id, self.clock.now()).level_percent
        return None

    async def apply(
        self,
        devices: Iterable[Device],
        lane: Lane,  # noqa: ARG002
        ramp_s: float = 0.0,  # noqa: ARG002
        on_confirmed: OnConfirmed | None = None,
    ) -> Problems:
        for device in devices:
            assert self.target_level_percent is not None
            self.applied.append(self.target_level_percent)
            if self.is_stuck:
                await asyncio.Event().wait()
            if on_confirmed is not None:
                on_confirmed(Confirmation(device, self.target_level_percent))
        return {}

    def wake(self) -> None:
        pass


class Results(list[Record]):
    """The records of an executor, each durable at once."""

    executor: CommandExecutor

    def append(self, record: Record, /) -> None:
        assert isinstance(record, CommandResult)
        super().append(record)
        self.executor.results_durable([record])


@dataclass
class Desk:
    """An executor at work, and all that it recorded."""

    executor: CommandExecutor
    actuator: ObedientActuator
    store: StateStore
    clock: FakeClock
    results: Results

    async def at(self, instant: datetime) -> None:
        self.clock.instant = instant
        self.executor.wake()

    @property
    def kept(self) -> list[LightCommand]:
        return [*self.store.waiting_commands.values(), *self.store.begun_commands.values()]

    async def forgotten(self) -> None:
        """Wait until no command is kept, on disk as well."""
        await eventually(lambda: not self.kept, what="the commands to be forgotten")
        # They are deleted from disk after that; a write that comes later ends later.
        await self.store.save_boot_counters({})

    async def answer(self) -> CommandResult:
        await eventually(lambda: self.results, what="a result")
        result = self.results[-1]
        assert isinstance(result, CommandResult)
        return result


@asynccontextmanager
async def desk(path: Path, clock: FakeClock) -> AsyncIterator[Desk]:
    """From one start of a gateway to its end."""
    store = StateStore(path)
    await store.open()
    levels = Levels(
        DEFAULT_PLAN,
        Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta")),
        80,
        await store.overrides(),
        time_is_known=lambda: clock.is_known,
    )
    lamp = device_of(LAMP, 1, load_profile("lentera-lamp"))
    actuator = ObedientActuator(lamp, levels, clock)
    results = Results()
    executor = CommandExecutor({LAMP: (lamp, actuator)}, levels, store, clock, results)
    results.executor = executor
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(executor.run())
            yield Desk(executor, actuator, store, clock, results)
            running.cancel()
    finally:
        await store.close()


def command(level: int | None = 40, *, start: timedelta = 10 * MINUTE, lamp_id: str = LAMP) -> LightCommand:
    begin = EVENING + start
    return LightCommand("c1", lamp_id, level, begin, begin + 5 * MINUTE, begin + 120 * MINUTE, 2.5)


async def waiting(here: Desk) -> None:
    here.executor.submit(command())
    await eventually(lambda: here.kept, what="the command to be kept")


async def test_waits_for_its_start_and_is_executed_once(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", FakeClock(EVENING)) as here:
        await waiting(here)
        assert (here.actuator.applied, here.results) == ([], [])
        await here.at(EVENING + 10 * MINUTE)
        result = await here.answer()
        assert (result.status, result.level_percent, here.actuator.applied) == (
            CommandStatus.CONFIRMED,
            40,
            [40],
        )
        await here.forgotten()


async def test_survives_a_reboot_before_its_start(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", FakeClock(EVENING)) as here:
        await waiting(here)
    async with desk(tmp_path / "m.db", FakeClock(EVENING + MINUTE)) as here:
        assert here.kept == [command()]
        await here.at(EVENING + 10 * MINUTE)
        assert (await here.answer()).status is CommandStatus.CONFIRMED
        assert here.actuator.applied == [40]


async def test_is_executed_late_after_a_power_cut_at_its_start(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", FakeClock(EVENING)) as here:
        await waiting(here)
    async with desk(tmp_path / "m.db", FakeClock(EVENING + 12 * MINUTE)) as here:
        assert (await here.answer()).status is CommandStatus.CONFIRMED
        assert here.actuator.applied == [40]


async def test_expires_when_its_deadline_has_passed(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", FakeClock(EVENING)) as here:
        await waiting(here)
    async with desk(tmp_path / "m.db", FakeClock(EVENING + 16 * MINUTE)) as here:
        result = await here.answer()
        assert result.status is CommandStatus.EXPIRED
        assert result.detail == (
            "was to start at 2026-06-01T13:10:00+00:00, expected before 2026-06-01T13:15:00+00:00"
        )
        await here.forgotten()
    async with desk(tmp_path / "m.db", FakeClock(EVENING + 17 * MINUTE)) as here:
        await here.at(EVENING + 18 * MINUTE)
        await asyncio.sleep(0)
        assert (here.kept, here.results, here.actuator.applied) == ([], [], [])


async def test_is_never_executed_twice(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", FakeClock(EVENING)) as here:
        await waiting(here)
        here.clock.instant = EVENING + 10 * MINUTE
        here.executor.submit(command())  # the cloud, too, says it again
        here.executor.wake()
        await here.answer()
        here.executor.submit(command(None, start=10 * MINUTE))
        await eventually(lambda: len(here.results) == 2, what="the end of the override")
        await here.forgotten()
    async with desk(tmp_path / "m.db", FakeClock(EVENING + 11 * MINUTE)) as here:
        assert here.kept == []
        assert await here.store.overrides() == {}


async def test_waits_while_the_time_is_not_known(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", FakeClock(EVENING)) as here:
        await waiting(here)
    late = FakeClock(EVENING + 11 * MINUTE, is_known=False)
    async with desk(tmp_path / "m.db", late) as here:
        here.executor.submit(command(lamp_id="SOR-00002"))
        await here.answer()
        assert here.actuator.applied == []
        assert here.kept == [command()]
        late.is_known = True
        here.executor.wake()
        await eventually(lambda: here.actuator.applied == [40], what="the command to be carried out")


async def test_a_command_for_a_removed_lamp_fails(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "m.db")
    await store.open()
    await store.save_commands([command(lamp_id="SOR-00002")])
    await store.close()
    async with desk(tmp_path / "m.db", FakeClock(EVENING + 10 * MINUTE)) as here:
        result = await here.answer()
        assert result.detail == "'SOR-00002' is no lamp or contactor of this gateway"
        await here.forgotten()


@pytest.mark.parametrize("level", [40, None])
async def test_one_that_was_begun_is_answered_once_after_a_reboot(tmp_path: Path, level: int | None) -> None:
    async with desk(tmp_path / "m.db", FakeClock(EVENING)) as here:
        here.actuator.is_stuck = True
        here.executor.submit(command(level, start=-MINUTE))
        await eventually(lambda: here.actuator.applied, what="the command to be begun")
    late = FakeClock(EVENING + 60 * MINUTE, is_known=False)
    async with desk(tmp_path / "m.db", late) as here:
        here.executor.wake()
        await eventually(lambda: here.kept, what="what is known of it")
        assert here.actuator.applied == []
        late.is_known = True
        here.executor.wake()
        result = await here.answer()
        expected = 100 if level is None else level
        assert (result.status, result.level_percent) == (CommandStatus.CONFIRMED, expected)
        await here.forgotten()
    assert here.actuator.applied == [expected]


async def test_one_that_was_begun_and_has_ended_since_is_answered(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", FakeClock(EVENING)) as here:
        here.actuator.is_stuck = True
        here.executor.submit(command(start=-MINUTE))
        await eventually(lambda: here.actuator.applied, what="the command to be begun")
    async with desk(tmp_path / "m.db", FakeClock(EVENING + 180 * MINUTE)) as here:
        result = await here.answer()
        assert (result.status, result.detail) == (CommandStatus.FAILED, "gateway was away until it ended")
        assert here.actuator.applied == []
