"""Overload: a line that cannot carry its polls, a broker all reconnect to, a gateway that keeps failing."""

import asyncio
import time
from pathlib import Path

import pytest

from edge import gateway
from edge.config.line_settings import DeviceConfig, LineConfig
from edge.config.settings import GatewayConfig
from edge.gateway import run_gateways
from edge.line import Line
from edge.status import StatusSnapshot
from tests.conftest import Broker, eventually, free_port
from tests.integration.edge.test_gateway import BAUD, config_for
from tests.support.edge_cloud import EVENING, clock_at
from tests.support.modbus_slave import SlaveLine, Unit

BROADCAST = 0
LAMPS = 12
GATEWAYS = 12


@pytest.mark.timing
async def test_a_line_that_cannot_keep_up_skips_polls_and_owes_none(tmp_path: Path) -> None:
    """Each lamp in turn, as often as the wire allows: however long it lasts, readings are fresh."""
    clock = clock_at(EVENING)
    snapshot = StatusSnapshot(clock)
    with SlaveLine({unit: Unit() for unit in range(1, LAMPS + 1)}, BAUD) as slave:
        # A hundred polls a second of each lamp are wanted, and about four are possible.
        config = config_for(slave, Broker("", free_port(), tmp_path), tmp_path, 0.01)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateways([config], clock, snapshot=snapshot))
            await eventually(lambda: slave.reads_answered > 6 * LAMPS, what="six sweeps")
            began, answered = time.monotonic(), slave.reads_answered
            await eventually(lambda: slave.reads_answered >= answered + 4 * LAMPS, what="four sweeps more")
            sweep_s = (time.monotonic() - began) / 4
            # Requests that were due while the wire was too slow do not come later.
            polled = [unit for unit, function in slave.requests[-2 * LAMPS :] if function == 4]
            (status,) = snapshot.status().gateways
            broadcasts = [unit for unit, _ in slave.requests].count(BROADCAST)
            running.cancel()
    assert all(polled.count(unit) in (1, 2, 3) for unit in range(1, LAMPS + 1)), polled
    ages = [device.age_seconds for device in status.devices if device.age_seconds is not None]
    assert len(ages) == LAMPS
    assert max(ages) < 2 * sweep_s + 0.5
    requests, answers = status.lines[0].counters.requests, status.lines[0].counters.answers
    assert requests - answers - broadcasts <= 1, "more than one request in flight"


@pytest.mark.timing
async def test_polls_that_were_missed_are_not_made_up_for(tmp_path: Path) -> None:
    """A machine that was held up goes on at its pace: a burst would bring nothing but a busy line."""
    interval_s, held_up_s = 0.3, 3.0
    with SlaveLine({unit: Unit() for unit in range(1, 4)}, BAUD) as slave:
        config = config_for(slave, Broker("", free_port(), tmp_path), tmp_path, interval_s)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateways([config], clock_at(EVENING)))
            await eventually(lambda: slave.reads_answered > 9, what="three polls each")
            time.sleep(held_up_s)  # noqa: ASYNC251 - the whole process is held up on purpose
            began, before = time.monotonic(), len(slave.requests)
            await eventually(lambda: time.monotonic() > began + 3 * interval_s, what="three intervals")
            polled = [unit for unit, function in slave.requests[before:] if function == 4]
            running.cancel()
    # The one that was overdue, and one an interval; made up for, there would be ten more.
    assert all(1 <= polled.count(unit) <= 5 for unit in (1, 2, 3)), polled


@pytest.mark.timing
async def test_gateways_that_lost_one_broker_do_not_come_back_at_one_instant(
    tmp_path: Path,
) -> None:
    """They try less and less often, each at an instant of its own."""
    arrivals: list[float] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrivals.append(time.monotonic())
        await reader.read(1024)
        writer.write(b"\x20\x02\x00\x03")  # CONNACK: server unavailable
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    configs = [_gateway(number, port, tmp_path) for number in range(GATEWAYS)]
    async with server, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_gateways(configs, clock_at(EVENING)))
        await eventually(lambda: len(arrivals) >= 3 * GATEWAYS, what="three attempts each")
        running.cancel()
    later = sorted(arrivals)[GATEWAYS:]
    crowd = max(sum(at <= other < at + 0.1 for other in later) for at in later)
    assert crowd < 0.75 * GATEWAYS
    assert later[-1] - later[0] > 1.0


async def test_a_gateway_that_fails_again_and_again_disturbs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_LONGEST_RESTART_S", 0.2)
    failures: list[str] = []
    run = Line.run

    async def fail_on_one(line: Line) -> None:
        if line.name != healthy.path:
            failures.append(line.name)
            raise RuntimeError("out of order")
        await run(line)

    monkeypatch.setattr(Line, "run", fail_on_one)
    with SlaveLine({1: Unit()}, BAUD) as healthy:
        configs = [
            _gateway(1, free_port(), tmp_path),
            config_for(healthy, Broker("", free_port(), tmp_path), tmp_path, 0.1),
        ]
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run_gateways(configs, clock_at(EVENING)))
            await eventually(lambda: len(failures) >= 5, what="five failures of the one")
            polls = healthy.reads_answered
            await eventually(lambda: healthy.reads_answered > polls + 5, what="polls of the other")
            running.cancel()
    assert healthy.units[1].holdings[0] == 100


def _gateway(number: int, port: int, folder: Path) -> GatewayConfig:
    line = LineConfig(port="/dev/no-such-port", devices=(DeviceConfig(id=f"L{number}", unit=1),))
    return GatewayConfig.model_validate(
        {
            "gateway": {
                "id": f"g{number}",
                "area": "a",
                "latitude": -7.03,
                "longitude": 107.52,
                "time_zone": "Asia/Jakarta",
            },
            "mqtt": {"port": port},
            "outbox": {"path": folder / f"{number}.outbox.db"},
            "line": [line.model_dump(by_alias=True)],
        }
    )
