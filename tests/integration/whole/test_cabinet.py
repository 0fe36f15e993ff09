"""A cabinet all the way: simulated meter and contacts, a real gateway, a broker, the cloud, its API."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.database import create_engine, upgrade
from cloud.ingest.service import IngestComponents, IngestLimits, run_ingest
from cloud.inventory.store import InventoryStore
from cloud.mqtt import BrokerAddress
from cloud.provisioning import import_inventory
from edge.config.settings import load
from edge.gateway import run_gateway
from firmware_sim.api.server import run_simulator
from firmware_sim.config import SimulatorConfig
from firmware_sim.town.city import generate_city
from lentera.demo.town import TownSettings, write_gateway_configs
from protocols.clock import ScaledClock
from tests.conftest import PATIENCE_S, Broker, eventually
from tests.support.api import Api, open_api

EVENING = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)  # 20:00 in Bandung: lit at 100 %
TOWN = generate_city(9, seed=4)
GATEWAY = TOWN.gateways[0].id
CABINET = TOWN.cabinets[0].id
SPEED = 60.0


@dataclass
class Whole:
    """What a test asks: the API, and the simulator that knows the truth."""

    api: httpx.AsyncClient
    sim: httpx.AsyncClient
    cloud: Api

    async def cabinet(self) -> dict[str, Any]:
        """The cabinet as the API shows it, its values by name."""
        body = (await self.api.get(f"/api/v1/gateways/{GATEWAY}")).raise_for_status().json()
        (cabinet,) = body["cabinets"]
        return {**cabinet, **{each["attribute"]: each["value"] for each in cabinet["values"]}}

    async def truth(self) -> dict[str, Any]:
        """The cabinet as it is."""
        truth: dict[str, Any] = (await self.sim.get(f"/sim/v1/gateways/{GATEWAY}/cabinet")).json()
        return truth

    async def alarms(self, state: str = "active") -> list[dict[str, Any]]:
        """Alarms, newest first."""
        items: list[dict[str, Any]] = (await self.api.get("/api/v1/alarms", params={"state": state})).json()[
            "items"
        ]
        return items

    async def break_it(self, **fault: str | int) -> None:
        (await self.sim.post(f"/sim/v1/gateways/{GATEWAY}/faults", json=fault)).raise_for_status()

    async def mend(self) -> None:
        (await self.sim.delete(f"/sim/v1/gateways/{GATEWAY}/faults")).raise_for_status()

    async def until_raised(self, kind: str) -> dict[str, Any]:
        """The alarm of that kind on the cabinet, once it is active."""

        async def raised() -> bool:
            return any(each["type"] == kind and each["lampId"] is None for each in await self.alarms())

        await eventually(raised, what=kind)
        return next(each for each in await self.alarms() if each["type"] == kind and each["lampId"] is None)

    async def until_ended(self, kind: str) -> None:
        async def ended() -> bool:
            return all(each["type"] != kind or each["lampId"] for each in await self.alarms())

        await eventually(ended, what=f"the end of {kind}")


@pytest.fixture
async def whole(tmp_path: Path, mosquitto: Broker) -> AsyncIterator[Whole]:
    async with _running(tmp_path, mosquitto.port) as whole:
        yield whole


@asynccontextmanager
async def _running(folder: Path, broker_port: int) -> AsyncIterator[Whole]:
    clock = ScaledClock(EVENING, time.time(), SPEED, time.time)
    settings = TownSettings(folder / "lines", folder, {GATEWAY: broker_port}, 115200, 30.0)
    (path,) = write_gateway_configs(TOWN, settings, folder)
    url = f"sqlite:///{folder / 'cloud.db'}"
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    engine = create_engine(url)
    upgrade(engine)
    with open_api(url, folder, broker_port) as cloud:
        cloud.clock.instant = EVENING
        import_inventory(cloud.services.engine, TOWN)
        parts = IngestComponents(
            engine,
            cloud.services.telemetry,
            BrokerAddress("127.0.0.1", broker_port),
            InventoryStore(engine).load,
            clock,
            IngestLimits(),
        )
        async with asyncio.TaskGroup() as group:
            sim = SimulatorConfig(folder, baud=115200)
            tasks = [group.create_task(run_simulator(sim, TOWN, clock, on_ready=ready.set_result))]
            base = await ready
            tasks += [
                group.create_task(run_ingest(parts)),
                group.create_task(run_gateway(load(path), clock)),
            ]
            async with (
                httpx.AsyncClient(base_url=base, timeout=PATIENCE_S) as simulator,
                cloud.client("viewer") as api,
            ):
                whole = Whole(api, simulator, cloud)
                await eventually(lambda: _seen(whole), what="a reading of the cabinet")
                yield whole
            for task in tasks:
                task.cancel()
        engine.dispose()


async def _seen(whole: Whole) -> bool:
    cabinet = await whole.cabinet()
    return bool(cabinet["online"] and cabinet["totalPower"] > 0.3)


@pytest.mark.slow
async def test_the_meter_shows_what_the_lamps_draw_and_counts_it(whole: Whole) -> None:
    shown, truth = await whole.cabinet(), await whole.truth()
    lamps = (await whole.sim.get("/sim/v1/lamps")).json()
    drawn_kw = sum(each["activePower"] for each in lamps) / 1000
    assert truth["totalPower"] == pytest.approx(drawn_kw * 1.012 + 0.007, rel=0.01)
    assert shown["totalPower"] == pytest.approx(truth["totalPower"], rel=0.03)
    phases = [shown[f"phase{n}ActivePower"] for n in (1, 2, 3)]
    assert sum(phases) == pytest.approx(shown["totalPower"], abs=0.003)
    assert (shown["cabinetDoorOpen"], shown["circuitBreakerTripped"], shown["actualState"]) == (
        False,
        False,
        "ON",
    )

    async def much_later() -> bool:
        return bool((await whole.truth())["totalActiveEnergy"] > truth["totalActiveEnergy"] + 0.3)

    await eventually(much_later, 90, "0.3 kWh more")
    answer = await whole.api.get(
        f"/api/v1/gateways/{GATEWAY}/telemetry",
        params={"attributes": "totalActiveEnergy,totalPower", "to": "2026-06-02T13:00:00Z"},
    )
    energy, power = (one["points"] for one in answer.raise_for_status().json()["series"])
    counted_kwh = energy[-1][1] - energy[0][1]
    mean_kw = sum(value for _, value in power) / len(power)
    assert counted_kwh == pytest.approx(mean_kw * (energy[-1][0] - energy[0][0]) / 3.6e6, rel=0.03, abs=0.004)
    assert await whole.alarms("all") == []


async def test_door_breaker_and_supply_raise_alarms_and_end(whole: Whole) -> None:
    await whole.break_it(type="doorOpen")
    door = await whole.until_raised("cabinetDoorOpen")
    assert (door["gatewayId"], door["severity"]) == (GATEWAY, "major")
    assert (await whole.cabinet())["alarms"] == ["cabinetDoorOpen"]
    await whole.mend()
    await whole.until_ended("cabinetDoorOpen")

    await whole.break_it(type="supplyLoss", phase=3)
    supply = await whole.until_raised("supplyLoss")
    assert supply["info"] == "phase 3 at 0 V"
    await whole.mend()
    await whole.until_ended("supplyLoss")

    await whole.break_it(type="breakerTripped", phase=2)
    breaker = await whole.until_raised("circuitBreakerTripped")
    assert breaker["info"] == "nothing is drawn on phase 2"
    await whole.mend()
    await whole.until_ended("circuitBreakerTripped")


async def test_a_contactor_that_does_not_close_is_an_alarm_until_it_does(whole: Whole) -> None:
    assert (await whole.cabinet())["photocellOutputOn"] is True
    await whole.break_it(type="contactorStuckOpen")
    alarm = await whole.until_raised("switchingErrorOff")
    assert (alarm["gatewayId"], alarm["severity"]) == (GATEWAY, "critical")
    assert alarm["info"] == "relay is ON, auxiliary contact is OFF"
    await whole.mend()
    await whole.until_ended("switchingErrorOff")


async def test_a_silent_cabinet_is_an_alarm_until_it_responds(whole: Whole) -> None:
    await whole.break_it(type="silent")
    alarm = await whole.until_raised("communicationFailure")
    assert f"unit {TOWN.cabinets[0].unit}" in alarm["info"]
    await eventually(lambda: _online(whole, False), what="a cabinet that is offline")
    await whole.mend()
    await whole.until_ended("communicationFailure")
    await eventually(lambda: _online(whole, True), what="a cabinet that is back")


async def _online(whole: Whole, online: bool) -> bool:
    return (await whole.cabinet())["online"] is online


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"type": "breakerTripped"}, "phase is None, expected 1, 2 or 3 for breakerTripped"),
        ({"type": "doorOpen", "phase": 1}, "phase is 1, expected none for doorOpen"),
        ({"type": "fire"}, "doorOpen"),
    ],
)
async def test_an_unknown_fault_is_refused(
    tmp_path: Path, mosquitto: Broker, fault: dict[str, str | int], said: str
) -> None:
    async with _running(tmp_path, mosquitto.port) as whole:
        answer = await whole.sim.post(f"/sim/v1/gateways/{GATEWAY}/faults", json=fault)
        assert answer.status_code == 422
        assert said in answer.json()["detail"]
        unknown = await whole.sim.post("/sim/v1/gateways/none/faults", json={"type": "doorOpen"})
        assert (unknown.status_code, unknown.json()["detail"]) == (
            404,
            "cabinet of gateway 'none' is not simulated here",
        )
