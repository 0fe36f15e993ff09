"""A whole API process: its server, its live feed, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from cloud.access.administration import create_one_time_login
from cloud.app import run_cloud
from cloud.config import LIVE_TOPIC, CloudConfig
from cloud.http.server import ListenError
from cloud.openapi import api_routes
from protocols.inventory.model import Inventory, Lamp
from tests.conftest import PATIENCE_S, Broker, accepts_connections, eventually, free_port
from tests.support.api import EVENING, Api, small_town
from tests.support.api_process import Process, events_of, next_event, ready, running_api
from tests.support.clocks import FakeClock

FAST_S = 0.3


async def _publish(port: int, update: dict[str, Any]) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish(LIVE_TOPIC, json.dumps(update), qos=1)


@pytest.fixture
async def process(tmp_path: Path, mosquitto: Broker) -> AsyncIterator[Process]:
    """An API process over the small town."""
    async with running_api(tmp_path, mosquitto.port, small_town()) as running:
        yield running


async def test_changes_reach_an_open_map(process: Process, mosquitto: Broker) -> None:
    """Items come whole and under the name of their kind; the clock comes at once."""
    async with process.client.stream("GET", "/api/v1/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = events_of(answer)
        assert await next_event(events, "clock") == {
            "time": "2026-08-10T13:00:00.000Z",
            "speed": 1.0,
            "ingestOnline": True,
            "dataAsOf": None,
        }
        lamps = [{"id": "SOR-1", "state": "lit", "road": 'Jalan "Élan"'}, {"id": "SOR-2", "state": "off"}]
        await _publish(mosquitto.port, {"lamps": lamps, "alarms": [{"id": 7, "type": "lampFailure"}]})
        assert await next_event(events, "lamps") == lamps
        assert await next_event(events, "alarms") == [{"id": 7, "type": "lampFailure"}]


async def test_every_map_hears_it(process: Process, mosquitto: Broker) -> None:
    """Several readers each get every change."""
    async with (
        process.client.stream("GET", "/api/v1/live") as first,
        process.client.stream("GET", "/api/v1/live") as second,
    ):
        streams = [events_of(first), events_of(second)]
        for events in streams:
            await next_event(events, "clock")
        await _publish(mosquitto.port, {"gateways": [{"id": "soreang-01", "online": False}]})
        for events in streams:
            assert (await next_event(events, "gateways"))[0]["online"] is False


async def test_what_is_no_update_is_passed_over(process: Process, mosquitto: Broker) -> None:
    """A broken message on the topic neither reaches a map nor ends the feed."""
    async with process.client.stream("GET", "/api/v1/live") as answer:
        events = events_of(answer)
        await next_event(events, "clock")
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            for broken in ("{", "[]", '{"lamps":[{"state":"lit"}]}', '{"lamps":"all"}'):
                await client.publish(LIVE_TOPIC, broken, qos=1)
        await _publish(mosquitto.port, {"lamps": [{"id": "SOR-1"}]})
        assert await next_event(events, "lamps") == [{"id": "SOR-1"}]


async def test_the_feed_outlives_its_broker(process: Process, mosquitto: Broker) -> None:
    """While the broker is away the process says that it isn't ready; then the same stream goes on."""
    async with process.client.stream("GET", "/api/v1/live") as answer:
        events = events_of(answer)
        await next_event(events, "clock")
        mosquitto.kill()

        async def unready() -> bool:
            health = await process.client.get("/readyz")
            return health.status_code == 503 and health.json()["parts"]["broker"] == "unreachable"

        await eventually(unready, what="the loss being noticed")
        assert (await process.client.get("/healthz")).status_code == 200
        mosquitto.start()
        await eventually(lambda: ready(process.client), what="the broker's return")
        await _publish(mosquitto.port, {"lamps": [{"id": "SOR-1"}]})
        assert await next_event(events, "lamps") == [{"id": "SOR-1"}]


