"""What systemd is told."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.supervision.systemd import Watchdog
from tests.conftest import PATIENCE_S


@pytest.fixture(params=["file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket as systemd opens it, and how it is written in NOTIFY_SOCKET."""
    name = f"{tmp_path}/notify" if request.param == "file" else f"@lentera-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.settimeout(PATIENCE_S)
        yield listener, name


async def test_it_says_when_it_is_ready_goes_on_and_ends(systemd: tuple[socket.socket, str]) -> None:
    listener, name = systemd
    watchdog = Watchdog({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000", "WATCHDOG_PID": str(os.getpid())})
    assert watchdog.beat_s == pytest.approx(0.02)
    running = asyncio.create_task(watchdog.run())
    told = [await asyncio.to_thread(listener.recv, 64) for _ in range(3)]
    running.cancel()
    await asyncio.wait([running])
    listener.setblocking(False)
    while told[-1] != b"STOPPING=1":
        told.append(listener.recv(64))
    assert told[0] == b"READY=1"
    assert set(told[1:-1]) == {b"WATCHDOG=1"}


@pytest.mark.parametrize(
    "environment", [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}]
)
def test_it_does_not_beat_where_nobody_asked_it(environment: dict[str, str]) -> None:
    watchdog = Watchdog(environment)
    assert watchdog.beat_s is None
    watchdog.tell("READY=1")


def test_a_systemd_that_does_not_listen_hurts_nobody(tmp_path: Path) -> None:
    watchdog = Watchdog({"NOTIFY_SOCKET": f"{tmp_path}/nobody"})
    watchdog.tell("READY=1")
    watchdog.tell("WATCHDOG=1")
