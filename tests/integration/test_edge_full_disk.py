"""A disk that is full, on a real small file system: the lamps go on, it is said once, and nothing is lost."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from edge.gateway import run_gateways
from protocols.lamp import CommandStatus
from tests.conftest import Broker, eventually
from tests.integration.edge_cloud import EVENING, Cloud, clock_at
from tests.integration.edge_slave import SlaveLine, Unit
from tests.integration.test_edge_gateway import BAUD, config_for, lamp

DISK_BYTES = 1_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(place)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(place: Path) -> Path:
    """Take every byte that is left."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return filler


async def test_lamps_run_on_while_the_disk_is_full_and_nothing_is_lost(
    mosquitto: Broker, small_disk: Path
) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    with (
        SlaveLine({unit: Unit() for unit in range(1, 4)}, BAUD) as slave,
        structlog.testing.capture_logs() as log,
    ):
        config = config_for(slave, mosquitto, small_disk, poll_interval_s=0.2)
        async with cloud.connected(mosquitto.port), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateways([config], clock))
            await eventually(lambda: len(cloud.readings) > 5, what="readings")
            filler = fill(small_disk)
            await eventually(lambda: any("outbox cannot" in line["event"] for line in log), 30, "the failure")
            await cloud.command(lamp(2), 40, "c1")
            await eventually(lambda: slave.units[2].holdings[0] == 40, what="the command")
            polls = slave.reads_answered
            await eventually(lambda: slave.reads_answered > polls + 20, what="polls that go on")
            filler.unlink()
            await eventually(lambda: cloud.result("c1"), 20, what="the result once there is room")
            result = cloud.result("c1")
            assert result is not None
            assert result.status is CommandStatus.CONFIRMED
            for unit in slave.units.values():
                unit.silent = True
            await eventually(lambda: len(cloud.events) >= 3, 20, what="their silence")
            await eventually(lambda: len(cloud.readings) == slave.reads_answered, 20, what="every reading")
            running.cancel()
    said = [line["event"] for line in log if "written" in line["event"]]
    assert said.count("outbox cannot be written") == said.count("outbox can be written again") == 1


async def test_a_gateway_starts_on_a_full_disk(mosquitto: Broker, small_disk: Path) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    filler = fill(small_disk)
    with SlaveLine({1: Unit()}, BAUD) as slave:
        config = config_for(slave, mosquitto, small_disk, poll_interval_s=0.2)
        async with cloud.connected(mosquitto.port), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateways([config], clock))
            await eventually(lambda: slave.units[1].holdings[0] == 100, what="the level of now")
            assert not cloud.readings
            filler.unlink()
            await eventually(lambda: len(cloud.readings) > 5, 20, what="readings")
            running.cancel()
