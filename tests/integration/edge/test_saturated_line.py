"""Fifty lamps on a 9600-baud line that is polled without a pause: commands and dusk go through at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from edge.config.line_settings import DeviceConfig
from edge.gateway import run_gateways
from protocols.clock import Clock
from protocols.lamp import CommandStatus
from tests.conftest import Broker, eventually
from tests.support.edge_cloud import EVENING, Cloud, clock_at
from tests.support.gateway_configs import make_gateway_config
from tests.support.modbus_slave import SlaveLine, Unit

LAMPS = 50


@asynccontextmanager
async def saturated(slave: SlaveLine, broker: Broker, folder: Path, clock: Clock) -> AsyncIterator[None]:
    config = make_gateway_config(
        folder,
        slave.path,
        [DeviceConfig(id=f"SOR-{unit:05}", unit=unit) for unit in slave.units],
        broker_port=broker.port,
        poll_interval_s=0.01,
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_gateways([config], clock))
        yield
        running.cancel()


@pytest.mark.timing
async def test_commands_overtake_the_polls(mosquitto: Broker, tmp_path: Path) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    latencies: list[float] = []
    with SlaveLine({unit: Unit() for unit in range(1, LAMPS + 1)}) as slave:
        async with cloud.connected(mosquitto.port), saturated(slave, mosquitto, tmp_path, clock):
            await eventually(lambda: len(cloud.alive) == LAMPS, what="births")
            for number in range(1, 21):
                sent = time.monotonic()
                await cloud.command(f"SOR-{number:05}", number, f"c{number}")
                await eventually(partial(cloud.result, f"c{number}"), what="the result")
                latencies.append(cloud.result_at[f"c{number}"] - sent)
            assert all(each.status is CommandStatus.CONFIRMED for each in cloud.results.values())
        assert slave.silence_violations == 0
    print(f"command to result: worst {max(latencies):.3f} s, mean {sum(latencies) / 20:.3f} s")  # noqa: T201
    assert max(latencies) < 1.0


async def test_a_command_to_every_lamp_is_one_broadcast(mosquitto: Broker, tmp_path: Path) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    with SlaveLine({unit: Unit() for unit in range(1, LAMPS + 1)}) as slave:
        async with cloud.connected(mosquitto.port), saturated(slave, mosquitto, tmp_path, clock):
            await eventually(lambda: len(cloud.alive) == LAMPS, what="births")
            sent, before = time.monotonic(), len(slave.requests)
            await burst(cloud, range(1, LAMPS + 1), "all")
            await eventually(lambda: len(cloud.results) == LAMPS, what="all results")
            took_s, requests = time.monotonic() - sent, slave.requests[before:]
            assert all(each.status is CommandStatus.CONFIRMED for each in cloud.results.values())
            assert broadcasts_heard(slave) == 1
    print(f"fifty commands to fifty results: {took_s:.2f} s, {len(requests)} requests")  # noqa: T201
    # A burst may come in pieces: the first lamp may be written by itself before the rest is there to
    # broadcast to.
    assert sum(function == 6 and unit != 0 for unit, function in requests) < LAMPS / 2
    assert len(requests) < 2 * LAMPS


async def test_lamps_that_are_being_written_are_not_written_twice(mosquitto: Broker, tmp_path: Path) -> None:
    """The rest of a burst waits for the wire while the lamp that came before it is read back."""
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    with SlaveLine({unit: Unit() for unit in range(1, LAMPS + 1)}) as slave:
        async with cloud.connected(mosquitto.port), saturated(slave, mosquitto, tmp_path, clock):
            await eventually(lambda: len(cloud.alive) == LAMPS, what="births")
            await cloud.command("SOR-00001", 30, "first")
            await eventually(lambda: (0, 30, False) in slave.units[1].writes, what="the first lamp's level")
            before = len(slave.requests)
            await burst(cloud, range(2, LAMPS + 1), "rest")
            await eventually(lambda: len(cloud.results) == LAMPS, what="all results")
            await eventually(lambda: len(slave.requests) > before + 2 * LAMPS, what="polls afterwards")
            assert broadcasts_heard(slave) <= 1
            assert all(each.status is CommandStatus.CONFIRMED for each in cloud.results.values())


async def burst(cloud: Cloud, units: range, command_id: str) -> None:
    """Command 30 % to all at once: sent one after another, it would be as slow as this process."""
    await asyncio.gather(*(cloud.command(f"SOR-{unit:05}", 30, command_id) for unit in units))


def broadcasts_heard(slave: SlaveLine) -> int:
    """How often 30 % was broadcast to all lamps."""
    return slave.units[7].writes.count((0, 30, True))


@pytest.mark.timing
@pytest.mark.slow
async def test_dusk_is_written_and_read_back_within_seconds(mosquitto: Broker, tmp_path: Path) -> None:
    clock = clock_at(datetime(2026, 6, 1, 10, 33, tzinfo=UTC), speed=60)
    with SlaveLine({unit: Unit() for unit in range(1, LAMPS + 1)}) as slave:
        async with saturated(slave, mosquitto, tmp_path, clock):
            fade_and_off = [(1, 0, True), (0, 0, True)]
            await eventually(lambda: slave.units[9].writes == fade_and_off, what="off by day")
            await eventually(lambda: slave.units[9].holdings[0] == 100, what="dusk")
            written_at, before = time.monotonic(), len(slave.requests)

            def requested() -> set[int]:
                return {unit for unit, function in slave.requests[before:] if function == 4}

            await eventually(lambda: requested() == set(slave.units), what="every lamp read back")
            took_s = time.monotonic() - written_at
            assert len(slave.requests[before:]) <= LAMPS + 3
            assert all(unit.writes == [*fade_and_off, (0, 100, True)] for unit in slave.units.values())
    print(f"dusk: {LAMPS} lamps read back {took_s:.2f} s after they were written")  # noqa: T201
    assert took_s < 4.5


@pytest.mark.timing
@pytest.mark.slow
async def test_dead_lamps_cost_the_living_little(mosquitto: Broker, tmp_path: Path) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    living, dead = range(1, 11), range(11, 21)
    with SlaveLine({unit: Unit() for unit in (*living, *dead)}) as slave:

        async def living_polls_per_s() -> float:
            began, before = time.monotonic(), slave.reads_answered
            await eventually(lambda: slave.reads_answered >= before + 40, what="forty polls")
            return 40 / (time.monotonic() - began)

        async with cloud.connected(mosquitto.port), saturated(slave, mosquitto, tmp_path, clock):
            await eventually(lambda: len(cloud.alive) == 20, what="births")
            healthy = await living_polls_per_s()
            for unit in dead:
                slave.units[unit].silent = True
            await eventually(lambda: len(cloud.events) == len(dead), what="their silence")
            with_dead = await living_polls_per_s()
    print(f"polls/s of a busy line: {healthy:.1f}, with half its lamps dead {with_dead:.1f}")  # noqa: T201
    assert with_dead > 0.8 * healthy
