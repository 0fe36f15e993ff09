"""The line against a real pty: whose answer came, what a silent unit costs, what silence is kept."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from edge.line import (
    CorruptResponseError,
    Lane,
    Line,
    LineSettings,
    NoResponseError,
    PortUnavailableError,
    RequestRefusedError,
    open_line,
)
from protocols.modbus.codec import ReadBlock, Write
from protocols.modbus.profile import Table
from tests.conftest import eventually
from tests.support.modbus_slave import SlaveLine, Unit, crc, healthy_inputs

FAST_BLOCK = ReadBlock(Table.INPUT, 0, 16)
REOPENED_WITHIN_S = 2.0


def target(level: int) -> Write:
    return Write(Table.HOLDING, 0, (level,))


@asynccontextmanager
async def running(path: str, baud: int = 9600, response_timeout_s: float = 0.3) -> AsyncIterator[Line]:
    line = open_line(LineSettings(path, baud, response_timeout_s=response_timeout_s))
    async with asyncio.TaskGroup() as tasks:
        owner = tasks.create_task(line.run())
        yield line
        owner.cancel()


@pytest.mark.parametrize("baud", [9600, 115200])
async def test_reads_many_units_and_never_breaks_the_silence(baud: int) -> None:
    units = {number: Unit(inputs=healthy_inputs(number)) for number in range(1, 11)}
    with SlaveLine(units, baud) as slave:
        async with running(slave.path, baud) as line:
            for _ in range(3):
                for number in units:
                    words = await line.read(number, FAST_BLOCK, Lane.READING)
                    assert list(words) == healthy_inputs(number)
        assert slave.frames == 30
        assert slave.silence_violations == 0


async def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    units = {1: Unit(inputs=healthy_inputs(11), delay_s=0.5), 2: Unit(inputs=healthy_inputs(22))}
    with SlaveLine(units) as slave:
        async with running(slave.path, response_timeout_s=0.2) as line:
            with pytest.raises(NoResponseError, match="unit 1 did not respond"):
                await line.read(1, FAST_BLOCK, Lane.READING)
            while line.counters.late == 0:
                words = await line.read(2, FAST_BLOCK, Lane.READING)
                assert list(words) == healthy_inputs(22)
            assert line.counters.late == 1
            assert line.response_timeout_s(1) > 0.5
            assert list(await line.read(1, FAST_BLOCK, Lane.READING)) == healthy_inputs(11)


def register(number: int) -> ReadBlock:
    return ReadBlock(Table.INPUT, number, 1)


async def test_after_noise_each_register_of_a_unit_is_still_distinguished() -> None:
    """As a gateway to many lamps behind one unit: its answers all look alike."""
    with SlaveLine({1: Unit(inputs=list(range(100, 116)), delay_s=0.06)}) as slave:
        async with running(slave.path) as line:
            requested = asyncio.ensure_future(line.read(1, register(0), Lane.READING))
            await eventually(lambda: slave.frames == 1, what="the request")
            slave.say(b"\xff\x55\x00\xaa\x13\x77")
            assert list(await requested) == [100]
            for number in range(1, 9):
                assert list(await line.read(1, register(number), Lane.READING)) == [100 + number]


async def test_an_answer_that_is_later_than_its_unit_is_left_alone_is_not_anothers() -> None:
    unit = Unit(inputs=list(range(100, 116)), delay_s=1.6)
    with SlaveLine({1: unit}) as slave:
        async with running(slave.path, response_timeout_s=0.2) as line:
            with pytest.raises(NoResponseError):
                await line.read(1, register(0), Lane.READING)
            unit.delay_s = 0.05
            answered = 0
            for number in range(1, 9):
                with suppress(NoResponseError):
                    assert list(await line.read(1, register(number), Lane.READING)) == [100 + number]
                    answered += 1
        assert line.counters.late >= 1
        assert answered >= 6


async def test_a_unit_that_was_silent_is_left_alone_while_its_answer_may_be_under_way() -> None:
    units = {1: Unit(silent=True), 2: Unit()}
    with SlaveLine(units) as slave:
        async with running(slave.path) as line:
            with pytest.raises(NoResponseError):
                await line.read(1, FAST_BLOCK, Lane.READING)
            again = asyncio.ensure_future(line.read(1, FAST_BLOCK, Lane.COMMAND))
            for _ in range(3):
                await line.read(2, FAST_BLOCK, Lane.READING)
            assert [unit for unit, _ in slave.requests] == [1, 2, 2, 2]
            with pytest.raises(NoResponseError):
                await again


@pytest.mark.parametrize(
    ("break_unit", "error"),
    [
        (lambda unit: setattr(unit, "corrupt", True), CorruptResponseError),
        (lambda unit: setattr(unit, "answers_as", 9), NoResponseError),
        (lambda unit: setattr(unit, "refuses", 2), RequestRefusedError),
    ],
)
async def test_a_wrong_answer_is_an_error_and_the_line_goes_on(
    break_unit: Callable[[Unit], None], error: type[Exception]
) -> None:
    units = {1: Unit(), 2: Unit(inputs=healthy_inputs(22))}
    break_unit(units[1])
    with SlaveLine(units) as slave:
        async with running(slave.path) as line:
            with pytest.raises(error, match="unit 1"):
                await line.read(1, FAST_BLOCK, Lane.READING)
            assert list(await line.read(2, FAST_BLOCK, Lane.READING)) == healthy_inputs(22)


async def test_noise_and_a_foreign_frame_before_the_answer_are_passed_over() -> None:
    with SlaveLine({1: Unit(inputs=healthy_inputs(33))}) as slave:
        async with running(slave.path) as line:
            requested = asyncio.ensure_future(line.read(1, FAST_BLOCK, Lane.READING))
            await eventually(lambda: slave.frames == 1, what="the request")
            foreign = bytes([7, 4, 2, 0, 1])
            slave.say(foreign + crc(foreign))
            assert list(await requested) == healthy_inputs(33)
            assert line.counters.foreign == 1


@pytest.mark.timing
async def test_a_unit_that_is_held_back_does_not_hold_back_another() -> None:
    with SlaveLine({1: Unit(silent=True), 2: Unit(inputs=healthy_inputs(22))}) as slave:
        async with running(slave.path) as line:
            with pytest.raises(NoResponseError):
                await line.read(1, FAST_BLOCK, Lane.READING)
            held = asyncio.ensure_future(line.read(1, FAST_BLOCK, Lane.COMMAND))
            await asyncio.sleep(0)
            async with asyncio.timeout(0.3):
                assert list(await line.read(2, FAST_BLOCK, Lane.READING)) == healthy_inputs(22)
            with pytest.raises(NoResponseError):
                await held


async def test_a_probe_of_a_dead_unit_costs_a_short_while_and_finds_one_that_is_back() -> None:
    units = {1: Unit(silent=True), 2: Unit()}
    with SlaveLine(units) as slave:
        async with running(slave.path) as line:
            for _ in range(10):
                await line.read(2, FAST_BLOCK, Lane.READING)
            began = asyncio.get_running_loop().time()
            with pytest.raises(NoResponseError):
                await line.probe(1, FAST_BLOCK, Lane.SLOW)
            assert asyncio.get_running_loop().time() - began < 0.2
            units[1].silent = False
            await line.probe(1, FAST_BLOCK, Lane.SLOW)


async def test_a_command_goes_before_the_polls_that_wait() -> None:
    with SlaveLine({number: Unit() for number in range(1, 6)}) as slave:
        async with running(slave.path) as line:
            polls = [asyncio.ensure_future(line.read(unit, FAST_BLOCK, Lane.READING)) for unit in range(1, 6)]
            await eventually(lambda: slave.frames == 1, what="the first poll")
            await line.write(5, target(40), Lane.COMMAND)
            assert slave.requests[1] == (5, 6)
            await asyncio.gather(*polls)
            assert slave.units[5].holdings[0] == 40


async def test_one_broadcast_reaches_every_unit() -> None:
    with SlaveLine({number: Unit() for number in range(1, 6)}) as slave:
        async with running(slave.path) as line:
            await line.broadcast(target(70), Lane.READ_BACK)
            words = await line.read(3, FAST_BLOCK, Lane.READ_BACK)
            assert words[1] == 70
            assert all(unit.writes == [(0, 70, True)] for unit in slave.units.values())


async def test_an_asker_that_gives_up_does_not_mix_up_the_answers() -> None:
    with SlaveLine({1: Unit(inputs=healthy_inputs(11)), 2: Unit(inputs=healthy_inputs(22))}) as slave:
        async with running(slave.path) as line:
            given_up = asyncio.ensure_future(line.read(1, FAST_BLOCK, Lane.READING))
            await eventually(lambda: slave.frames == 1, what="the request")
            given_up.cancel()
            assert list(await line.read(2, FAST_BLOCK, Lane.READING)) == healthy_inputs(22)
            assert slave.silence_violations == 0


@pytest.mark.parametrize(
    ("requests_under_way", "why"), [(1, "the device reached its end"), (0, os.strerror(errno.EIO))]
)
@pytest.mark.timing
async def test_an_adapter_that_is_unplugged_fails_at_once_and_is_opened_again_elsewhere(
    tmp_path: Path, requests_under_way: int, why: str
) -> None:
    """As a USB adapter goes: its device is no more, and what comes back under its link is another one."""
    link = tmp_path / "by-id"
    units = {1: Unit()}
    with SlaveLine(units, link=link) as slave:
        async with running(str(link)) as line:
            await line.read(1, FAST_BLOCK, Lane.READING)
            if requests_under_way:
                requested = asyncio.ensure_future(line.read(1, FAST_BLOCK, Lane.READING))
                await eventually(lambda: slave.frames == 2, what="the second request")
                slave.close()
            else:
                await asyncio.sleep(0.02)  # the silence after the answer: the next request goes at once
                slave.close()
                requested = asyncio.ensure_future(line.read(1, FAST_BLOCK, Lane.READING))
            gone, unplugged_at = Path(slave.path), time.monotonic()
            with pytest.raises(PortUnavailableError, match=why):
                await requested
            assert time.monotonic() - unplugged_at < 0.3
            assert opened_here(slave.path) == 0
            link.unlink()  # as the system does
            with taken(gone):
                with pytest.raises(PortUnavailableError, match=os.fspath(link)):
                    await line.read(1, FAST_BLOCK, Lane.READING)
                await eventually(lambda: os.strerror(errno.ENOENT) in str(line.problem), what="a dead link")
                with SlaveLine(units, link=link) as back:
                    plugged_at = time.monotonic()
                    assert Path(back.path) != gone

                    async def answers() -> bool:
                        try:
                            await line.read(1, FAST_BLOCK, Lane.READING)
                        except PortUnavailableError:
                            return False
                        return True

                    await eventually(answers, what="an answer after the port came back")
                    assert time.monotonic() - plugged_at < REOPENED_WITHIN_S
                    assert (line.counters.reopened, line.problem) == (1, None)
                    assert opened_here(back.path) == 2  # the slave's own end, and the line's


async def test_the_line_lets_go_of_an_adapter_that_is_gone(tmp_path: Path) -> None:
    """A descriptor that is kept makes the system give the adapter another name when it comes back."""
    link = tmp_path / "by-id"
    async with running(str(link)) as line:
        for _ in range(3):
            with SlaveLine({1: Unit()}, link=link) as slave:
                await eventually(lambda: line.problem is None, what="the port")
                path = slave.path
                await line.read(1, FAST_BLOCK, Lane.READING)
            await eventually(lambda: line.problem is not None, what="its loss")
            assert opened_here(path) == 0


@contextmanager
def taken(path: Path) -> Iterator[None]:
    """The name of a terminal that is gone is another's meanwhile: else it would be given again at once."""
    descriptors: list[int] = []
    try:
        while not path.exists():
            descriptors += os.openpty()
        yield
    finally:
        for each in descriptors:
            os.close(each)


def opened_here(path: str) -> int:
    """How many descriptors of this process are that device, or what is left of it."""
    links = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(str(link).removesuffix(" (deleted)") == path for link in links)
