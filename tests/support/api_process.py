"""An API process for tests, run as the command line runs it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cloud.access.administration import create_token, create_user
from cloud.app import run_cloud
from cloud.config import CloudConfig
from cloud.database import create_engine, upgrade
from cloud.provisioning import import_inventory
from protocols.inventory.model import Inventory
from tests.conftest import PATIENCE_S, accepts_connections, eventually, free_port
from tests.support.api import EVENING
from tests.support.clocks import FakeClock
from tests.support.documented import check_documented


@dataclass
class Process:
    """A running API and a client of it."""

    config: CloudConfig
    client: httpx.AsyncClient
    task: asyncio.Task[None]


@asynccontextmanager
async def running_api(
    folder: Path,
    broker_port: int,
    inventory: Inventory,
    database_url: str | None = None,
    roles: frozenset[str] = frozenset({"api"}),
) -> AsyncIterator[Process]:
    """`run_cloud` as the command line runs it; ended by cancelling, as Ctrl-C does."""
    config = CloudConfig(
        database_url=database_url or f"sqlite:///{folder / 'cloud.db'}",
        telemetry_url=f"sqlite:///{folder / 'telemetry.db'}",
        mqtt_port=broker_port,
        http_port=free_port(),
    )
    engine = create_engine(config.database_url)
    upgrade(engine)
    import_inventory(engine, inventory)
    create_user(engine, "ana", password=None, role="operator", now=EVENING)
    headers = {"Authorization": f"Bearer {create_token(engine, 'ana', now=EVENING)}"}
    engine.dispose()
    async with (
        asyncio.TaskGroup() as group,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{config.http_port}",
            headers=headers,
            timeout=PATIENCE_S,
            event_hooks={"response": [check_documented]},
        ) as client,
    ):
        task = group.create_task(run_cloud(config, FakeClock(EVENING), roles))
        await eventually(lambda: accepts_connections(config.http_port), what="the API")
        await eventually(lambda: ready(client), what="readiness")
        yield Process(config, client, task)
        task.cancel()


async def ready(client: httpx.AsyncClient) -> bool:
    """Whether it says so itself."""
    return (await client.get("/readyz")).is_success


async def events_of(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    """Names and data of server-sent events."""
    kind = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


async def next_event(events: AsyncIterator[tuple[str, Any]], wanted: str) -> Any:
    """The data of the next event of that name."""
    async with asyncio.timeout(PATIENCE_S):
        async for kind, data in events:
            if kind == wanted:
                return data
    raise AssertionError(f"the stream ended without {wanted}")
