"""A cabinet that is switched: simulated contactor and photocell on a real wire, a real gateway and broker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import httpx
import pytest

from edge.config.line_settings import ContactorConfig, ContactsConfig, DeviceConfig
from edge.config.settings import GatewayConfig
from edge.gateway import run_gateway
from firmware_sim.api.server import run_simulator
from firmware_sim.config import SimulatorConfig
from firmware_sim.town.city import generate_city
from protocols.clock import Clock, ScaledClock
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandStatus, Reason
from protocols.mapping import time_metrics
from protocols.sun import night_of
from tests.conftest import PATIENCE_S, Broker, eventually
from tests.support.edge_cloud import Cloud
from tests.support.gateway_configs import make_gateway_config

TOWN = generate_city(3, seed=4)
GATEWAY = TOWN.gateways[0]
CABINET = TOWN.cabinets[0]
LAMPS = [lamp.id for lamp in TOWN.lamps]
NIGHT = night_of(
    GATEWAY.latitude, GATEWAY.longitude, ZoneInfo(GATEWAY.time_zone), datetime(2026, 6, 1, 12, tzinfo=UTC)
)
BAUD = 115200
SAFE_LEVEL = 70


@dataclass
class NeverSet:
    """The clock of a machine that never got the time."""

    began: float
    speed: float

    def now(self) -> datetime:
        passed_s = (time.monotonic() - self.began) * self.speed
        return datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC) + timedelta(seconds=passed_s)


@dataclass
class Site:
    """A running gateway, the cloud it talks to, and the simulator that knows the truth."""

    sim: httpx.AsyncClient
    cloud: Cloud

    async def truth(self) -> dict[str, Any]:
        """The cabinet as it is."""
        truth: dict[str, Any] = (await self.sim.get(f"/sim/v1/gateways/{GATEWAY.id}/cabinet")).json()
        return truth

    async def levels(self) -> set[int]:
        """The levels at which the lamps are."""
        return {round(each["trueLevel"]) for each in (await self.sim.get("/sim/v1/lamps")).json()}

    async def break_it(self, fault: str) -> dict[str, Any]:
        """The cabinet as it is right after."""
        answer = await self.sim.post(f"/sim/v1/gateways/{GATEWAY.id}/faults", json={"type": fault})
        truth: dict[str, Any] = answer.raise_for_status().json()
        return truth

    async def mend(self) -> None:
        (await self.sim.delete(f"/sim/v1/gateways/{GATEWAY.id}/faults")).raise_for_status()

    async def until_contactor(self, closed: bool, timeout_s: float = 10.0) -> None:
        async def is_so() -> bool:
            return (await self.truth())["contactorClosed"] is closed

        await eventually(is_so, timeout_s, f"a contactor that is {'closed' if closed else 'open'}")

    async def until_levels(self, level: int) -> None:
        async def are_so() -> bool:
            return await self.levels() == {level}

        await eventually(are_so, what=f"lamps at {level} %")

    async def until_event(self, kind: EventType, active: bool) -> DeviceEvent:
        """The newest event of the cabinet of that kind, once it says so."""

        def newest() -> DeviceEvent | None:
            said = [each for each in self.cloud.events.values() if each.type is kind]
            return max(said, key=lambda each: each.time, default=None)

        await eventually(
            lambda: (event := newest()) is not None and event.active is active, what=f"{kind} {active}"
        )
        event = newest()
        assert event is not None
        assert event.device_id == CABINET.id
        return event


def config_for(
    folder: Path, broker: Broker, *, follows: Literal["lit", "always"] | None, photocell: bool, poll_s: float
) -> GatewayConfig:
    assert CABINET.contacts_unit is not None
    cabinet = DeviceConfig(
        id=CABINET.id,
        unit=CABINET.unit,
        profile=CABINET.profile,
        contacts=ContactsConfig(unit=CABINET.contacts_unit),
        photocell=photocell,
        contactor=None if follows is None else ContactorConfig(follows=follows),
    )
    lamps = [DeviceConfig(id=lamp.id, unit=lamp.unit) for lamp in TOWN.lamps] if follows is None else []
    return make_gateway_config(
        folder,
        str(folder / "lines" / f"{GATEWAY.id}-1"),
        [*lamps, cabinet],
        gateway_id=GATEWAY.id,
        area=GATEWAY.area_id,
        baud=BAUD,
        broker_port=broker.port,
        poll_interval_s=poll_s,
        default_level=SAFE_LEVEL,
    )


@asynccontextmanager
async def running(
    config: GatewayConfig,
    folder: Path,
    broker: Broker,
    clock: ScaledClock,
    gateway_clock: Clock | None = None,
) -> AsyncIterator[Site]:
    cloud = Cloud(clock)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with cloud.connected(broker.port), asyncio.TaskGroup() as group:
        sim = SimulatorConfig(folder, baud=BAUD)
        tasks = [group.create_task(run_simulator(sim, TOWN, clock, on_ready=ready.set_result))]
        base = await ready
        tasks.append(group.create_task(run_gateway(config, gateway_clock or clock)))
        async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_S) as client:
            yield Site(client, cloud)
        for task in tasks:
            task.cancel()


def clock_at(instant: datetime, speed: float = 1.0) -> ScaledClock:
    return ScaledClock(instant, time.time(), speed, time.time)


@pytest.mark.timing
async def test_plan_and_command_switch_a_segment_within_a_second(mosquitto: Broker, tmp_path: Path) -> None:
    assert NIGHT.sunset is not None
    clock = clock_at(NIGHT.sunset - timedelta(seconds=2.5))
    config = config_for(tmp_path, mosquitto, follows="lit", photocell=False, poll_s=0.5)
    async with running(config, tmp_path, mosquitto, clock) as site:
        await site.until_contactor(closed=False)
        assert clock.now() < NIGHT.sunset
        await site.until_contactor(closed=True)
        late_s = (clock.now() - NIGHT.sunset).total_seconds()
        assert 0 <= late_s < 1
        await site.until_levels(100)
        await eventually(lambda: site.cloud.node_alive, what="the gateway's birth")
        await site.cloud.command(CABINET.id, 0, "dark")
        await eventually(lambda: site.cloud.result("dark"), what="the command's result")
        result = site.cloud.result("dark")
        assert result is not None
        assert (result.status, result.level_percent) == (CommandStatus.CONFIRMED, 0)
        assert not (await site.truth())["contactorClosed"]
        await site.cloud.command(CABINET.id, None, "end")
        await site.until_contactor(closed=True)


async def test_a_contactor_that_does_not_obey_is_reported_until_it_does(
    mosquitto: Broker, tmp_path: Path
) -> None:
    assert NIGHT.sunrise is not None
    clock = clock_at(NIGHT.sunrise - timedelta(seconds=1.5))
    config = config_for(tmp_path, mosquitto, follows="lit", photocell=False, poll_s=0.5)
    async with running(config, tmp_path, mosquitto, clock) as site:
        await site.break_it("contactorWelded")
        raised = await site.until_event(EventType.SWITCHING_ERROR_ON, active=True)
        assert raised.info == "relay is OFF, auxiliary contact is ON"
        assert raised.time > NIGHT.sunrise
        assert (await site.truth())["contactorTarget"] is False
        await site.mend()
        await site.until_event(EventType.SWITCHING_ERROR_ON, active=False)

        await site.break_it("handSwitchOn")
        by_hand = await site.until_event(EventType.LOCAL_OVERRIDE, active=True)
        assert by_hand.info == "ON"
        await site.mend()
        await site.until_event(EventType.LOCAL_OVERRIDE, active=False)

        await site.break_it("contactorStuckOpen")
        await site.cloud.command(CABINET.id, 100, "light")
        dark = await site.until_event(EventType.SWITCHING_ERROR_OFF, active=True)
        assert dark.info == "relay is ON, auxiliary contact is OFF"
        result = site.cloud.result("light")
        assert result is None or result.status is CommandStatus.FAILED


async def test_an_energised_segment_stays_so_over_a_module_reset(mosquitto: Broker, tmp_path: Path) -> None:
    assert NIGHT.sunset is not None
    clock = clock_at(NIGHT.sunset - timedelta(hours=3))
    config = config_for(tmp_path, mosquitto, follows="always", photocell=True, poll_s=0.3)
    async with running(config, tmp_path, mosquitto, clock) as site:
        await eventually(lambda: CABINET.id in site.cloud.alive, what="the cabinet's birth")
        await site.until_contactor(closed=True)
        assert not (await site.break_it("contactsReset"))["contactorClosed"]
        await site.until_contactor(closed=True)
        cabinet = site.cloud.cabinets[CABINET.id]
        assert cabinet.photocell_output_on is False
        assert all(not each.active for each in site.cloud.events.values())


async def test_without_a_clock_lamps_go_by_the_photocell(mosquitto: Broker, tmp_path: Path) -> None:
    assert NIGHT.sunset is not None
    clock = clock_at(NIGHT.sunset + timedelta(hours=2), speed=200)
    config = config_for(tmp_path, mosquitto, follows=None, photocell=True, poll_s=40)
    async with running(config, tmp_path, mosquitto, clock, NeverSet(time.monotonic(), 200)) as site:
        await site.until_levels(100)
        await site.break_it("photocellStuckOff")
        await site.until_levels(0)
        await site.mend()
        await site.until_levels(100)
        await site.break_it("silent")
        await site.until_levels(SAFE_LEVEL)
        await site.cloud.send_node_metrics(time_metrics(clock.now()))
        expected = {(Reason.SENSOR, 100), (Reason.SENSOR, 0), (Reason.DEFAULT, SAFE_LEVEL)}

        def are_written() -> bool:
            said = {(each.reason, each.target_level_percent) for each in site.cloud.readings.values()}
            return said >= expected

        await eventually(are_written, what="readings that say why")


async def test_without_a_photocell_lamps_are_at_the_safe_level(mosquitto: Broker, tmp_path: Path) -> None:
    assert NIGHT.sunset is not None
    clock = clock_at(NIGHT.sunset - timedelta(hours=5), speed=60)
    config = config_for(tmp_path, mosquitto, follows=None, photocell=False, poll_s=20)
    async with running(config, tmp_path, mosquitto, clock, NeverSet(time.monotonic(), 60)) as site:
        await site.until_levels(SAFE_LEVEL)
