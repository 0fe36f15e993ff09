"""A lighting plan from the API to the gateways, to which it is sent until they agree: over a real broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cloud.database import create_engine, writing
from cloud.plans.store import ProgramRow, touch_plan
from edge.config.line_settings import DeviceConfig
from edge.config.settings import GatewayConfig
from edge.gateway import run_gateways
from protocols.lamp import LampReading, Reason
from protocols.lighting.plan import decode_plan, plan_hash
from tests.conftest import Broker, eventually
from tests.support.api import EVENING, small_town
from tests.support.api_process import Process, running_api
from tests.support.edge_cloud import AREA, clock_at
from tests.support.gateway_configs import make_gateway_config
from tests.support.ingest_edge import Edge
from tests.support.modbus_slave import SlaveLine, Unit

GATEWAY, LAMPS = "soreang-01", ["SOR-1", "SOR-2", "SOR-3"]


@pytest.fixture
async def cloud(tmp_path: Path, mosquitto: Broker) -> AsyncIterator[Process]:
    """API and ingester over the small town."""
    roles = frozenset({"api", "ingest"})
    async with running_api(tmp_path, mosquitto.port, small_town(), roles=roles) as process:
        yield process


@asynccontextmanager
async def running(work: Any) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


def assignments() -> list[dict[str, str]]:
    """The calendar of the tests for Soreang."""
    return [{"scope": "area", "id": AREA, "calendarId": "dim"}]


async def want(cloud: Process, level: int) -> str:
    """Ask for a level all night in Soreang; the hash of what its gateway should run then."""
    program = {
        "type": "ControlProgramOne",
        "id": "dim",
        "ownerCMS": "lentera",
        "activePeriods": [{"name": "AstroClockActivePeriod", "sunsetOffset": 0, "sunriseOffset": 0}],
        "fixedTimeControls": [
            {"startTime": "12:00:00", "command": {"state": {"name": "LevelState", "value": level}}}
        ],
    }
    calendar = {"id": "dim", "ownerCMS": "lentera", "rules": [{"program": "dim"}]}
    everything = {"items": assignments()}
    for path, body in (("programs/dim", program), ("calendars/dim", calendar), ("assignments", everything)):
        answer = await cloud.client.put(f"/api/v1/{path}", json=body)
        assert answer.status_code == 200, answer.text
    wanted: str = (await gateway(cloud))["planWanted"]
    return wanted


async def gateway(cloud: Process, gateway_id: str = GATEWAY) -> dict[str, Any]:
    """The gateway as the list has it."""
    answer = (await cloud.client.get("/api/v1/gateways", params={"limit": 5})).json()
    found: dict[str, Any] = next(each for each in answer["items"] if each["id"] == gateway_id)
    return found


async def in_force(cloud: Process) -> bool:
    return bool((await gateway(cloud))["planInForce"])


async def test_gateways_come_in_pages(cloud: Process) -> None:
    """By id, of one area or of all."""
    first = (await cloud.client.get("/api/v1/gateways", params={"limit": 1})).json()
    assert ([each["id"] for each in first["items"]], first["nextCursor"]) == (
        ["pasirjambu-01"],
        "pasirjambu-01",
    )
    rest = (await cloud.client.get("/api/v1/gateways", params={"cursor": first["nextCursor"]})).json()
    assert ([each["id"] for each in rest["items"]], rest["nextCursor"]) == (["soreang-01"], None)
    of_area = (await cloud.client.get("/api/v1/gateways", params={"area": "32.04.38"})).json()
    assert [each["id"] for each in of_area["items"]] == ["pasirjambu-01"]
    never_heard = of_area["items"][0]
    alone = (await cloud.client.get("/api/v1/gateways/pasirjambu-01")).json()
    assert never_heard.items() <= alone.items()
    assert (never_heard["online"], never_heard["lamps"]) == (False, 2)
    assert (never_heard["planHash"], never_heard["planInForce"], never_heard["planProblem"]) == (
        None,
        False,
        "",
    )


async def test_a_gateway_is_sent_what_is_wanted_and_left_alone_when_it_agrees(
    cloud: Process, mosquitto: Broker
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    other = Edge(mosquitto.port, "pasirjambu-01", ["PAS-1"], group="32.04.38")
    async with running(edge.run()), running(other.run()):
        await eventually(lambda: in_force(cloud), what="the built-in plan known to be in force")
        assert edge.plans == []
        wanted = await want(cloud, 40)
        await eventually(lambda: in_force(cloud), what="the plan in force")
        plan = decode_plan(edge.plans[-1], "received")
        assert (plan_hash(edge.plans[-1]), plan.default_calendar_id) == (wanted, "dim")
        heard = len(edge.plans)
        await edge.rebirth()
        assert other.plans == []
        both = [*assignments(), {"scope": "area", "id": "32.04.38", "calendarId": "dim"}]
        await cloud.client.put("/api/v1/assignments", json={"items": both})
        await eventually(lambda: other.plans, what="a plan for the other gateway")
        assert len(edge.plans) == heard


async def test_a_refusal_is_shown_and_not_sent_again(cloud: Process, mosquitto: Broker) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS, refusal="no room for it")
    async with running(edge.run()):
        await want(cloud, 40)

        async def sent() -> bool:
            return bool((await gateway(cloud))["planProblem"] == "no room for it")

        await eventually(sent, what="the problem")
        assert not await in_force(cloud)
        edge.refusal = ""
        await want(cloud, 60)
        await eventually(lambda: in_force(cloud), what="another plan in force")
        assert (await gateway(cloud))["planProblem"] == ""


async def test_what_is_no_plan_stops_no_reading(cloud: Process, mosquitto: Broker) -> None:
    """A manual change of the database costs the plan, not the data; corrected, all goes on."""
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    engine = create_engine(cloud.config.database_url)
    async with running(edge.run()):
        await want(cloud, 40)
        await eventually(lambda: in_force(cloud), what="the plan in force")
        with writing(engine) as connection:
            connection.execute(sa.insert(ProgramRow).values(id="broken", document="{}"))
            touch_plan(connection)
        edge.put(LampReading("SOR-1", EVENING, 40, 40, Reason.PROGRAM, 40.0, 229.0, active_power_w=36.0))
        await eventually(lambda: not edge.outbox, what="the reading acknowledged")
        assert (await cloud.client.get("/api/v1/programs")).status_code == 500
        with writing(engine) as connection:
            connection.execute(sa.delete(ProgramRow).where(ProgramRow.id == "broken"))
            touch_plan(connection)
        await want(cloud, 60)
        await eventually(lambda: in_force(cloud), what="the next plan in force")
    engine.dispose()


def real_gateway(slave: SlaveLine, broker: Broker, folder: Path) -> GatewayConfig:
    devices = tuple(DeviceConfig(id=lamp, unit=unit) for unit, lamp in enumerate(LAMPS, 1))
    return make_gateway_config(
        folder, slave.path, devices, gateway_id=GATEWAY, area=AREA, baud=38400, broker_port=broker.port
    )


async def test_a_real_gateway_follows_and_one_that_was_away_catches_up(
    cloud: Process, mosquitto: Broker, tmp_path: Path
) -> None:
    """To the registers of its lamps: at eight in the evening they are at what the plan says."""
    with SlaveLine({unit: Unit() for unit in (1, 2, 3)}, 38400) as slave:
        config, clock = real_gateway(slave, mosquitto, tmp_path), clock_at(EVENING)

        def all_at(level: int) -> bool:
            return all(unit.holdings[0] == level for unit in slave.units.values())

        async with running(run_gateways([config], clock)):
            await eventually(lambda: all_at(100), what="the built-in plan at the lamps")
            wanted = await want(cloud, 40)
            await eventually(lambda: in_force(cloud), what="the plan in force")
            assert (await gateway(cloud))["planHash"] == wanted
            await eventually(lambda: all_at(40), what="the plan at the lamps")

        async def away() -> bool:
            return not (await gateway(cloud))["online"]

        await eventually(away, what="the gateway's death")
        other = await want(cloud, 70)
        seen = await gateway(cloud)
        assert (seen["planHash"], seen["planInForce"]) == (wanted, False)
        async with running(run_gateways([config], clock)):
            await eventually(lambda: in_force(cloud), what="the plan that came meanwhile")
            assert (await gateway(cloud))["planHash"] == other
            await eventually(lambda: all_at(70), what="the plan at the lamps")
