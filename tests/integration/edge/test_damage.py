"""A gateway whose stored records are damaged or locked: lamps go on, and all else it has to tell."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from edge.config.settings import GatewayConfig
from edge.gateway import run_gateways
from protocols.clock import Clock
from protocols.events import EventType
from tests.conftest import Broker, eventually
from tests.integration.edge.test_gateway import BAUD, config_for, lamp
from tests.support.edge_cloud import EVENING, Cloud, clock_at
from tests.support.modbus_slave import SlaveLine, Unit

PAGE = 4096


@asynccontextmanager
async def running(config: GatewayConfig, clock: Clock) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run_gateways([config], clock))
        yield
        task.cancel()


@pytest.fixture
def slave() -> Iterator[SlaveLine]:
    with SlaveLine({1: Unit(), 2: Unit()}, BAUD) as line:
        yield line


async def with_backlog(config: GatewayConfig, slave: SlaveLine, clock: Clock, readings: int) -> None:
    """Let it run without a cloud."""
    polls = slave.reads_answered
    async with running(config, clock):
        await eventually(lambda: slave.reads_answered > polls + readings, what="a backlog")


def newest_position(config: GatewayConfig) -> int:
    """The position of the record last written to the outbox."""
    with closing(sqlite3.connect(config.outbox.path, timeout=30)) as database:
        position: int = database.execute("SELECT MAX(position) FROM records").fetchone()[0]
        return position


def types(cloud: Cloud) -> set[EventType]:
    return {each.type for each in cloud.events.values()}


def failures(log: list[MutableMapping[str, Any]]) -> list[str]:
    return [line["event"] for line in log if line["event"] == "gateway_failed"]


@pytest.mark.parametrize("is_page", [False, True])
async def test_what_is_damaged_is_told_and_all_else_delivered(
    mosquitto: Broker, tmp_path: Path, slave: SlaveLine, is_page: bool
) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    config = config_for(slave, mosquitto, tmp_path, poll_interval_s=0.1)
    await with_backlog(config, slave, clock, 30)
    with closing(sqlite3.connect(config.outbox.path)) as database, database:
        waiting = {at for (at,) in database.execute("SELECT position FROM records")}
        at, body = database.execute("SELECT position, body FROM records LIMIT 1 OFFSET 3").fetchone()
        flipped = bytes([body[0] ^ 0x40]) + body[1:]
        database.execute("UPDATE records SET body = ? WHERE position = ?", (flipped, at))
    if is_page:
        content = bytearray(config.outbox.path.read_bytes())
        content[:PAGE] = bytes(PAGE)
        config.outbox.path.write_bytes(content)
    with structlog.testing.capture_logs() as log:
        async with cloud.connected(mosquitto.port), running(config, clock):
            await eventually(lambda: waiting - {at} <= cloud.positions, what="all other records")
            polls = slave.reads_answered
            await eventually(lambda: slave.reads_answered > polls + 10, what="polls that go on")
            await eventually(lambda: EventType.DEVICE_RESET in types(cloud), what="it told")
            assert at not in cloud.positions
            assert cloud.births == 1
    assert failures(log) == []


async def test_another_process_that_locks_the_outbox_stops_no_lamp(
    mosquitto: Broker, tmp_path: Path, slave: SlaveLine
) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    config = config_for(slave, mosquitto, tmp_path, poll_interval_s=0.1)
    await with_backlog(config, slave, clock, 20)
    before = newest_position(config)
    with structlog.testing.capture_logs() as log:
        async with running(config, clock):
            # A gateway is known to the cloud by its outbox, so that must be open before it is locked.
            await eventually(lambda: newest_position(config) > before, what="a record of this start")
            with closing(sqlite3.connect(config.outbox.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                async with cloud.connected(mosquitto.port):
                    await eventually(lambda: cloud.alive == {lamp(1), lamp(2)}, what="births")
                    await cloud.command(lamp(2), 40, "c1")
                    await eventually(lambda: slave.units[2].holdings[0] == 40, what="the command")
                    other.execute("ROLLBACK")
                    await eventually(lambda: cloud.result("c1"), what="the result")
    assert failures(log) == []
