"""The demo's parts that no other test starts: the embedded broker, and what it says when it cannot run."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from firmware_sim.town.city import generate_city
from lentera.demo.run import reserved_ports
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


def test_a_port_is_held_until_its_part_listens() -> None:
    """On a busy machine that takes half a minute, in which any program's connection could get the port."""
    with reserved_ports(generate_city(200, seed=1), 0) as ports:
        every = [ports.broker, ports.sim, ports.web, *ports.uplinks.values()]
        assert len(set(every)) == 3 + len(ports.uplinks) > 4
        for port in every:
            with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
                stranger.bind(("127.0.0.1", port))
            with socket.create_server(("127.0.0.1", port)):
                assert accepts_connections(port)
    with socket.socket() as later:
        later.bind(("127.0.0.1", ports.uplinks.popitem()[1]))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """The databases of an earlier demo are not written over."""
    (tmp_path / "cloud.db").write_text("an earlier town")
    run = _demo("--port", "0", "--folder", str(tmp_path))
    assert run.returncode == 2
    assert str(tmp_path) in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cloud.db"]
