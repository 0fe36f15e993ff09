"""Memory of a gateway with two hundred lamps over a month in fast time: how much, and whether it grows."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt

from lentera.clocks import CLOCK_VARIABLE, shared_clock, to_variable
from protocols.clock import ScaledClock
from tests.bench.results import Result
from tests.bench.simulator import lamp_id, simulated
from tests.conftest import Broker, eventually, free_port, require_program
from tests.support.edge_cloud import AREA, GATEWAY, Cloud

LINES, LAMPS_PER_LINE, BAUD = 4, 50, 115200
MONTH = timedelta(days=30)
WALL_S = 150.0
START = datetime(2026, 6, 1, tzinfo=UTC)
OUTAGES = (0.3, 0.55, 0.8)
"""Parts of the month at which the broker dies for a day."""

MOST_MB = 60.0
MOST_GROWTH = 1.05


@dataclass(frozen=True, slots=True)
class Sample:
    """How much of the month had passed, and what the process held in memory then."""

    part: float
    resident_mb: float


async def memory_over_a_month() -> list[Result]:
    """Every evening some lamps are overridden; three times the broker is away for a day."""
    clock = shared_clock(START, MONTH.total_seconds() / WALL_S)
    with tempfile.TemporaryDirectory() as name, simulated(BAUD, lines=LINES, lamps=LAMPS_PER_LINE) as town:
        folder = Path(name)
        broker = Broker(require_program("mosquitto"), free_port(), folder)
        broker.start()
        try:
            config = _settings(folder, broker.port, town.lines)
            with _gateway(config, clock) as process:
                samples = await _live_a_month(process.pid, broker, clock)
        finally:
            broker.kill()
        polls = sum(line.answers for line in town.counts())
    return _results(samples, polls)


def _results(samples: Sequence[Sample], polls: int) -> list[Result]:
    early = next(sample.resident_mb for sample in samples if sample.part >= 0.1)
    late, peak = samples[-1].resident_mb, max(sample.resident_mb for sample in samples)
    lamps = LINES * LAMPS_PER_LINE
    month = f"{lamps} lamps, a month at {MONTH.total_seconds() / WALL_S:.0f}×, {polls} answers"
    return [
        Result(f"memory of a gateway process at 10 % of {month}", early, "MB", MOST_MB, early <= MOST_MB),
        Result("memory at 100 % of it", late, "MB", MOST_MB, late <= MOST_MB),
        Result("most memory in between", peak, "MB", MOST_MB, peak <= MOST_MB),
        Result("memory at 100 % against that at 10 %", late / early, "", 1.0, late / early <= MOST_GROWTH),
    ]


async def _live_a_month(process: int, broker: Broker, clock: ScaledClock) -> list[Sample]:
    samples: list[Sample] = []
    cloud = Cloud(clock)
    async with cloud.connected(broker.port), asyncio.TaskGroup() as tasks:
        await eventually(lambda: len(cloud.alive) == LINES * LAMPS_PER_LINE, 60.0, "the gateway's lamps")
        begin = clock.now()
        helpers = [
            tasks.create_task(_override_daily(cloud)),
            tasks.create_task(_break(broker, clock, begin)),
        ]
        while (part := (clock.now() - begin) / MONTH) < 1:
            samples.append(Sample(part, _resident_mb(process)))
            await asyncio.sleep(WALL_S / 200)
        for helper in helpers:
            helper.cancel()
    return samples


async def _override_daily(cloud: Cloud) -> None:
    day = 0
    while True:
        await asyncio.sleep(WALL_S / MONTH.days)
        day += 1
        for unit in range(1, LAMPS_PER_LINE, 5):
            lamp = lamp_id(1 + day % LINES, unit)
            deadline, expiration = timedelta(hours=12), timedelta(hours=18)
            with suppress(aiomqtt.MqttError):  # the broker may be away
                await cloud.command(lamp, 40, f"{day}-{lamp}", deadline=deadline, expiration=expiration)


async def _break(broker: Broker, clock: ScaledClock, begin: datetime) -> None:
    for part in OUTAGES:
        await asyncio.sleep((begin + part * MONTH - clock.now()).total_seconds() / clock.speed)
        broker.kill()
        await asyncio.sleep(WALL_S / MONTH.days)
        broker.start()


def _resident_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(process)


@contextmanager
def _gateway(config: Path, clock: ScaledClock) -> Iterator["subprocess.Popen[bytes]"]:
    """The gateway as it is run in the field, but for its clock."""
    command = [sys.executable, "-m", "lentera", "edge", "--config", str(config)]
    environment = {**os.environ, CLOCK_VARIABLE: to_variable(clock)}
    with (config.parent / "edge.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def _settings(folder: Path, broker: int, lines: Sequence[Path]) -> Path:
    parts = [
        f'[gateway]\nid = "{GATEWAY}"\narea = "{AREA}"\nlatitude = -7.03\nlongitude = 107.52',
        'time_zone = "Asia/Jakarta"\npoll_interval_s = 60',
        f'[mqtt]\nport = {broker}\n[outbox]\npath = "{folder}/outbox.db"\n[status]\nport = 0',
    ]
    for number, line in enumerate(lines, 1):
        parts.append(f'[[line]]\nport = "{line}"\nbaud = {BAUD}\nstop_bits = 2')
        parts += [
            f'[[line.device]]\nid = "{lamp_id(number, unit)}"\nunit = {unit}'
            for unit in range(1, LAMPS_PER_LINE + 1)
        ]
    path = folder / "gateway.toml"
    path.write_text("\n".join(parts) + "\n")
    return path
