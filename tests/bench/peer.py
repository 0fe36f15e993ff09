"""Another gateway on the very line that ours polls: thingsboard-gateway, in an environment of its own."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from protocols.modbus.builtin import load_builtin
from protocols.modbus.codec import ReadBlock
from protocols.modbus.profile import Poll, Profile, Register, Table
from tests.bench.line import fast_block
from tests.bench.polling import polled
from tests.bench.results import Result, SkippedError
from tests.bench.simulator import Simulation, simulated
from tests.conftest import Broker, eventually, free_port, require_program, wait_until

VERSION = "3.8.5"
REQUIREMENTS = (f"thingsboard-gateway=={VERSION}", "pymodbus[serial]==3.9.2")
"""The second is what the first would install by itself when it meets its first Modbus line."""
CACHE = Path(__file__).parents[2] / "var" / "peer" / f"thingsboard-gateway-{VERSION}"
INSTALL_TIMEOUT_S = 600
BAUD = 9600
LAMPS = 10
SECONDS = 20.0
EIGHT = 8
LEAST_TIMES_THE_PEER = 4.0
LEAST_OF_A_HASTY_PEER = 0.9


@dataclass(frozen=True, slots=True)
class Rate:
    """Lamps a second, and the share of the requests that came before the line was silent for long enough."""

    lamps_per_s: float
    violations: float


async def lamp_polls_against_peer() -> list[Result]:
    """Lamps read a second by both: all that our profile polls, eight values, and the peer at its best.

    The peer asks for one tag after another, so the third time it gets the whole block as one tag of 32 bytes:
    a single request as ours, but without taking the values out of it. There the wire is the limit
    of both, and neither can be four times the other. It is a little ahead only where controllers put up with
    its haste: it never waits for the silence between frames, which is a tenth of what a lamp takes. The last
    row has controllers that insist on it.
    """
    program = installed_peer()
    whole = load_builtin("lentera-lamp")
    eight = replace(whole, registers=tuple(each for each in whole.registers if _is_of_the_eight(each)))
    all_of_ours, eight_of_ours = [await _ours(profile) for profile in (whole, eight)]
    all_of_theirs, eight_of_theirs, block_of_theirs = [
        await _theirs(program, tags)
        for tags in (_tags(whole.registers), _tags(eight.registers), [_block_tag(fast_block())])
    ]
    block_where_timed = await _theirs(program, [_block_tag(fast_block())], strict=True)
    return [
        _result("whole lamps, 13 values", all_of_ours, all_of_theirs, LEAST_TIMES_THE_PEER),
        _result("the same eight values", eight_of_ours, eight_of_theirs, LEAST_TIMES_THE_PEER),
        _result(
            "whole lamps, the peer's as one undecoded tag, its silences broken",
            all_of_ours,
            block_of_theirs,
            LEAST_OF_A_HASTY_PEER,
        ),
        Result(
            "share of the peer's requests there that break the silence; none of ours",
            block_of_theirs.violations,
            "1",
            1.0,
            all_of_ours.violations == 0,
        ),
        _result("the same where controllers lose what breaks it", all_of_ours, block_where_timed, 1.0),
    ]


def _is_of_the_eight(register: Register) -> bool:
    """Whether it lies in the first eight registers of the profile's block, which hold one value each."""
    return register.table is Table.INPUT and register.address < EIGHT


def _result(what: str, ours: Rate, theirs: Rate, least: float) -> Result:
    name = f"{what}: read per second at {BAUD} baud, against thingsboard-gateway {VERSION}"
    return Result(
        name, ours.lamps_per_s, "1/s", theirs.lamps_per_s, ours.lamps_per_s >= least * theirs.lamps_per_s
    )


async def _ours(profile: Profile) -> Rate:
    with simulated(BAUD, lamps=LAMPS, strict=False) as simulation:
        async with polled(simulation, BAUD, LAMPS, profile) as line:
            await eventually(line.all_responsive, what="an answer of each")
            return await _rate(simulation, requests=len(line.devices[0].fast_blocks))


