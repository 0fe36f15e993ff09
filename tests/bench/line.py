"""Polls a second on a saturated line, against what the wire itself allows; and the silence that it keeps."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from edge.line import Lane, Line, LineSettings, NoResponseError, open_line
from protocols.modbus.builtin import load_builtin
from protocols.modbus.codec import ReadBlock, plan_reads
from protocols.modbus.profile import Poll
from tests.bench.results import Result
from tests.bench.simulator import Simulation, shortest_s, simulated
from tests.conftest import eventually

LAMPS = 50
WINDOWS = 7
WINDOW_S = 3.0
ASKERS = 3
LEAST_PART_OF_LIMIT = {9600: 0.97, 19200: 0.97, 38400: 0.95, 115200: 0.95}
SILENCE_FRAMES = 100_000
SILENCE_LINES = 24
USABLE_LATENESS_MS = 1.0
"""A simulator later than that on average measures the machine and not the line."""


async def polls_against_wire_limit() -> list[Result]:
    """Two results a baud rate: the rate, and how late the simulated controllers were by themselves.

    The limit goes by the turnaround that was on the wire: the simulator's lateness is no fault of the line.
    Of several windows the median counts, so that a moment in which the machine was busy elsewhere does not.
    """
    return [result for baud, least in LEAST_PART_OF_LIMIT.items() for result in await _at(baud, least)]


async def _at(baud: int, least: float) -> list[Result]:
    with simulated(baud, lamps=LAMPS) as simulation:
        async with saturated(simulation, 0, baud, itertools.cycle(range(1, LAMPS + 1))) as busy:
            await warm(busy.line)
            windows = [await _window(simulation, busy, baud) for _ in range(WINDOWS)]
        (counts,) = simulation.counts()
    polls, limit = sorted(windows, key=lambda each: each[0] / each[1])[WINDOWS // 2]
    holds = polls >= least * limit and counts.silence_violations == 0 and counts.collisions == 0
    lateness = counts.lateness_ms
    return [
        Result(f"lamp polls per second on one line, {baud} baud", polls, "1/s", limit, holds),
        Result(
            f"lateness of the simulated controllers, {baud} baud",
            lateness,
            "ms",
            USABLE_LATENESS_MS,
            lateness < USABLE_LATENESS_MS,
        ),
    ]


async def _window(simulation: Simulation, busy: "BusyLine", baud: int) -> tuple[float, float]:
    """Polls a second and what the wire allowed meanwhile."""
    (before,) = simulation.counts()
    polls = await busy.polls_per_s(WINDOW_S)
    (after,) = simulation.counts()
    taken_ms = after.turnaround_ms * after.answers - before.turnaround_ms * before.answers
    turnaround_ms = taken_ms / (after.answers - before.answers)
    return polls, 1 / shortest_s(baud, fast_block().count, turnaround_ms)


async def silence_kept() -> list[Result]:
    """Frames that came before the silence was over, among 100,000 on saturated lines of all speeds."""
    results = [
        await _silence_at(baud, SILENCE_FRAMES // len(LEAST_PART_OF_LIMIT)) for baud in LEAST_PART_OF_LIMIT
    ]
    frames = sum(result.reference for result in results)
    broken = sum(result.value for result in results)
    kept = all(result.holds for result in results)
    return [*results, Result("silences broken, all speeds", broken, "frames", frames, kept)]


async def _silence_at(baud: int, wanted: int) -> Result:
    with simulated(baud, lines=SILENCE_LINES, lamps=LAMPS) as simulation:
        async with asyncio.TaskGroup() as tasks:
            for number in range(SILENCE_LINES):
                tasks.create_task(_ask_often(simulation, number, baud, wanted // SILENCE_LINES + 1))
        counts = simulation.counts()
    broken = sum(each.silence_violations + each.collisions for each in counts)
    frames = sum(each.frames for each in counts)
    return Result(f"silences broken, {baud} baud", broken, "frames", frames, broken == 0 and frames >= wanted)


async def _ask_often(simulation: Simulation, number: int, baud: int, wanted: int) -> None:
    units = itertools.islice(itertools.cycle(range(1, LAMPS + 1)), wanted)
    async with saturated(simulation, number, baud, units) as busy:
        await busy.done()


async def warm(line: Line) -> None:
    """Wait until every lamp has answered once, so that the line knows how long each takes."""
    await eventually(lambda: line.counters.answers >= LAMPS, what="an answer of every lamp")


def fast_block() -> ReadBlock:
    """What one poll of a lamp reads."""
    (block,) = plan_reads(load_builtin("lentera-lamp"), Poll.FAST)
    return block


@dataclass(frozen=True, slots=True)
class BusyLine:
    """A line and those who ask on it."""

    line: Line
    askers: list[asyncio.Task[None]]

    async def done(self) -> None:
        """Wait until every request has been sent."""
        await asyncio.wait(self.askers)

    async def polls_per_s(self, seconds: float) -> float:
        """Answers a second, in that time from now."""
        before, began = self.line.counters.answers, time.monotonic()
        await asyncio.sleep(seconds)
        return (self.line.counters.answers - before) / (time.monotonic() - began)


@asynccontextmanager
async def saturated(
    simulation: Simulation, number: int, baud: int, units: Iterator[int]
) -> AsyncIterator[BusyLine]:
    """A line on which a next request always waits, as long as there are units."""
    line = open_line(LineSettings(port=str(simulation.lines[number]), baud=baud, stop_bits=2))
    async with asking(line, units) as busy:
        yield busy


@asynccontextmanager
async def asking(line: Line, units: Iterator[int]) -> AsyncIterator[BusyLine]:
    """The same on a line made elsewhere."""
    block = fast_block()

    async def ask() -> None:
        for unit in units:
            try:
                await line.read(unit, block, Lane.READING)
            except NoResponseError:
                continue  # a simulator that the machine held up is not what is measured

    async with asyncio.TaskGroup() as tasks:
        owner = tasks.create_task(line.run())
        askers = [tasks.create_task(ask()) for _ in range(ASKERS)]
        yield BusyLine(line, askers)
        for task in (owner, *askers):
            task.cancel()
