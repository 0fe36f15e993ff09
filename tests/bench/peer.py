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
from pathlib import Path

from protocols.modbus.codec import ReadBlock
from protocols.modbus.profile import Poll, Register, Table, load_builtin
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
LEAST_TIMES_THE_PEER = 4.0


async def lamp_polls_against_peer() -> list[Result]:
    """Whole lamps a second: of each all values that our profile reads, which the peer asks for one by one."""
    program = installed_peer()
    profile = load_builtin("lentera-lamp")
    with simulated(BAUD, lamps=LAMPS, strict=False) as simulation:
        async with polled(simulation, BAUD, LAMPS, profile) as line:
            await eventually(lambda: all(lamp.answering for lamp in line.devices), what="an answer of each")
            ours = await line.answers_per_s(SECONDS) / len(line.devices[0].fast_blocks)
    tags = _tags(profile.registers)
    with simulated(BAUD, lamps=LAMPS, strict=False) as simulation, _running(program, simulation, tags):
        wait_until(lambda: simulation.counts()[0].answers > 2 * LAMPS * len(tags), 60, "the peer's polls")
        before, began = simulation.counts()[0].answers, time.monotonic()
        await asyncio.sleep(SECONDS)
        answers = simulation.counts()[0].answers - before
        theirs = answers / (time.monotonic() - began) / len(tags)
    return [
        Result(
            f"lamp polls per second at {BAUD} baud, against thingsboard-gateway {VERSION}",
            ours,
            "1/s",
            theirs,
            ours >= LEAST_TIMES_THE_PEER * theirs,
        )
    ]


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
