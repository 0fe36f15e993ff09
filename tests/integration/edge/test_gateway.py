"""A whole gateway between a real pty and a real broker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from edge.config.line_settings import DeviceConfig
from edge.config.settings import GatewayConfig
from edge.gateway import run_gateways
from protocols.clock import ScaledClock
from protocols.events import EventType
from protocols.lamp import CommandStatus, Reason
from protocols.metrics import TARGET_LIGHT_COMMAND
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MetricValue
from tests.conftest import PATIENCE_S, Broker, eventually
from tests.support.edge_cloud import EVENING, GATEWAY, Cloud, clock_at
from tests.support.gateway_configs import make_gateway_config
from tests.support.modbus_slave import SlaveLine, Unit, healthy_inputs

BAUD = 38400


def lamp(number: int) -> str:
    return f"SOR-{number:05}"


def config_for(
    slave: SlaveLine, broker: Broker, folder: Path, poll_interval_s: float = 1.0, port: str = ""
) -> GatewayConfig:
    return make_gateway_config(
        folder,
        port or slave.path,
        [DeviceConfig(id=lamp(unit), unit=unit) for unit in slave.units],
        baud=BAUD,
        broker_port=broker.port,
        poll_interval_s=poll_interval_s,
    )


@dataclass
class Site:
    """One running gateway with its line and its cloud."""

    slave: SlaveLine
    cloud: Cloud
    clock: ScaledClock
    folder: Path
    broker: Broker

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(
                run_gateways([config_for(self.slave, self.broker, self.folder)], self.clock)
            )
            yield
            running.cancel()


@asynccontextmanager
async def site(
    broker: Broker, folder: Path, lamps: int = 3, start: datetime = EVENING, speed: float = 1.0
) -> AsyncIterator[Site]:
    clock = clock_at(start, speed)
    with SlaveLine({unit: Unit() for unit in range(1, lamps + 1)}, BAUD) as slave:
        yield Site(slave, Cloud(clock), clock, folder, broker)


async def test_readings_come_up_and_the_programme_holds(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        cloud = here.cloud
        await eventually(lambda: len(cloud.readings) >= 9, what="nine readings")
        assert cloud.alive == {lamp(1), lamp(2), lamp(3)}
        assert cloud.rebirths == 0
        assert all(unit.holdings[0] == 100 for unit in here.slave.units.values())
        latest = max(cloud.readings.values(), key=lambda reading: reading.time)
        assert (latest.target_level_percent, latest.feedback_level_percent) == (100, 100)
        assert latest.reason is Reason.PROGRAM
        assert latest.active_power_w == 90.0
        assert latest.supply_voltage_v == 230.1
        assert here.slave.silence_violations == 0


@pytest.mark.timing
async def test_a_command_is_confirmed_within_a_second_and_ended_again(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        cloud = here.cloud
        await eventually(lambda: len(cloud.alive) == 3, what="births")
        sent = time.monotonic()
        await cloud.command(lamp(2), 40, "c1")
        await eventually(lambda: cloud.result("c1"), what="the result")
        result = cloud.result("c1")
        assert result is not None
        assert (result.status, result.level_percent) == (CommandStatus.CONFIRMED, 40)
        assert cloud.result_at["c1"] - sent < 1.0
        assert here.slave.units[2].holdings[0] == 40
        assert here.slave.units[1].holdings[0] == 100
        await eventually(
            lambda: any(each.reason is Reason.OVERRIDE for each in cloud.readings.values()),
            what="a reading that says why",
        )
        await cloud.command(lamp(2), None, "c2")
        await eventually(lambda: cloud.result("c2"), what="the second result")
        assert here.slave.units[2].holdings[0] == 100


async def test_a_plain_sparkplug_client_can_command(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        await eventually(lambda: len(here.cloud.alive) == 3, what="births")
        plain = MetricValue(name=TARGET_LIGHT_COMMAND, datatype=DataType.INT32, value=25)
        await here.cloud.send_metrics(lamp(1), [plain])
        await eventually(lambda: here.slave.units[1].holdings[0] == 25, what="the level")
        await eventually(lambda: here.cloud.results, what="a result")


async def test_a_command_that_was_left_with_the_broker_is_not_carried_out(
    mosquitto: Broker, tmp_path: Path
) -> None:
    plain = MetricValue(TARGET_LIGHT_COMMAND, None, DataType.INT32, 25)
    async with site(mosquitto, tmp_path) as place, place.cloud.connected(mosquitto.port):
        await place.cloud.send_metrics(lamp(1), [plain], retain=True)
        async with place.gateway():
            await eventually(lambda: len(place.cloud.alive) == 3, what="births")
            await place.cloud.command(lamp(2), 40, "live")
            await eventually(lambda: place.cloud.result("live"), what="the result")
        assert [unit.holdings[0] for unit in place.slave.units.values()] == [100, 40, 100]


async def test_impossible_commands_are_answered_and_change_nothing(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        cloud = here.cloud
        await eventually(lambda: len(cloud.alive) == 3, what="births")
        await cloud.command(lamp(1), 140, "too-bright")
        await cloud.command("SOR-99999", 40, "unknown")
        await cloud.command(lamp(1), 40, "late", deadline=timedelta(seconds=-1))
        here.slave.units[2].refuses = 3
        await cloud.command(lamp(2), 40, "refused")
        for name in ("too-bright", "unknown", "late", "refused"):
            await eventually(partial(cloud.result, name), what=f"the result of {name}")
        too_bright, nobody = cloud.result("too-bright"), cloud.result("unknown")
        late, refused = cloud.result("late"), cloud.result("refused")
        assert too_bright is not None
        assert nobody is not None
        assert late is not None
        assert refused is not None
        assert too_bright.status is CommandStatus.FAILED
        assert "targetLightCommand: 140, expected 0..100" in too_bright.detail
        assert "SOR-99999" in nobody.detail
        assert late.status is CommandStatus.EXPIRED
        assert (refused.status, "code 3" in refused.detail) == (CommandStatus.FAILED, True)
        assert here.slave.units[1].holdings[0] == 100
        here.slave.units[2].refuses = 0
        await eventually(
            lambda: (
                max(
                    (each for each in cloud.readings.values() if each.device_id == lamp(2)),
                    key=lambda each: each.time,
                ).reason
                is Reason.PROGRAM
            ),
            what="the programme in force again",
        )


@pytest.mark.timing
async def test_an_override_survives_a_restart_and_expires(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port):
        async with here.gateway():
            await eventually(lambda: len(here.cloud.alive) == 3, what="births")
            await here.cloud.command(lamp(3), 10, "c1", expiration=timedelta(seconds=6))
            await eventually(lambda: here.cloud.result("c1"), what="the result")
        await eventually(lambda: not here.cloud.node_alive, what="the death of the gateway")
        here.slave.units[3].holdings[0] = 77
        async with here.gateway():
            await eventually(lambda: here.slave.units[3].holdings[0] == 10, what="the override again")
            assert here.slave.units[1].holdings[0] == 100
            await eventually(lambda: here.slave.units[3].holdings[0] == 100, what="the end of the override")


async def test_nothing_is_lost_when_the_broker_dies(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        cloud, units = here.cloud, here.slave.units
        await eventually(lambda: len(cloud.readings) > 10, what="readings")
        mosquitto.kill()
        before = here.slave.frames
        units[2].inputs[1] = 5
        await eventually(lambda: here.slave.frames > before + 20, what="polls without a broker")
        await eventually(lambda: units[2].inputs[1] == 100, what="the programme kept without a broker")
        died_with, answered = len(cloud.readings), here.slave.reads_answered
        mosquitto.start()
        await eventually(lambda: cloud.births == 2, what="the gateway's return")
        await eventually(lambda: len(cloud.readings) >= answered, what="what was read without a broker")
        await eventually(lambda: len(cloud.readings) > died_with + 15, what="readings after its return")
        await eventually(
            lambda: cloud.positions == set(range(1, max(cloud.positions) + 1)), what="every record"
        )
        assert cloud.historical > 0


@pytest.mark.timing
async def test_a_gateway_is_back_within_ten_seconds_of_its_broker(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        await eventually(lambda: here.cloud.births == 1, what="births")
        mosquitto.kill()
        polls = here.slave.frames
        await eventually(lambda: here.slave.frames > polls + 20, what="polls without a broker")
        mosquitto.start()
        started = time.monotonic()
        await eventually(lambda: here.cloud.births == 2, what="the gateway's return")
        assert time.monotonic() - started < 10


async def test_a_cloud_that_does_not_acknowledge_gets_everything_again(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with site(mosquitto, tmp_path) as here, here.gateway():
        forgetful = here.cloud
        forgetful.acknowledges = False
        async with forgetful.connected(mosquitto.port):
            await eventually(lambda: len(forgetful.readings) > 5, what="readings")
            last = max(forgetful.positions)
            await eventually(lambda: forgetful.historical >= last, what="them again after 5 s")
        heir = Cloud(here.clock)
        async with heir.connected(mosquitto.port):
            await eventually(
                lambda: heir.positions >= set(range(1, last + 1)), what="all of them at the next cloud"
            )
            await eventually(lambda: heir.epoch == forgetful.epoch)


@pytest.mark.slow
async def test_a_silent_lamp_is_reported_once_and_its_return_too(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        cloud = here.cloud
        await eventually(lambda: len(cloud.alive) == 3, what="births")
        here.slave.units[2].silent = True
        await eventually(lambda: cloud.alive == {lamp(1), lamp(3)}, what="the lamp's death")
        requested = len(here.slave.requests)
        await eventually(lambda: len(here.slave.requests) > requested + 20, what="the others' polls")
        dead_share = [unit for unit, _ in here.slave.requests[requested:]].count(2) / 20
        assert dead_share < 0.3
        here.slave.units[2].silent = False
        here.slave.units[2].inputs[:] = healthy_inputs(0, boots=2)
        await eventually(lambda: here.slave.units[2].holdings[0] == 100, what="the level written again")
        await eventually(lambda: len(cloud.alive) == 3, what="the lamp's return")
        await eventually(lambda: len(cloud.events) == 3, what="the events")
        said = [(each.type, each.active) for _, each in sorted(cloud.events.items())]
        assert said == [
            (EventType.COMMUNICATION_FAILURE, True),
            (EventType.COMMUNICATION_FAILURE, False),
            (EventType.DEVICE_RESET, True),
        ]
        assert all(each.device_id == lamp(2) for each in cloud.events.values())


async def test_a_lamp_that_ignores_its_level_is_reported(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port):
        here.slave.units[1].ignores_writes = True
        async with here.gateway():
            await eventually(lambda: here.cloud.events, what="an event")
            (event,) = here.cloud.events.values()
            assert (event.device_id, event.type, event.active) == (lamp(1), EventType.DIMMING_FAILURE, True)
            assert event.info == "reads back level 0 %, expected 100 %"
            await here.cloud.command(lamp(1), 30, "c1")
            await eventually(lambda: here.cloud.result("c1"), what="the result")
            result = here.cloud.result("c1")
            assert result is not None
            assert (result.status, result.detail) == (
                CommandStatus.FAILED,
                "reads back level 0 %, expected 30 %",
            )


@pytest.mark.timing
async def test_at_dusk_the_whole_line_is_one_broadcast(mosquitto: Broker, tmp_path: Path) -> None:
    before_sunset = datetime(2026, 6, 1, 10, 38, tzinfo=UTC)
    async with (
        site(mosquitto, tmp_path, lamps=20, start=before_sunset, speed=60) as here,
        here.cloud.connected(mosquitto.port),
        here.gateway(),
    ):
        units = here.slave.units
        fade_and_off = [(1, 0, True), (0, 0, True)]
        await eventually(lambda: all(unit.writes == fade_and_off for unit in units.values()), what="off")
        await eventually(lambda: all(unit.holdings[0] == 100 for unit in units.values()), what="dusk")
        assert all(unit.writes == [*fade_and_off, (0, 100, True)] for unit in units.values())
        await eventually(
            lambda: (
                {each.device_id for each in here.cloud.readings.values() if each.feedback_level_percent}
                == {lamp(unit) for unit in units}
            ),
            what="every lamp read back",
        )


async def test_a_port_that_goes_is_one_event_of_the_gateway(mosquitto: Broker, tmp_path: Path) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    units = {unit: Unit() for unit in range(1, 4)}
    link = tmp_path / "line"
    with SlaveLine(units, BAUD, link) as slave:
        config = config_for(slave, mosquitto, tmp_path, port=str(link))
        async with cloud.connected(mosquitto.port), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateways([config], clock))
            await eventually(lambda: len(cloud.alive) == 3, what="births")
            slave.close()
            await eventually(lambda: cloud.events, what="the event")
            (event,) = cloud.events.values()
            assert (event.device_id, event.type, event.active) == (
                GATEWAY,
                EventType.COMMUNICATION_FAILURE,
                True,
            )
            assert str(link) in event.info
            await eventually(lambda: not cloud.alive, what="the lamps' deaths")
            with SlaveLine(units, BAUD, link):
                await eventually(lambda: len(cloud.alive) == 3, what="their return")
                await eventually(lambda: len(cloud.events) == 2, what="the end of the event")
                assert [each.active for _, each in sorted(cloud.events.items())] == [True, False]
                running.cancel()


async def test_a_gateway_ends_whenever_it_is_stopped(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port):
        for more in range(1, 16):
            before = here.slave.frames
            async with asyncio.timeout(PATIENCE_S), here.gateway():
                await eventually(partial(_has_sent, here.slave, before + more), what="frames")


def _has_sent(slave: SlaveLine, frames: int) -> bool:
    return slave.frames >= frames
