"""A gateway that starts in 1970 beside a cloud that knows the time: real wire, real broker."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.clock import timekeeper
from edge.gateway import run_gateway
from edge.storage.state import StateStore
from protocols.clock import Clock
from protocols.events import EventType
from protocols.lamp import Reason
from protocols.mapping import time_metrics
from protocols.transfer.records import Record
from tests.conftest import Broker, eventually
from tests.integration.edge.test_gateway import BAUD, config_for
from tests.support.edge_cloud import EVENING, GATEWAY, Cloud, clock_at
from tests.support.modbus_slave import SlaveLine, Unit


@dataclass
class NeverSet:
    """The clock of a machine whose time was never set."""

    began: float
    speed: float = 1.0

    def now(self) -> datetime:
        return datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC) + timedelta(seconds=time.monotonic() - self.began)


async def test_the_cloud_sends_the_time_and_records_are_corrected(mosquitto: Broker, tmp_path: Path) -> None:
    true: Clock = clock_at(EVENING)
    cloud = Cloud(true)
    with SlaveLine({unit: Unit() for unit in (1, 2)}, BAUD) as slave:
        config = config_for(slave, mosquitto, tmp_path)
        config = config.model_copy(
            update={"gateway": config.gateway.model_copy(update={"default_level": 70})}
        )
        async with cloud.connected(mosquitto.port), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateway(config, NeverSet(time.monotonic())))
            await eventually(lambda: slave.reads_answered >= 6, what="polls without a clock")
            await eventually(lambda: all(unit.holdings[0] == 70 for unit in slave.units.values()))
            await eventually(lambda: cloud.node_alive, what="the gateway's birth")
            assert not cloud.readings
            assert not cloud.events
            await cloud.send_node_metrics(time_metrics(true.now()))
            await eventually(
                lambda: all(unit.holdings[0] == 100 for unit in slave.units.values()), what="100 %"
            )
            await eventually(lambda: len(cloud.events) == 2, what="the events")
            await eventually(lambda: len(cloud.readings) >= 8, what="readings of before and after")
            running.cancel()
    began, ended = (each for _, each in sorted(cloud.events.items()))
    assert (began.device_id, began.type, began.active) == (GATEWAY, EventType.LAST_SYNC_ERROR, True)
    assert (ended.type, ended.active) == (EventType.LAST_SYNC_ERROR, False)
    reasons = {each.reason for each in cloud.readings.values()}
    assert reasons >= {Reason.DEFAULT, Reason.PROGRAM}
    for record in _records(cloud):
        assert EVENING - timedelta(seconds=1) < record.time <= true.now()


@dataclass
class Settable:
    """A clock that can be set."""

    true: Clock
    off_by: timedelta
    speed: float = 1.0

    def now(self) -> datetime:
        return self.true.now() + self.off_by


async def test_a_clock_before_the_last_time_known_waits_for_the_cloud(
    mosquitto: Broker, tmp_path: Path
) -> None:
    """A battery that died: the machine begins at a time that looks right."""
    true = clock_at(EVENING)
    cloud, wrong = Cloud(true), Settable(true, -timedelta(days=40))
    with SlaveLine({1: Unit()}, BAUD) as slave:
        config = config_for(slave, mosquitto, tmp_path)
        memory = StateStore(config.outbox.state_path)
        await memory.open()
        await memory.keep_seen(EVENING - timedelta(hours=5), is_known=True)
        await memory.close()
        async with cloud.connected(mosquitto.port), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateway(config, wrong))
            await eventually(lambda: cloud.node_alive, what="the gateway's birth")
            await eventually(lambda: slave.reads_answered >= 3, what="polls without a clock")
            assert not cloud.readings
            await cloud.send_node_metrics(time_metrics(true.now()))
            await eventually(lambda: len(cloud.readings) >= 3, what="corrected readings")
            await eventually(lambda: len(cloud.events) == 2, what="the events")
            running.cancel()
    for record in _records(cloud):
        assert EVENING - timedelta(seconds=1) < record.time <= true.now()


async def test_a_clock_set_back_a_year_is_not_followed(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeper, "_CHECK_KNOWN_EVERY_S", 1.0)
    true = clock_at(EVENING)
    cloud, system = Cloud(true), Settable(true, timedelta(0))

    def reported() -> list[bool]:
        return [each.active for _, each in sorted(cloud.events.items())]

    with SlaveLine({1: Unit()}, BAUD) as slave:
        config = config_for(slave, mosquitto, tmp_path)
        async with cloud.connected(mosquitto.port), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateway(config, system))
            await eventually(lambda: bool(cloud.readings), what="a reading")
            births, before = cloud.births, len(cloud.readings)
            system.off_by = -timedelta(days=365)
            await eventually(lambda: reported() == [True], what="the event")
            await eventually(lambda: cloud.births > births, what="another birth, which requests the time")
            assert len(cloud.readings) > before
            await cloud.send_node_metrics(time_metrics(true.now()))
            await eventually(lambda: reported() == [True, False], what="the end of the event")
            system.off_by, before = timedelta(0), len(cloud.readings)
            await eventually(lambda: len(cloud.readings) > before + 2, what="further readings")
            running.cancel()
    assert {each.type for each in cloud.events.values()} == {EventType.LAST_SYNC_ERROR}
    for record in _records(cloud):
        assert EVENING - timedelta(seconds=1) < record.time <= true.now()


def _records(cloud: Cloud) -> list[Record]:
    return [*cloud.readings.values(), *cloud.events.values()]
