"""A failure is logged once when it begins and once when it ends, however long it lasts."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from structlog.typing import EventDict

from edge import gateway
from edge.config.settings import GatewayConfig, StatusConfig
from edge.control import controller_watchdog as fallback
from edge.control import dimmer
from edge.gateway import run_gateways
from edge.line import Line
from edge.outbox import outbox as box
from edge.polling import schedule as turns
from edge.status import StatusSnapshot, server
from edge.storage import state as state_file
from edge.supervision.systemd import SystemdNotifier
from tests.conftest import Broker, eventually, free_port
from tests.integration.edge.test_gateway import BAUD, config_for
from tests.support.edge_cloud import EVENING, Cloud, clock_at
from tests.support.modbus_slave import SlaveLine, Unit


@asynccontextmanager
async def running(config: GatewayConfig, speed: float = 1.0) -> AsyncIterator[list[EventDict]]:
    """A gateway and what it logs."""
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as tasks:
            gateway_task = tasks.create_task(run_gateways([config], clock_at(EVENING, speed)))
            yield logs
            gateway_task.cancel()


def logged(logs: list[EventDict]) -> list[str]:
    return [f"{each['log_level']}: {each['event']}" for each in logs]


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing comes past structlog, such as exceptions that were never retrieved."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.usefixtures("quiet")
@pytest.mark.slow
async def test_a_silent_lamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LAST_PROBE_S", 0.5)
    units = {1: Unit(), 2: Unit(silent=True)}
    with SlaveLine(units, BAUD) as slave:
        broker = Broker("", free_port(), tmp_path)
        async with running(config_for(slave, broker, tmp_path, 0.2)) as logs:
            silence = "warning: device_unresponsive"
            await eventually(lambda: silence in logged(logs), what="the silence")
            requested = len(slave.requests)
            await eventually(
                lambda: [unit for unit, _ in slave.requests[requested:]].count(2) >= 2, what="two probes more"
            )
            units[2].silent = False
            await eventually(lambda: "info: device_responsive" in logged(logs), what="the return")
        about_lamp = [each for each in logged(logs) if "device" in each]
    assert about_lamp == [silence, "info: device_responsive"]


@pytest.mark.usefixtures("quiet")
async def test_a_lamp_that_refuses(tmp_path: Path) -> None:
    units = {1: Unit(), 2: Unit(refuses=2)}
    with SlaveLine(units, BAUD) as slave:
        broker = Broker("", free_port(), tmp_path)
        async with running(config_for(slave, broker, tmp_path, 0.2)) as logs:
            await eventually(
                lambda: [request for request in slave.requests if request == (2, 4)][5:], what="six polls"
            )
            units[2].refuses = 0
            await eventually(lambda: "info: polls_accepted" in logged(logs), what="the end of it")
        about_polls = [each for each in logged(logs) if "polls" in each]
    assert about_polls == ["warning: polls_refused", "info: polls_accepted"]


@pytest.mark.usefixtures("quiet")
async def test_a_dead_broker(mosquitto: Broker, tmp_path: Path) -> None:
    cloud = Cloud(clock_at(EVENING))
    with SlaveLine({1: Unit()}, BAUD) as slave:
        async with running(config_for(slave, mosquitto, tmp_path, 0.2)) as logs:
            async with cloud.connected(mosquitto.port):
                await eventually(lambda: cloud.alive, what="the birth")
                mosquitto.kill()
                await eventually(lambda: "warning: broker_unreachable" in logged(logs), what="the loss")
                polls = slave.reads_answered
                await eventually(lambda: slave.reads_answered > polls + 25, what="many polls without it")
                mosquitto.start()
                await eventually(lambda: "info: broker_reconnected" in logged(logs), what="the return")
            again = next(each for each in logs if each["event"] == "broker_reconnected")
        about_broker = [each for each in logged(logs) if "broker" in each]
    assert about_broker == ["warning: broker_unreachable", "info: broker_reconnected"]
    assert again["attempts"] >= 2


@pytest.mark.usefixtures("quiet")
async def test_a_vanished_port(tmp_path: Path) -> None:
    link = tmp_path / "ttyUSB0"
    broker = Broker("", free_port(), tmp_path)
    with SlaveLine({1: Unit()}, BAUD, link) as slave:
        async with running(config_for(slave, broker, tmp_path, 0.2, port=str(link))) as logs:
            await eventually(lambda: slave.reads_answered > 3, what="polls")
            slave.close()
            await eventually(lambda: "error: line_unavailable" in logged(logs), what="the loss")
            link.unlink()
            loop = asyncio.get_running_loop()
            until = loop.time() + 3  # several attempts to open it
            await eventually(lambda: loop.time() > until, what="three seconds")
            with SlaveLine({1: Unit()}, BAUD, link) as returned:
                await eventually(lambda: returned.reads_answered > 3, what="polls again")
                about_line = [each for each in logged(logs) if "line" in each or "device" in each]
    assert about_line == ["error: line_unavailable", "info: line_reopened"]


@pytest.mark.usefixtures("quiet")
async def test_a_lamp_that_does_not_take_its_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimmer, "_RETRY_DISOBEDIENT_S", 0.1)
    # Its watchdog is as wanted: only the level is at issue.
    units = {1: Unit(), 2: Unit(ignores_writes=True, holdings=[0, 0, 3600, 100, 100])}
    with SlaveLine(units, BAUD) as slave:
        broker = Broker("", free_port(), tmp_path)
        async with running(config_for(slave, broker, tmp_path, 0.2)) as logs:
            refused = "warning: dimming_failed"
            await eventually(lambda: refused in logged(logs), what="the refusal")
            writes = len(units[2].writes)
            await eventually(lambda: len(units[2].writes) >= writes + 9, what="three rounds more")
            units[2].ignores_writes = False
            await eventually(lambda: "info: dimming_recovered" in logged(logs), what="the end of it")
        about_lamp = [each for each in logged(logs) if "dimming" in each]
    assert about_lamp == [refused, "info: dimming_recovered"]


@pytest.mark.usefixtures("quiet")
async def test_a_controller_whose_watchdog_cannot_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "_RETRY_S", 0.1)
    units = {1: Unit(), 2: Unit(ignores_writes=True, holdings=[0, 0, 7, 100, 100])}
    with SlaveLine(units, BAUD) as slave:
        broker = Broker("", free_port(), tmp_path)
        async with running(config_for(slave, broker, tmp_path, 0.2)) as logs:
            refused = "warning: controller_watchdog_failed"
            await eventually(lambda: refused in logged(logs), what="the refusal")

            def tries() -> int:
                return [address for address, _, _ in units[2].writes].count(2)

            tried = tries()
            await eventually(lambda: tries() >= tried + 3, what="three tries more")
            units[2].ignores_writes = False
            end = "info: controller_watchdog_recovered"
            await eventually(lambda: end in logged(logs), what="the end of it")
        about_watchdog = [each for each in logged(logs) if each in {refused, end}]
    assert about_watchdog == [refused, end]


@pytest.mark.usefixtures("quiet")
async def test_a_disk_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outbox and state file each log it once; a file in place of the folder is a disk that is not mounted."""
    monkeypatch.setattr(state_file, "_RETRY_S", 0.2)
    monkeypatch.setattr(box, "_RETRY_S", 0.1)
    absent = tmp_path / "disk"
    absent.write_text("not mounted")
    with SlaveLine({1: Unit()}, BAUD) as slave:
        broker = Broker("", free_port(), tmp_path)
        async with running(config_for(slave, broker, absent / "data", 0.2)) as logs:
            polls = 25
            await eventually(lambda: slave.reads_answered > polls, what="many polls without a disk")
            absent.unlink()
            await eventually(lambda: "info: outbox_writable" in logged(logs), what="the outbox")
            await eventually(lambda: "info: state_writable" in logged(logs), what="the state file")
        about_disk = sorted(each for each in logged(logs) if "writable" in each)
    assert about_disk == [
        "error: outbox_unwritable",
        "error: state_unwritable",
        "info: outbox_writable",
        "info: state_writable",
    ]