async def test_a_command_is_on_every_map_at_once(process: Process) -> None:
    """Other maps see it while it is still pending."""
    async with process.client.stream("GET", "/api/v1/live") as answer:
        events = events_of(answer)
        await next_event(events, "clock")
        body = {"lampIds": ["SOR-1"], "level": 30}
        sent = (await process.client.post("/api/v1/commands", json=body)).json()
        assert await next_event(events, "commands") == [sent]


@pytest.mark.timing
async def test_it_ends_though_a_map_is_open(process: Process) -> None:
    """Ctrl-C ends streams and server within seconds, and frees the port."""
    async with process.client.stream("GET", "/api/v1/live") as answer:
        events = events_of(answer)
        await next_event(events, "clock")
        process.task.cancel()
        async with asyncio.timeout(3):
            async for _ in events:
                pass
            with pytest.raises(asyncio.CancelledError):
                await asyncio.shield(process.task)
    assert not accepts_connections(process.config.http_port)


async def test_a_taken_port_is_named(process: Process) -> None:
    """The message says which address and what to do."""
    with pytest.raises(ListenError, match=f"can't listen on 127.0.0.1:{process.config.http_port}"):
        await run_cloud(process.config, FakeClock(EVENING), frozenset({"api"}))


async def test_an_ingester_shows_its_metrics(tmp_path: Path, mosquitto: Broker) -> None:
    """Without an API beside it, on a port of its own."""
    config = CloudConfig(
        database_url=f"sqlite:///{tmp_path / 'cloud.db'}",
        telemetry_url=f"sqlite:///{tmp_path / 'telemetry.db'}",
        mqtt_port=mosquitto.port,
        metrics_port=free_port(),
    )
    async with (
        asyncio.TaskGroup() as group,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{config.metrics_port}", timeout=PATIENCE_S) as client,
    ):
        task = group.create_task(run_cloud(config, FakeClock(EVENING), frozenset({"ingest"})))
        await eventually(lambda: accepts_connections(config.metrics_port or 0), what="the ingester")
        assert (await client.get("/healthz")).status_code == 200
        assert "lentera_ingest" in (await client.get("/metrics")).text
        assert (await client.get("/api/v1/lamps")).status_code == 404
        task.cancel()


async def test_metrics_are_counted_by_route(process: Process) -> None:
    """By the pattern, not by the address, which would be one series for each lamp."""
    await process.client.get("/api/v1/lamps/SOR-1")
    text = (await process.client.get("/metrics")).text
    assert 'lentera_http_requests_total{method="GET",route="/lamps/{lamp_id}",status="200"}' in text
    assert "SOR-1" not in text


@pytest.mark.timing
async def test_a_city_is_listed_at_once(tmp_path: Path, mosquitto: Broker) -> None:
    """4,129 lamps in one answer within 300 ms, best of five."""
    town = small_town()
    lamps = [
        Lamp(
            f"LAMP-{number:05}",
            "32.04.37",
            "soreang-01",
            1 + number // 247 % 32,
            1 + number % 247,
            -7.0,
            107.5,
        )
        for number in range(4129)
    ]
    city = Inventory(town.areas, town.gateways, lamps, [])
    async with running_api(tmp_path, mosquitto.port, city) as process:
        took_s = []
        for _ in range(5):
            answer = await process.client.get("/api/v1/lamps", params={"limit": "5000"})
            assert len(answer.json()["items"]) == 4129
            took_s.append(answer.elapsed.total_seconds())
    assert min(took_s) < FAST_S


async def test_a_logout_ends_the_open_map(api: Api) -> None:
    """The stream asks the store again, so that it ends with its session."""
    once = create_one_time_login(api.services.engine, "viewer", now=api.clock.now())
    login = api.services.access.login_with_token(once, from_link=True)
    assert login is not None
    (route,) = [each for each in api_routes(api.app.routes) if each.path == "/live"]
    stream = await route.endpoint(None, login.secret)
    assert stream._authenticated()
    api.services.access.logout(login.secret)
    assert not stream._authenticated()
