"""An API process knows whether an ingester is at work: a real one, killed, stopped and started again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from cloud.commands.store import CommandRow
from cloud.config import LIVE_TOPIC
from cloud.database import create_engine, table_of
from tests.conftest import PATIENCE_S, Broker, eventually
from tests.support import ingest_process
from tests.support.api import small_town
from tests.support.api_process import Process, events_of, next_event, running_api

ORDER = {"lampIds": ["SOR-1"], "level": 30}
NOTICED_S = 10.0


@pytest.fixture
async def process(tmp_path: Path, mosquitto: Broker) -> AsyncIterator[Process]:
    """An API process over the database of the ingester."""
    url = f"sqlite:///{tmp_path / 'lentera.db'}"
    async with running_api(tmp_path, mosquitto.port, small_town(), url) as running:
        yield running


@contextmanager
def _ingester(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = [sys.executable, ingest_process.__file__, str(port), str(folder)]
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(program, env={**os.environ, "PYTHONPATH": root}, cwd=root) as running:
        try:
            yield running
        finally:
            running.kill()


async def _heartbeat(port: int) -> None:
    async with asyncio.timeout(PATIENCE_S), aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(LIVE_TOPIC)
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            if json.loads(message.payload).get("ingest"):
                return


async def _online(process: Process) -> bool:
    summary = (await process.client.get("/api/v1/summary")).json()
    return bool(summary["ingestOnline"])


async def _offline(process: Process) -> bool:
    return not await _online(process)


async def _refused(process: Process) -> bool:
    return (await process.client.post("/api/v1/commands", json=ORDER)).status_code == 503


async def _part(process: Process) -> tuple[int, str]:
    health = await process.client.get("/readyz")
    return health.status_code, health.json()["parts"]["ingest"]


async def _clock(process: Process) -> dict[str, Any]:
    async with process.client.stream("GET", "/api/v1/live") as answer:
        reported: dict[str, Any] = await next_event(events_of(answer), "clock")
        return reported


def _commands_stored(process: Process) -> int:
    engine = create_engine(process.config.database_url)
    with engine.connect() as connection:
        stored = connection.execute(table_of(CommandRow).select()).all()
    engine.dispose()
    return len(stored)


@pytest.mark.timing
@pytest.mark.slow
async def test_a_killed_ingester_is_missed_until_another_works(
    process: Process, mosquitto: Broker, tmp_path: Path
) -> None:
    """Offline within ten seconds, commands refused ten later and not stored, ready all along; then back."""
    with _ingester(mosquitto.port, tmp_path) as ingester:
        await _heartbeat(mosquitto.port)
        assert await _online(process)
        assert await _part(process) == (200, "ok")
        assert not await _refused(process)
        ingester.kill()
        await eventually(lambda: _offline(process), timeout_s=NOTICED_S, what="the loss being noticed")
    assert (await _clock(process))["ingestOnline"] is False
    assert await _part(process) == (200, "offline")
    await eventually(lambda: _refused(process), timeout_s=NOTICED_S + 5, what="the refusal")
    stored = _commands_stored(process)
    refusal = await process.client.post("/api/v1/commands", json=ORDER)
    assert refusal.json()["detail"].startswith("no ingester is running")
    assert _commands_stored(process) == stored
    with _ingester(mosquitto.port, tmp_path):
        await eventually(lambda: _online(process), what="the return")
        assert (await process.client.post("/api/v1/commands", json=ORDER)).status_code == 202
        assert (await _clock(process))["ingestOnline"] is True


@pytest.mark.timing
@pytest.mark.slow
async def test_an_ingester_that_hangs_is_missed_too(
    process: Process, mosquitto: Broker, tmp_path: Path
) -> None:
    """It is still connected to the broker; only its heartbeat is missing."""
    with _ingester(mosquitto.port, tmp_path) as ingester:
        await _heartbeat(mosquitto.port)
        ingester.send_signal(signal.SIGSTOP)
        await eventually(lambda: _offline(process), timeout_s=NOTICED_S + 2, what="the silence being noticed")
        ingester.send_signal(signal.SIGCONT)
        await eventually(lambda: _online(process), timeout_s=NOTICED_S, what="the return")
