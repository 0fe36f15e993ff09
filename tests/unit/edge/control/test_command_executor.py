"""Commands over a reboot: those whose start is to come, and those begun; carried out once, each answered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.config.profiles import load_profile
from edge.control.command_executor import CommandExecutor
from edge.control.level_writer import Problems
from edge.control.levels import Levels
from edge.devices.device import Device, device_of
from edge.line import Lane
from edge.outbox import Record
from edge.storage.state import StateStore
from protocols.lamp import CommandResult, CommandStatus, LightCommand
from protocols.lighting.plan import DEFAULT_PLAN
from protocols.lighting.program import Place
from tests.conftest import eventually

EVENING = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
LAMP = "SOR-00001"
MINUTE = timedelta(minutes=1)


@dataclass
class HandSetClock:
    """A clock that stands still until it is set."""

    present: datetime = EVENING
    speed: float = 1.0
    is_known: bool = True

    def now(self) -> datetime:
        return self.present


@dataclass(eq=False)
class ObedientHand:
    """Takes every level; remembers which."""

    lamp: Device
    levels: Levels
    clock: HandSetClock
    told: list[int] = field(default_factory=list)
    is_stuck: bool = False

    def refresh(self) -> datetime | None:
        self.lamp.target_level_percent = self.levels.at(self.lamp.id, self.clock.now()).level_percent
        return None

    async def settle(
        self,
        devices: Iterable[Device],
        lane: Lane,  # noqa: ARG002
        ramp_s: float = 0.0,  # noqa: ARG002
        on_confirmed: Callable[[Device], None] | None = None,
    ) -> Problems:
        for device in devices:
            assert device.target_level_percent is not None
            self.told.append(device.target_level_percent)
            if self.is_stuck:
                await asyncio.Event().wait()
            if on_confirmed is not None:
                on_confirmed(device)
        return {}

    def wake(self) -> None:
        pass


@dataclass
class Desk:
    """A commander at work, and all that it said."""

    commander: CommandExecutor
    hand: ObedientHand
    memory: StateStore
    clock: HandSetClock
    results: list[CommandResult]

    async def at(self, instant: datetime) -> None:
        self.clock.present = instant
        self.commander.wake()

    @property
    def kept(self) -> list[LightCommand]:
        return [*self.memory.waiting_commands.values(), *self.memory.begun_commands.values()]

    async def answer(self) -> CommandResult:
        await eventually(lambda: self.results, what="a result")
        return self.results[-1]


@asynccontextmanager
async def desk(path: Path, clock: HandSetClock) -> AsyncIterator[Desk]:
    """From one start of a gateway to its end."""
    memory = StateStore(path)
    await memory.open()
    levels = Levels(
        DEFAULT_PLAN,
        Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta")),
        80,
        await memory.overrides(),
        time_is_known=lambda: clock.is_known,
    )
    lamp = device_of(LAMP, 1, load_profile("lentera-lamp"))
    hand = ObedientHand(lamp, levels, clock)
    results: list[CommandResult] = []

    def record(record: Record) -> None:
        assert isinstance(record, CommandResult)
        results.append(record)
        commander.answered([record])

    commander = CommandExecutor({LAMP: (lamp, hand)}, levels, memory, clock, record)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(commander.run())
            yield Desk(commander, hand, memory, clock, results)
            running.cancel()
    finally:
        await memory.close()


def command(level: int | None = 40, *, start: timedelta = 10 * MINUTE, lamp_id: str = LAMP) -> LightCommand:
    begin = EVENING + start
    return LightCommand("c1", lamp_id, level, begin, begin + 5 * MINUTE, begin + 120 * MINUTE, 2.5)


async def waiting(here: Desk) -> None:
    here.commander.submit(command())
    await eventually(lambda: here.kept, what="the command to be kept")


async def test_waits_for_its_start_and_is_carried_out_once(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", HandSetClock()) as here:
        await waiting(here)
        assert (here.hand.told, here.results) == ([], [])
        await here.at(EVENING + 10 * MINUTE)
        result = await here.answer()
        assert (result.status, result.level_percent, here.hand.told) == (CommandStatus.CONFIRMED, 40, [40])
        await eventually(lambda: not here.kept, what="the command to be forgotten")


async def test_survives_a_reboot_before_its_start(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", HandSetClock()) as here:
        await waiting(here)
    async with desk(tmp_path / "m.db", HandSetClock(EVENING + MINUTE)) as here:
        assert here.kept == [command()]
        await here.at(EVENING + 10 * MINUTE)
        assert (await here.answer()).status is CommandStatus.CONFIRMED
        assert here.hand.told == [40]


async def test_is_carried_out_late_where_the_power_was_away_at_its_start(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", HandSetClock()) as here:
        await waiting(here)
    async with desk(tmp_path / "m.db", HandSetClock(EVENING + 12 * MINUTE)) as here:
        assert (await here.answer()).status is CommandStatus.CONFIRMED
        assert here.hand.told == [40]


async def test_is_given_up_and_said_so_when_its_deadline_has_passed(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", HandSetClock()) as here:
        await waiting(here)
    async with desk(tmp_path / "m.db", HandSetClock(EVENING + 16 * MINUTE)) as here:
        result = await here.answer()
        assert result.status is CommandStatus.EXPIRED
        assert result.detail == (
            "was to start at 2026-06-01T13:10:00+00:00, expected before 2026-06-01T13:15:00+00:00"
        )
        await eventually(lambda: not here.kept, what="the command to be forgotten")
    async with desk(tmp_path / "m.db", HandSetClock(EVENING + 17 * MINUTE)) as here:
        await here.at(EVENING + 18 * MINUTE)
        await asyncio.sleep(0)
        assert (here.kept, here.results, here.hand.told) == ([], [], [])


async def test_is_never_carried_out_twice(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", HandSetClock()) as here:
        await waiting(here)
        here.clock.present = EVENING + 10 * MINUTE
        here.commander.submit(command())  # the cloud, too, says it again
        here.commander.wake()
        await here.answer()
        here.commander.submit(command(None, start=10 * MINUTE))
        await eventually(lambda: len(here.results) == 2, what="the end of the override")
        await eventually(lambda: not here.kept, what="the commands to be forgotten")
        disk = here.memory.disk
        await eventually(lambda: disk.completed == disk.submitted, what="that to be on disk")
    async with desk(tmp_path / "m.db", HandSetClock(EVENING + 11 * MINUTE)) as here:
        assert here.kept == []
        assert await here.memory.overrides() == {}


async def test_waits_while_the_time_is_not_known(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", HandSetClock()) as here:
        await waiting(here)
    late = HandSetClock(EVENING + 11 * MINUTE, is_known=False)
    async with desk(tmp_path / "m.db", late) as here:
        here.commander.submit(command(lamp_id="SOR-00002"))
        await here.answer()
        assert here.hand.told == []
        assert here.kept == [command()]
        late.is_known = True
        here.commander.wake()
        await eventually(lambda: here.hand.told == [40], what="the command to be carried out")


async def test_a_lamp_that_is_not_there_any_more_is_answered(tmp_path: Path) -> None:
    memory = StateStore(tmp_path / "m.db")
    await memory.open()
    await memory.save_commands([command(lamp_id="SOR-00002")])
    await memory.close()
    async with desk(tmp_path / "m.db", HandSetClock(EVENING + 10 * MINUTE)) as here:
        result = await here.answer()
        assert result.detail == "lamp 'SOR-00002' is not a lamp of this gateway"
        await eventually(lambda: not here.kept, what="the command to be forgotten")


@pytest.mark.parametrize("level", [40, None])
async def test_one_that_was_begun_is_answered_after_a_reboot_and_not_begun_again(
    tmp_path: Path, level: int | None
) -> None:
    async with desk(tmp_path / "m.db", HandSetClock()) as here:
        here.hand.is_stuck = True
        here.commander.submit(command(level, start=-MINUTE))
        await eventually(lambda: here.hand.told, what="the command to be begun")
    late = HandSetClock(EVENING + 60 * MINUTE, is_known=False)
    async with desk(tmp_path / "m.db", late) as here:
        here.commander.wake()
        await eventually(lambda: here.kept, what="what is known of it")
        assert here.hand.told == []
        late.is_known = True
        here.commander.wake()
        result = await here.answer()
        expected = 100 if level is None else level
        assert (result.status, result.level_percent) == (CommandStatus.CONFIRMED, expected)
        await eventually(lambda: not here.kept, what="the command to be forgotten")
    assert here.hand.told == [expected]


async def test_one_that_was_begun_and_has_ended_since_is_answered(tmp_path: Path) -> None:
    async with desk(tmp_path / "m.db", HandSetClock()) as here:
        here.hand.is_stuck = True
        here.commander.submit(command(start=-MINUTE))
        await eventually(lambda: here.hand.told, what="the command to be begun")
    async with desk(tmp_path / "m.db", HandSetClock(EVENING + 180 * MINUTE)) as here:
        result = await here.answer()
        assert (result.status, result.detail) == (CommandStatus.FAILED, "gateway was away until it ended")
        assert here.hand.told == []
