"""Notifications to systemd."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.supervision.systemd import SystemdNotifier
from tests.conftest import PATIENCE_S


@pytest.fixture(params=["file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket as systemd opens it, and how it is written in NOTIFY_SOCKET."""
    name = f"{tmp_path}/notify" if request.param == "file" else f"@lentera-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.settimeout(PATIENCE_S)
        yield listener, name


async def test_start_keepalives_and_end_are_notified(systemd: tuple[socket.socket, str]) -> None:
    listener, name = systemd
    notifier = SystemdNotifier(
        {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000", "WATCHDOG_PID": str(os.getpid())}
    )
    assert notifier.keepalive_s == pytest.approx(0.02)
    running = asyncio.create_task(notifier.run())
    received = [await asyncio.to_thread(listener.recv, 64) for _ in range(3)]
    running.cancel()
    await asyncio.wait([running])
    listener.setblocking(False)
    while received[-1] != b"STOPPING=1":
        received.append(listener.recv(64))
    assert received[0] == b"READY=1"
    assert set(received[1:-1]) == {b"WATCHDOG=1"}


@pytest.mark.parametrize(
    "environment", [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}]
)
def test_no_keepalives_where_systemd_wants_none(environment: dict[str, str]) -> None:
    notifier = SystemdNotifier(environment)
    assert notifier.keepalive_s is None
    notifier.notify("READY=1")


def test_a_systemd_that_does_not_listen_is_no_error(tmp_path: Path) -> None:
    notifier = SystemdNotifier({"NOTIFY_SOCKET": f"{tmp_path}/absent"})
    notifier.notify("READY=1")
    notifier.notify("WATCHDOG=1")
