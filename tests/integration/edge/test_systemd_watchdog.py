"""The beat of a real gateway: a line whose owner is stuck ends it, dead lamps and vanished ports do not."""

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
from edge.supervision import liveness as vigil
from tests.conftest import Broker, eventually, free_port
from tests.integration.edge.test_gateway import BAUD, config_for
from tests.support.edge_cloud import EVENING, clock_at
from tests.support.modbus_slave import SlaveLine, Unit

PATIENCE_S = 2.0
"""Longer than a line leaves a unit alone that has not answered, which holds up what is asked of it."""

BEAT_S = 0.1
STUCK = "stuck: systemd is not told that all goes on"


class Systemd:
    """Counts the beats."""

    def __init__(self, path: str) -> None:
        self.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(int(3e6 * BEAT_S))}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)

    def close(self) -> None:
        self._socket.close()

    def beats(self) -> int:
        """How many beats came since the last call."""
        count = 0
        while True:
            try:
                count += self._socket.recv(64) == b"WATCHDOG=1"
            except BlockingIOError:
                return count


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    for name in ("LINE_PATIENCE_S", "DISK_PATIENCE_S"):
        monkeypatch.setattr(vigil, name, PATIENCE_S)
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


async def beats_in(systemd: Systemd, seconds: float) -> int:
    systemd.beats()
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    await eventually(lambda: loop.time() > until, what="some seconds")
    return systemd.beats()


def about_stuck(logs: list[EventDict]) -> list[str]:
    return [each["event"] for each in logs if "stuck" in each["event"]]


async def test_a_stuck_line_ends_the_beat_and_is_named(
    systemd: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = False
    advance = Line._advance

    def advance_unless_stuck(line: Line) -> None:
        if not stuck:
            advance(line)

    monkeypatch.setattr(Line, "_advance", advance_unless_stuck)
    with SlaveLine({1: Unit(), 2: Unit()}, BAUD) as slave:
        async with gateway(slave, systemd, tmp_path) as logs:
            assert await beats_in(systemd, 2 * PATIENCE_S) > 3
            stuck = True
            await eventually(lambda: STUCK in about_stuck(logs), what="the stuck line")
            (said,) = [each for each in logs if each["event"] == STUCK]
            assert said["parts"] == [f"soreang-01: line {slave.path}"]
            assert await beats_in(systemd, PATIENCE_S) == 0
            assert about_stuck(logs) == [STUCK]


@pytest.mark.slow
async def test_dead_lamps_and_a_vanished_port_are_no_reason(systemd: Systemd, tmp_path: Path) -> None:
    units = {1: Unit(), 2: Unit()}
    with SlaveLine(units, BAUD) as slave:
        async with gateway(slave, systemd, tmp_path) as logs:
            for unit in units.values():
                unit.silent = True
            await eventually(
                lambda: [each["event"] for each in logs].count("device does not answer") == 2,
                what="two dead lamps",
            )
            assert await beats_in(systemd, 2 * PATIENCE_S) > 5
            slave.close()
            await eventually(lambda: "line cannot be used" in [each["event"] for each in logs], what="loss")
            assert await beats_in(systemd, 2 * PATIENCE_S) > 5
            assert about_stuck(logs) == []


async def test_a_disk_thread_that_does_not_come_back_ends_the_beat_and_its_return_is_told(
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
                await eventually(lambda: STUCK in about_stuck(logs), what="the stuck thread")
                assert await beats_in(systemd, PATIENCE_S) == 0
                let_go.set()
                await eventually(lambda: "nothing is stuck any more" in about_stuck(logs), what="its return")
            assert await beats_in(systemd, PATIENCE_S) > 1
    assert about_stuck(logs) == [STUCK, "nothing is stuck any more"]
