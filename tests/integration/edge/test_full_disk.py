"""A disk that is full, on a real small file system: the lamps go on, it is said once, and nothing is lost."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator, MutableMapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from edge.config.settings import GatewayConfig
from edge.gateway import run_gateways
from edge.outbox import Outbox
from edge.storage.state import StateStore
from protocols.lamp import CommandStatus, LampReading, LightCommand
from protocols.lighting.plan import encode_plan, plan_hash
from protocols.lighting.priority import Override
from protocols.lighting.program import LightingProgram
from protocols.mapping import PlanState, plan_metrics
from tests.conftest import Broker, eventually
from tests.integration.edge.test_gateway import BAUD, config_for, lamp
from tests.integration.edge.test_plan import DOCUMENT
from tests.support.edge_cloud import EVENING, Cloud, clock_at
from tests.support.levels import plan_of_program
from tests.support.modbus_slave import SlaveLine, Unit
from tests.support.outbox_observer import CallingObserver

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


BRIGHT = encode_plan(plan_of_program(LightingProgram("bright", "")))


def kept_plan(config: GatewayConfig) -> bytes | None:
    with closing(sqlite3.connect(config.outbox.state_path)) as database:
        plan: bytes = database.execute("SELECT document FROM plan").fetchone()[0]
        return plan


def events(log: list[MutableMapping[str, Any]]) -> list[str]:
    return [line["event"] for line in log]


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
            await eventually(lambda: "outbox_unwritable" in events(log), what="the failure")
            await cloud.command(lamp(2), 40, "c1")
            await eventually(lambda: slave.units[2].holdings[0] == 40, what="the command")
            polls = slave.reads_answered
            await eventually(lambda: slave.reads_answered > polls + 20, what="polls that go on")
            filler.unlink()
            await eventually(lambda: cloud.result("c1"), what="the result once there is room")
            result = cloud.result("c1")
            assert result is not None
            assert result.status is CommandStatus.CONFIRMED
            for unit in slave.units.values():
                unit.silent = True
            await eventually(lambda: len(cloud.events) >= 3, what="their silence")
            await eventually(lambda: len(cloud.readings) == slave.reads_answered, what="every reading")
            running.cancel()
    assert events(log).count("outbox_unwritable") == events(log).count("outbox_writable") == 1


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
            await eventually(lambda: len(cloud.readings) > 5, what="readings")
            running.cancel()


async def test_plan_overrides_and_commands_outlive_a_restart_on_a_full_disk(
    mosquitto: Broker, small_disk: Path
) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    with SlaveLine({1: Unit(), 2: Unit(), 3: Unit()}, BAUD) as slave:
        config = config_for(slave, mosquitto, small_disk, poll_interval_s=0.2)
        memory = StateStore(config.outbox.state_path)
        await memory.open()
        await memory.save_plan(DOCUMENT)
        await memory.save_overrides({lamp(2): Override("c1", 40, EVENING - timedelta(hours=1), None)})
        start = EVENING + timedelta(seconds=3)
        await memory.save_commands([LightCommand("c2", lamp(1), 20, start, start + timedelta(hours=1), None)])
        await memory.close()
        filler = fill(small_disk)
        async with cloud.connected(mosquitto.port), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateways([config], clock))
            levels = [unit.holdings for unit in slave.units.values()]
            await eventually(lambda: [each[0] for each in levels] == [70, 40, 30], what="plan and override")
            await eventually(lambda: levels[0][0] == 20, what="the command to come")
            filler.unlink()
            await eventually(lambda: cloud.result("c2"), what="its result once there is room")
            await cloud.send_node_metrics(plan_metrics(BRIGHT))
            await eventually(lambda: PlanState(plan_hash(BRIGHT)) in cloud.plans, what="the new plan")
            await eventually(lambda: kept_plan(config) == BRIGHT, what="the new plan to be kept")
            running.cancel()
    memory = StateStore(config.outbox.state_path)
    await memory.open()
    assert memory.waiting_commands == {}
    assert (await memory.overrides())[lamp(1)].command_id == "c2"
    await memory.close()


async def test_a_damaged_outbox_that_has_no_room_beside_it_gives_what_has(small_disk: Path) -> None:
    path, records = small_disk / "o.db", 700
    outbox = Outbox(path, lambda: 1)
    await outbox.open()
    for number in range(records):
        outbox.append(LampReading(lamp(number), EVENING, 100, 100, active_power_w=float(number)))
    await outbox.close()
    content = bytearray(path.read_bytes())
    content[:4096] = bytes(4096)
    path.write_bytes(content)
    (small_disk / "filler").write_bytes(bytes(DISK_BYTES - 2 * len(content)))
    reported: list[str] = []
    again = Outbox(path, lambda: 2)
    task = asyncio.ensure_future(again.run(CallingObserver(lambda _: None, on_damage=reported.append)))
    await eventually(again.opened.is_set)
    saved = await again.backlog(0, records)
    assert saved is not None
    assert records / 2 < len(saved) < records
    await eventually(lambda: reported)
    assert reported == [
        f"outbox damaged: {len(saved)} records saved, some may be lost; no room for the others"
    ]
    task.cancel()
    await asyncio.wait([task])
    await again.close()