async def _theirs(program: Path, tags: list[dict[str, object]], *, strict: bool = False) -> Rate:
    with simulated(BAUD, lamps=LAMPS, strict=strict) as simulation, _running(program, simulation, tags):
        wait_until(lambda: simulation.counts()[0].frames > 2 * LAMPS * len(tags), 60, "the peer's polls")
        return await _rate(simulation, requests=len(tags))


async def _rate(simulation: Simulation, requests: int) -> Rate:
    """As the simulator counts for both; so many requests read one lamp."""
    (before,), began = simulation.counts(), time.monotonic()
    await asyncio.sleep(SECONDS)
    (after,), took_s = simulation.counts(), time.monotonic() - began
    violations = after.silence_violations - before.silence_violations
    return Rate(
        (after.answers - before.answers) / took_s / requests, violations / (after.frames - before.frames)
    )


def installed_peer() -> Path:
    """The peer's program, installed first if need be; raises SkippedError when it cannot be."""
    program = CACHE / "bin" / "thingsboard-gateway"
    if (CACHE / "complete").exists():
        return program
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(CACHE)],
        [str(CACHE / "bin" / "python"), "-m", "pip", "install", "--quiet", *REQUIREMENTS],
    )
    for command in commands:
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
        except subprocess.CalledProcessError as error:
            reason = error.stderr.strip().rpartition("\n")[2]
            raise SkippedError(f"{REQUIREMENTS[0]} cannot be installed: {reason}") from error
        except subprocess.TimeoutExpired as error:
            raise SkippedError(f"{REQUIREMENTS[0]} cannot be installed: {error}") from error
    (CACHE / "complete").touch()
    return program


def _tags(registers: tuple[Register, ...]) -> list[dict[str, object]]:
    """What the peer must read for the same values: each register once, however many bits it holds."""
    wanted = {
        ReadBlock(each.table, each.address, each.type.words)
        for each in registers
        if each.readable and each.poll is Poll.FAST
    }
    return [
        {
            "tag": f"r{block.address}",
            "type": "16uint" if block.count == 1 else "32uint",
            "functionCode": 4 if block.table is Table.INPUT else 3,
            "objectsCount": block.count,
            "address": block.address,
        }
        for block in sorted(wanted, key=lambda each: each.address)
    ]


def _block_tag(block: ReadBlock) -> dict[str, object]:
    """The whole block as the peer can read it in one request: bytes that it passes on as they are."""
    tag = {"tag": "block", "type": "bytes", "functionCode": 4}
    return tag | {"objectsCount": block.count, "address": block.address}


@contextmanager
def _running(program: Path, simulation: Simulation, tags: list[dict[str, object]]) -> Iterator[None]:
    """The peer at work on the first line, with a broker to talk to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Broker(require_program("mosquitto"), free_port(), folder)
        broker.start()
        _configure(folder, broker.port, simulation.lines[0], tags)
        process = subprocess.Popen(
            [str(program)],
            cwd=folder,
            env=os.environ | {"TB_GW_CONFIG_DIR": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()
            broker.kill()


def _configure(folder: Path, broker_port: int, line: Path, tags: list[dict[str, object]]) -> None:
    (config,) = CACHE.glob("lib/python*/site-packages/thingsboard_gateway/config")
    (folder / "logs.json").write_bytes((config / "logs.json").read_bytes())
    gateway = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": broker_port,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "security": {"type": "accessToken", "accessToken": "bench"},
        },
        "storage": {"type": "memory"},
        "grpc": {"enabled": False},
        "connectors": [{"name": "line", "type": "modbus", "configuration": "line.json"}],
    }
    slaves = [_slave(unit, line, tags) for unit in range(1, LAMPS + 1)]
    (folder / "tb_gateway.json").write_text(json.dumps(gateway))
    (folder / "line.json").write_text(json.dumps({"master": {"slaves": slaves}}))


def _slave(unit: int, line: Path, tags: list[dict[str, object]]) -> dict[str, object]:
    return {
        "type": "serial",
        "method": "rtu",
        "port": str(line),
        "baudrate": BAUD,
        "stopbits": 2,
        "bytesize": 8,
        "parity": "N",
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "timeout": 1,
        "retries": True,
        "pollPeriod": 100,
        "unitId": unit,
        "deviceName": f"lamp-{unit}",
        "timeseries": tags,
        "attributes": [],
    }
