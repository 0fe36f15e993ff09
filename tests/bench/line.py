"""Polls a second on one saturated line, against what the wire itself allows."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from edge.line.lanes import Lane
from edge.line.owner import Line, LineSettings, open_line
from edge.line.timing import serial_timing
from protocols.modbus.codec import ReadBlock, plan_reads
from protocols.modbus.profile import Poll, load_builtin
from tests.bench.results import Result
from tests.conftest import free_port, wait_until

LAMPS = 50
SECONDS = 8.0
MEAN_TURNAROUND_S = 0.0055  # the simulated controllers take 3 to 8 ms, evenly spread
REQUEST_CHARACTERS = 8
LEAST_PART_OF_LIMIT = {9600: 0.95, 19200: 0.95, 115200: 0.85}


async def polls_against_wire_limit() -> list[Result]:
    """One result a baud rate; holds when the part of the limit is reached without breaking a silence."""
    return [await _at(baud, least) for baud, least in LEAST_PART_OF_LIMIT.items()]


async def _at(baud: int, least: float) -> Result:
    profile = load_builtin("lentera-lamp")
    (block,) = plan_reads(profile, Poll.FAST)
    with simulated_line(baud) as (path, api):
        line = open_line(LineSettings(port=str(path), baud=baud, stop_bits=2))
        polls = await _saturate(line, [1 + n % LAMPS for n in range(100_000)], block)
        (statistics,) = api.get("/sim/v1/lines").raise_for_status().json()
    character_s, silence_s = 11 / baud, serial_timing(baud).silence_s
    transaction_s = (
        (REQUEST_CHARACTERS + 5 + 2 * block.count) * character_s + 2 * silence_s + MEAN_TURNAROUND_S
    )
    limit = 1 / transaction_s
    holds = polls >= least * limit and statistics["silenceViolations"] == 0
    return Result(f"lamp polls per second on one line, {baud} baud", polls, "1/s", limit, holds)


async def _saturate(line: Line, units: list[int], block: ReadBlock) -> float:
    """Polls a second when the line always has a next request waiting."""
    pending, count = iter(units), 0

    async def ask() -> None:
        nonlocal count
        for unit in pending:
            await line.read(unit, block, Lane.READING)
            count += 1

    owner = asyncio.create_task(line.run())
    askers = [asyncio.create_task(ask()) for _ in range(3)]
    began = time.monotonic()
    await asyncio.sleep(SECONDS)
    rate = count / (time.monotonic() - began)
    for task in (*askers, owner):
        task.cancel()
    await asyncio.gather(*askers, owner, return_exceptions=True)
    return rate


@contextmanager
def simulated_line(baud: int) -> Iterator[tuple[Path, httpx.Client]]:
    """A simulator in a process of its own: the path of its only line, and its API."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lentera", "sim", "--lamps", str(LAMPS), "--baud", str(baud)]
        process = subprocess.Popen(
            [*command, "--run-dir", folder, "--port", str(port)], stderr=subprocess.DEVNULL
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as api:
                wait_until(lambda: _answers(api), timeout_s=30, what="the simulator")
                (path,) = (Path(folder) / "lines").iterdir()
                yield path, api
        finally:
            process.terminate()
            process.wait()


def _answers(api: httpx.Client) -> bool:
    try:
        return api.get("/sim/v1/clock").is_success
    except httpx.TransportError:
        return False
