"""The whole cloud in one process, between a gateway and a map, on each kind of database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult, CommandStatus, LampReading, Reason
from protocols.mapping import command_from
from tests.conftest import Broker, eventually
from tests.support.api import EVENING, small_town
from tests.support.api_process import Process, events_of, next_event, running_api
from tests.support.ingest_edge import Edge


@asynccontextmanager
async def _running(edge: Edge) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(edge.run())
        await eventually(lambda: edge.born, what="the gateway's birth")
        yield
        task.cancel()


@pytest.fixture
async def cloud(tmp_path: Path, mosquitto: Broker, database_url: str) -> AsyncIterator[Process]:
    """API and ingester over the small town."""
    roles = frozenset({"api", "ingest"})
    async with running_api(tmp_path, mosquitto.port, small_town(), database_url, roles) as process:
        yield process


@pytest.fixture
async def edge(cloud: Process, mosquitto: Broker) -> AsyncIterator[Edge]:
    """The gateway of Soreang with its lamps."""
    edge = Edge(mosquitto.port, "soreang-01", ["SOR-1", "SOR-2", "SOR-3"])
    assert cloud.config.mqtt_port == edge.port
    async with _running(edge):
        yield edge


def _reading(lamp_id: str, level: int, reason: Reason) -> LampReading:
    return LampReading(
        lamp_id, EVENING, level, level, reason, float(level), 229.0, active_power_w=0.9 * level
    )


async def _lamp(cloud: Process, lamp_id: str) -> dict[str, Any]:
    lamp: dict[str, Any] = (await cloud.client.get(f"/api/v1/lamps/{lamp_id}")).json()
    return lamp


async def test_a_reading_goes_up_to_the_map(cloud: Process, edge: Edge) -> None:
    """Stored, acknowledged, listed, and on the open map."""
    async with cloud.client.stream("GET", "/api/v1/live") as answer:
        events = events_of(answer)
        await next_event(events, "clock")
        edge.put(_reading("SOR-1", 100, Reason.PROGRAM))
        live = await next_event(events, "lamps")
    await eventually(lambda: not edge.outbox, what="the acknowledgement")
    listed = (await cloud.client.get("/api/v1/lamps", params={"state": "lit"})).json()["items"]
    assert listed == live
    assert (listed[0]["id"], listed[0]["activePower"]) == ("SOR-1", pytest.approx(90.0))
    summary = (await cloud.client.get("/api/v1/summary")).json()
    assert summary["gateways"] == {"total": 2, "offline": 1}


async def test_a_command_goes_down_and_its_result_comes_back(cloud: Process, edge: Edge) -> None:
    """Sent from the map, carried out by the gateway, confirmed on the map, with the override on the lamp."""
    async with cloud.client.stream("GET", "/api/v1/live") as answer:
        events = events_of(answer)
        await next_event(events, "clock")
        body = {"lampIds": ["SOR-2"], "level": 40, "note": "uji"}
        sent = (await cloud.client.post("/api/v1/commands", json=body)).json()
        assert (await next_event(events, "commands"))[0]["status"] == "pending"
        await eventually(lambda: edge.commands, what="the command")
        heard = command_from("SOR-2", edge.commands[0].metrics, EVENING)
        assert (heard.command_id, heard.level_percent) == (sent["id"], 40)
        edge.put(_reading("SOR-2", 40, Reason.OVERRIDE))
        edge.put(CommandResult(sent["id"], "SOR-2", CommandStatus.CONFIRMED, EVENING, 40))
        confirmed = (await next_event(events, "commands"))[0]
    assert confirmed["status"] == "confirmed"
    assert (await cloud.client.get(f"/api/v1/commands/{sent['id']}")).json() == confirmed
    lamp = await _lamp(cloud, "SOR-2")
    assert lamp["override"]["commandId"] == sent["id"]
    assert (lamp["state"], lamp["actualLightState"]) == ("lit", 40.0)


async def test_an_alarm_is_raised_seen_and_ended(cloud: Process, edge: Edge) -> None:
    """What a gateway reports stands in the list until it reports the end."""
    edge.put(_reading("SOR-3", 100, Reason.PROGRAM))
    edge.put(DeviceEvent("SOR-3", EventType.COMMUNICATION_FAILURE, EVENING, active=True))

    async def open_alarms() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await cloud.client.get("/api/v1/alarms")).json()["items"]
        return [alarm for alarm in items if alarm["lampId"] == "SOR-3"]

    await eventually(open_alarms, what="the alarm")
    alarm = (await open_alarms())[0]
    assert alarm["type"] == "communicationFailure"
    seen = (await cloud.client.post(f"/api/v1/alarms/{alarm['id']}/acknowledge")).json()
    assert seen["acknowledgedBy"] == "ana"
    edge.put(DeviceEvent("SOR-3", EventType.COMMUNICATION_FAILURE, EVENING, active=False))

    async def ended() -> bool:
        return not await open_alarms()

    await eventually(ended, what="the alarm's end")
    everything = (await cloud.client.get("/api/v1/alarms", params={"state": "all", "lamp": "SOR-3"})).json()
    assert everything["items"][0]["clearedAt"] is not None
