"""kill -9 of the gateway, again and again, with the line busy."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Broker, eventually
from tests.support.edge_cloud import AREA, EVENING, GATEWAY, Cloud, clock_at
from tests.support.modbus_slave import SlaveLine, Unit

KILLS = 4

_RUN = """
import asyncio, pathlib, sys, time
from edge.config.settings import load
from edge.gateway import run_gateways
from protocols.clock import system_clock
asyncio.run(run_gateways([load(pathlib.Path(sys.argv[1]))], system_clock(time.time)))
"""


def write_config(folder: Path, slave: SlaveLine, broker: Broker) -> Path:
    devices = "".join(f'[[line.device]]\nid = "SOR-{unit:05}"\nunit = {unit}\n' for unit in slave.units)
    path = folder / "gateway.toml"
    path.write_text(
        f'[gateway]\nid = "{GATEWAY}"\narea = "{AREA}"\nlatitude = -7.03\nlongitude = 107.52\n'
        f'time_zone = "Asia/Jakarta"\npoll_interval_s = 0.01\n[mqtt]\nport = {broker.port}\n'
        f'[outbox]\npath = "{folder}/outbox.db"\n[[line]]\nport = "{slave.path}"\nbaud = 38400\n{devices}'
    )
    return path


@contextmanager
def gateway(config: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", _RUN, str(config)]) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("cloud_listens", [False, True])
@pytest.mark.slow
async def test_kill_9_loses_nothing_that_was_durable(
    mosquitto: Broker, tmp_path: Path, cloud_listens: bool
) -> None:
    """However far the disk lags behind the line, what was committed before a kill reaches the cloud."""
    cloud = Cloud(clock_at(EVENING))
    with SlaveLine({unit: Unit() for unit in range(1, 6)}, 38400) as slave:
        config = write_config(tmp_path, slave, mosquitto)
        if cloud_listens:
            async with cloud.connected(mosquitto.port):
                durable = await run_and_kill(config, slave, KILLS)
                await drain(config, slave, cloud)
        else:
            durable = await run_and_kill(config, slave, KILLS)
            async with cloud.connected(mosquitto.port):
                await drain(config, slave, cloud)
        assert durable == sorted(set(durable)), "no kill came before a commit"
        assert cloud.positions >= set(range(1, durable[-1] + 1))
        assert len(cloud.readings) <= slave.reads_answered


@pytest.mark.timing
@pytest.mark.slow
async def test_kill_9_loses_at_most_the_read_in_flight(mosquitto: Broker, tmp_path: Path) -> None:
    """Where the disk keeps up with the line: a commit is shorter than a read."""
    cloud = Cloud(clock_at(EVENING))
    with SlaveLine({unit: Unit() for unit in range(1, 6)}, 38400) as slave:
        config = write_config(tmp_path, slave, mosquitto)
        await run_and_kill(config, slave, KILLS)
        async with cloud.connected(mosquitto.port):
            await drain(config, slave, cloud)
        assert slave.reads_answered - KILLS <= len(cloud.readings) <= slave.reads_answered
        assert slave.reads_answered > 80


async def run_and_kill(config: Path, slave: SlaveLine, kills: int) -> list[int]:
    """Kill the gateway so many times; return the last position that was durable before each kill."""
    durable: list[int] = []
    for _ in range(kills):
        before = slave.reads_answered
        with gateway(config):
            await eventually(partial(_has_answered, slave, before + 20), what="polls")
            with closing(sqlite3.connect(config.with_name("outbox.db"))) as outbox:
                durable.append(outbox.execute("SELECT last FROM metadata").fetchone()[0])
    return durable


async def drain(config: Path, slave: SlaveLine, cloud: Cloud) -> None:
    """Run once more, let the lamps fall silent, and wait until the cloud has every position."""
    with gateway(config):
        before = slave.reads_answered
        await eventually(lambda: slave.reads_answered >= before + 20, what="polls")
        for unit in slave.units.values():
            unit.silent = True
        await eventually(lambda: len(cloud.events) >= len(slave.units), what="their silence")
        await eventually(lambda: cloud.positions >= set(range(1, max(cloud.positions))), what="no gap")


def _has_answered(slave: SlaveLine, reads: int) -> bool:
    return slave.reads_answered >= reads