@pytest.mark.usefixtures("quiet")
async def test_a_status_page_whose_address_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_RETRY_S", 0.05)
    pages = server.StatusPages(StatusSnapshot(clock_at(EVENING)), CollectorRegistry())
    with capture_logs() as logs, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = StatusConfig(port=taken.getsockname()[1])
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve_status(pages, address))
            await eventually(lambda: logs, what="the failure")
            loop = asyncio.get_running_loop()
            until = loop.time() + 0.5  # several attempts
            await eventually(lambda: loop.time() > until, what="half a second")
            taken.close()
            await eventually(lambda: "info: status_page_served" in logged(logs), what="the page")
            serving.cancel()
    assert logged(logs) == [
        "warning: status_page_unavailable",
        "info: status_page_recovered",
        "info: status_page_served",
    ]


def test_a_systemd_that_does_not_listen(tmp_path: Path) -> None:
    notifier = SystemdNotifier({"NOTIFY_SOCKET": f"{tmp_path}/notify"})
    with capture_logs() as logs, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        notifier.notify("WATCHDOG=1")
        notifier.notify("WATCHDOG=1")
        systemd.bind(f"{tmp_path}/notify")
        notifier.notify("WATCHDOG=1")
        notifier.notify("WATCHDOG=1")
    assert logged(logs) == [
        "warning: systemd_notification_failed",
        "info: systemd_notification_recovered",
    ]


@pytest.mark.usefixtures("quiet")
async def test_a_gateway_that_cannot_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same failure at every start is logged once, and so is its end."""
    monkeypatch.setattr(gateway, "_FIRST_RESTART_S", 0.05)
    monkeypatch.setattr(gateway, "_LONGEST_RESTART_S", 0.2)
    attempts = 0
    run = Line.run

    async def fail_four_times(line: Line) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 4:
            raise RuntimeError("out of order")
        await run(line)

    monkeypatch.setattr(Line, "run", fail_four_times)
    with SlaveLine({1: Unit()}, BAUD) as slave:
        broker = Broker("", free_port(), tmp_path)
        async with running(config_for(slave, broker, tmp_path, 0.2)) as logs:
            await eventually(lambda: "info: gateway_recovered" in logged(logs), what="the recovery")
        about_gateway = [each for each in logged(logs) if "gateway" in each]
    assert about_gateway == [
        "error: gateway_failed",
        "info: gateway_recovered",
    ]
    assert attempts == 5
