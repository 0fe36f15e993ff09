"""Keep-alives of a real gateway: a stalled line ends them, silent lamps and vanished ports do not."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from edge.config.settings import GatewayConfig, StatusConfig
from edge.line import Line
from edge.process import run_process
from edge.storage.sqlite_file import SqliteFile
from edge.supervision import liveness
from tests.conftest import Broker, eventually, free_port
from tests.integration.edge.test_gateway import BAUD, config_for
from tests.support.edge_cloud import EVENING, clock_at
from tests.support.modbus_slave import SlaveLine, Unit

STALL_S = 2.0
"""Longer than a line waits before the next request to a unit that did not respond."""

KEEPALIVE_S = 0.1
STALL = "stall_detected"
STALL_END = "stall_ended"


class Systemd:
    """Counts the keep-alives."""

    def __init__(self, path: str) -> None:
        self.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(int(3e6 * KEEPALIVE_S))}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)

    def close(self) -> None:
        self._socket.close()

    def keepalives(self) -> int:
        """How many keep-alives came since the last call."""
        count = 0
        while True:
            try:
                count += self._socket.recv(64) == b"WATCHDOG=1"
            except BlockingIOError:
                return count


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    for name in ("LINE_STALL_S", "DISK_STALL_S"):
        monkeypatch.setattr(liveness, name, STALL_S)
    listener = Systemd(f"{tmp_path}/notify")
    yield listener
    listener.close()


@asynccontextmanager
async def gateway(slave: SlaveLine, systemd: Systemd, folder: Path) -> AsyncIterator[list[EventDict]]:
    """A gateway without a broker, as a process of its own would run; and what it logs."""
    config: GatewayConfig = config_for(slave, Broker("", free_port(), folder), folder, 0.2)
    config = config.model_copy(update={"status": StatusConfig(port=0)})
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_process([config], clock_at(EVENING), systemd.environment))
            await eventually(lambda: slave.reads_answered > 3, what="polls")
            yield logs
            running.cancel()


async def keepalives_in(systemd: Systemd, seconds: float) -> int:
    systemd.keepalives()
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    await eventually(lambda: loop.time() > until, what="some seconds")
    return systemd.keepalives()


def about_stalls(logs: list[EventDict]) -> list[str]:
    return [each["event"] for each in logs if "stall" in each["event"]]


async def test_a_stalled_line_ends_the_keepalives_and_is_named(
    systemd: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_stalled = False
    advance = Line._advance

    def advance_unless_stalled(line: Line) -> None:
        if not is_stalled:
            advance(line)

    monkeypatch.setattr(Line, "_advance", advance_unless_stalled)
    with SlaveLine({1: Unit(), 2: Unit()}, BAUD) as slave:
        async with gateway(slave, systemd, tmp_path) as logs:
            assert await keepalives_in(systemd, 2 * STALL_S) > 3
            is_stalled = True
            await eventually(lambda: STALL in about_stalls(logs), what="the stalled line")
            (stall,) = [each for each in logs if each["event"] == STALL]
            assert stall["components"] == [f"soreang-01: line {slave.path}"]
            assert await keepalives_in(systemd, STALL_S) == 0
            assert about_stalls(logs) == [STALL]


@pytest.mark.slow
async def test_silent_lamps_and_a_vanished_port_are_no_stall(systemd: Systemd, tmp_path: Path) -> None:
    units = {1: Unit(), 2: Unit()}
    with SlaveLine(units, BAUD) as slave:
        async with gateway(slave, systemd, tmp_path) as logs:
            for unit in units.values():
                unit.silent = True
            await eventually(
                lambda: [each["event"] for each in logs].count("device_unresponsive") == 2,
                what="two silent lamps",
            )
            assert await keepalives_in(systemd, 2 * STALL_S) > 5
            slave.close()
            await eventually(lambda: "line_unavailable" in [each["event"] for each in logs], what="loss")
            assert await keepalives_in(systemd, 2 * STALL_S) > 5
            assert about_stalls(logs) == []


async def test_a_stalled_disk_thread_ends_the_keepalives_until_it_returns(
    systemd: Systemd, tmp_path: Path
) -> None:
    let_go = Event()
    with SlaveLine({1: Unit()}, BAUD) as slave:
        async with gateway(slave, systemd, tmp_path) as logs:
            held: list[SqliteFile] = []
            run = SqliteFile.run

            with pytest.MonkeyPatch.context() as patch:

                async def hang_once(file: SqliteFile, work: object) -> object:
                    if "outbox" in file._path.name and not held:
                        held.append(file)
                        file._thread.submit(let_go.wait)
                    return await run(file, work)  # type: ignore[arg-type]

                patch.setattr(SqliteFile, "run", hang_once)
                await eventually(lambda: STALL in about_stalls(logs), what="the stalled thread")
                assert await keepalives_in(systemd, STALL_S) == 0
                let_go.set()
                await eventually(lambda: STALL_END in about_stalls(logs), what="its return")
            assert await keepalives_in(systemd, STALL_S) > 1
    assert about_stalls(logs) == [STALL, STALL_END]
