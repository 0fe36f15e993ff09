"""The demo's parts that no other test starts: the embedded broker, and what it says when it cannot run."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from tests.conftest import PATIENCE_S, accepts_connections, free_port, wait_until


@pytest.fixture
def embedded_broker() -> Iterator[int]:
    """amqtt in a process of its own, as the demo runs it where there is no mosquitto."""
    port = free_port()
    command = [sys.executable, "-m", "lentera.demo.broker", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: accepts_connections(port), what="amqtt")
            yield port
        finally:
            process.terminate()


async def test_the_embedded_broker_keeps_what_is_retained(embedded_broker: int) -> None:
    """The host's STATE is retained: a gateway that comes later must find it."""
    async with aiomqtt.Client("127.0.0.1", embedded_broker) as host:
        await host.publish("spBv1.0/STATE/lentera", b"{}", qos=1, retain=True)
    async with aiomqtt.Client("127.0.0.1", embedded_broker) as gateway, asyncio.timeout(PATIENCE_S):
        await gateway.subscribe("spBv1.0/STATE/lentera", qos=1)
        message = await anext(aiter(gateway.messages))
    assert message.payload == b"{}"


def _demo(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lentera", "demo", "--lamps", "10", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """Nothing is started, and the message says which option to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = _demo("--port", str(port), "--folder", str(tmp_path / "town"))
    assert run.returncode == 2
    assert f"--port {port}: is in use, expected another port" in run.stderr
    assert "--port" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """The databases of an earlier demo are not written over."""
    (tmp_path / "cloud.db").write_text("an earlier town")
    run = _demo("--port", "0", "--folder", str(tmp_path))
    assert run.returncode == 2
    assert str(tmp_path) in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cloud.db"]
