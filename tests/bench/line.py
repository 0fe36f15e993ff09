"""Polls a second on one saturated line, against what the wire itself allows; and the silence that it keeps."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from edge.line import Lane, Line, LineSettings, open_line
from protocols.modbus.codec import ReadBlock, plan_reads
from protocols.modbus.profile import Poll, load_builtin
from tests.bench.results import Result
from tests.bench.simulator import Simulation, shortest_s, simulated

LAMPS = 50
SECONDS = 12.0
ASKERS = 3
LEAST_PART_OF_LIMIT = {9600: 0.97, 19200: 0.97, 38400: 0.95, 115200: 0.95}
SILENCE_FRAMES = 100_000
SILENCE_LINES = 12
USABLE_LATENESS_MS = 1.0
"""A simulator later than that on average measures the machine and not the line."""


async def polls_against_wire_limit() -> list[Result]:
    """Two results a baud rate: the rate, and how late the simulated controllers were by themselves.

    The limit goes by the turnaround that was on the wire, so the simulator's lateness is no fault of the line.
    """
    return [result for baud, least in LEAST_PART_OF_LIMIT.items() for result in await _at(baud, least)]


async def _at(baud: int, least: float) -> list[Result]:
    block = fast_block()
    with simulated(baud, lamps=LAMPS) as simulation:
        async with saturated(simulation, 0, baud, itertools.cycle(range(1, LAMPS + 1)), block) as line:
            await asyncio.sleep(1)
            polls = await polls_per_s(line, SECONDS)
        (counts,) = simulation.counts()
    limit = 1 / shortest_s(baud, block.count, counts.turnaround_ms)
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


async def silence_kept() -> list[Result]:
    """Frames that came before the silence was over, among 100,000 on saturated lines of all speeds."""
    results = []
    for baud in LEAST_PART_OF_LIMIT:
        results.append(await _silence_at(baud, SILENCE_FRAMES // len(LEAST_PART_OF_LIMIT)))
    frames = sum(result.reference for result in results)
    broken = sum(result.value for result in results)
    return [*results, Result("silences broken, all speeds", broken, "frames", frames, broken == 0)]


async def _silence_at(baud: int, wanted: int) -> Result:
    block = fast_block()
    with simulated(baud, lines=SILENCE_LINES, lamps=LAMPS) as simulation:
        async with asyncio.TaskGroup() as tasks:
            done = [tasks.create_task(_ask_until(simulation, n, baud, wanted)) for n in range(SILENCE_LINES)]
        counts = simulation.counts()
    del done, block
    broken = sum(each.silence_violations + each.collisions for each in counts)
    frames = sum(each.frames for each in counts)
    return Result(f"silences broken, {baud} baud", broken, "frames", frames, broken == 0 and frames >= wanted)


async def _ask_until(simulation: Simulation, number: int, baud: int, wanted: int) -> None:
    units = itertools.cycle(range(1, LAMPS + 1))
    async with saturated(simulation, number, baud, units, fast_block()) as line:
        while line.counters.requests < wanted / SILENCE_LINES:
            await asyncio.sleep(0.2)


def fast_block() -> ReadBlock:
    """What one poll of a lamp reads."""
    (block,) = plan_reads(load_builtin("lentera-lamp"), Poll.FAST)
    return block


async def polls_per_s(line: Line, seconds: float) -> float:
    """Answers a second, in that time from now."""
    before, began = line.counters.answers, time.monotonic()
    await asyncio.sleep(seconds)
    return (line.counters.answers - before) / (time.monotonic() - began)


@asynccontextmanager
async def saturated(
    simulation: Simulation, number: int, baud: int, units: Iterator[int], block: ReadBlock
) -> AsyncIterator[Line]:
    """A line on which a next request always waits."""
    line = open_line(LineSettings(port=str(simulation.lines[number]), baud=baud, stop_bits=2))

    async def ask() -> None:
        for unit in units:
            await line.read(unit, block, Lane.READING)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(line.run()), *(tasks.create_task(ask()) for _ in range(ASKERS))]
        yield line
        for task in running:
            task.cancel()
