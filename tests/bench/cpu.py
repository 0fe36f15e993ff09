"""What a transaction costs the processor: on one line, on 32, and with all that a gateway makes of it."""

import asyncio
import itertools
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from edge.config.line_settings import DeviceConfig
from edge.config.settings import GatewayConfig
from edge.gateway import run_gateways
from protocols.clock import system_clock
from protocols.modbus.builtin import load_builtin
from tests.bench.line import BusyLine, fast_block, saturated
from tests.bench.polling import polled
from tests.bench.results import Result
from tests.bench.simulator import Simulation, lamp_id, shortest_s, simulated
from tests.conftest import Broker, free_port, require_program
from tests.support.gateway_configs import make_gateway_config

BAUD = 115200
LINES = 32
LAMPS = 50
SECONDS = 10.0
WINDOWS = 5
SETTLE_S = 3.0
MOST_MS = 0.25
PEER_MS = 1.4
"""Of thingsboard-gateway for one register, measured as a process of its own (at 9600 baud)."""
LEAST_OF_LIMIT_ON_MANY = 0.9
"""Two cores carry 32 lines and the simulator of them."""


async def processor_time() -> list[Result]:
    """Milliseconds of processor time, all threads of the process, for each answer."""
    with simulated(BAUD, lamps=LAMPS) as simulation:
        results = [await _line_alone(simulation), await _with_decoding(simulation)]
    with tempfile.TemporaryDirectory() as folder:
        results.append(await _whole_gateway(Path(folder)))
    return [*results, *await _many_lines()]


async def _line_alone(simulation: Simulation) -> Result:
    async with saturated(simulation, 0, BAUD, itertools.cycle(range(1, LAMPS + 1))) as busy:
        await asyncio.sleep(SETTLE_S)
        before, began = busy.line.counters.answers, time.process_time()
        await asyncio.sleep(SECONDS)
        cost_ms = (time.process_time() - began) * 1000 / (busy.line.counters.answers - before)
    return Result("CPU of a transaction, one line", cost_ms, "ms", MOST_MS, cost_ms <= MOST_MS)


async def _with_decoding(simulation: Simulation) -> Result:
    async with polled(simulation, BAUD, LAMPS, load_builtin("lentera-lamp")) as busy:
        await asyncio.sleep(SETTLE_S)
        before, began = busy.line.counters.answers, time.process_time()
        await asyncio.sleep(SECONDS)
        cost_ms = (time.process_time() - began) * 1000 / (busy.line.counters.answers - before)
    return Result("CPU of a poll with its reading, one line", cost_ms, "ms", PEER_MS, cost_ms <= PEER_MS)


async def _whole_gateway(folder: Path) -> Result:
    broker = Broker(require_program("mosquitto"), free_port(), folder)
    broker.start()
    try:
        with simulated(BAUD, lamps=LAMPS) as simulation:
            config = _gateway(simulation, broker.port, folder)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(run_gateways([config], system_clock(time.time)))
                await asyncio.sleep(2 * SETTLE_S)
                before, began = simulation.counts()[0].answers, time.process_time()
                await asyncio.sleep(SECONDS)
                spent_s = time.process_time() - began
                cost_ms = spent_s * 1000 / (simulation.counts()[0].answers - before)
                running.cancel()
    finally:
        broker.kill()
    return Result("CPU of a poll with reading and outbox", cost_ms, "ms", PEER_MS, cost_ms <= PEER_MS)


def _gateway(simulation: Simulation, broker_port: int, folder: Path) -> GatewayConfig:
    devices = tuple(DeviceConfig(id=lamp_id(1, unit), unit=unit) for unit in range(1, LAMPS + 1))
    return make_gateway_config(
        folder,
        str(simulation.lines[0]),
        devices,
        gateway_id="bench",
        area="bench",
        baud=BAUD,
        stop_bits=2,
        broker_port=broker_port,
        poll_interval_s=0.01,
    )


async def _many_lines() -> list[Result]:
    with simulated(BAUD, lines=LINES, lamps=LAMPS) as simulation:
        async with AsyncExitStack() as stack:
            lines = [
                await stack.enter_async_context(
                    saturated(simulation, number, BAUD, itertools.cycle(range(1, LAMPS + 1)))
                )
                for number in range(LINES)
            ]
            await asyncio.sleep(SETTLE_S)
            cpu_began, answers = time.process_time(), _answers(lines)
            rates = [await _rate(lines) for _ in range(WINDOWS)]
            cost_ms = (time.process_time() - cpu_began) * 1000 / (_answers(lines) - answers)
        counts = simulation.counts()
    words = fast_block().count
    limit = sum(1 / shortest_s(BAUD, words, each.turnaround_ms) for each in counts)
    rate = statistics.median(rates)
    kept = not any(each.silence_violations or each.collisions for each in counts)
    name = f"lamp polls per second on {LINES} lines of {BAUD} baud, one process"
    return [
        Result(name, rate, "1/s", limit, kept and rate >= LEAST_OF_LIMIT_ON_MANY * limit),
        Result(f"CPU of a transaction, {LINES} lines", cost_ms, "ms", MOST_MS, cost_ms <= MOST_MS),
    ]


def _answers(lines: list[BusyLine]) -> int:
    return sum(each.line.counters.answers for each in lines)


async def _rate(lines: list[BusyLine]) -> float:
    before, began = _answers(lines), time.monotonic()
    await asyncio.sleep(SECONDS / WINDOWS)
    return (_answers(lines) - before) / (time.monotonic() - began)
