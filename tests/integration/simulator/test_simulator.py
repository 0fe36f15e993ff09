"""A whole simulator: real pseudo-terminals, real TCP, its own HTTP API."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymodbus.client import AsyncModbusTcpClient, ModbusSerialClient
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FramerType

from firmware_sim.api.server import run_simulator
from firmware_sim.config import SimulatorConfig, TcpProtocol
from firmware_sim.town.city import generate_city
from firmware_sim.wire.network import Network
from protocols.clock import ScaledClock
from tests.conftest import PATIENCE_S, eventually

DUSK = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
TOWN = generate_city(120, seed=1)
FIRST = TOWN.lamps[0]


@dataclass(slots=True)
class Running:
    """A simulator that runs, as its users meet it."""

    http: httpx.AsyncClient
    lines: Path
    networks: list[tuple[str, Network]]

    def terminal(self, number: int = 1) -> ModbusSerialClient:
        """A gateway's own view of its first line."""
        port = self.lines / f"{TOWN.gateways[0].id}-{number}"
        return ModbusSerialClient(str(port), baudrate=115200, timeout=3, retries=0)

    async def line(self, name: str) -> dict[str, int]:
        lines = (await self.http.get("/sim/v1/lines")).json()
        return next(line for line in lines if line["name"] == name)


@asynccontextmanager
async def simulator(config: SimulatorConfig, speed: float = 60.0) -> AsyncIterator[Running]:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    networks: list[tuple[str, Network]] = []

    async def on_network(gateway_id: str, network: Network) -> None:
        networks.append((gateway_id, network))

    clock = ScaledClock(DUSK, time.time(), speed, time.time)
    task = asyncio.create_task(
        run_simulator(config, TOWN, clock, on_ready=ready.set_result, on_network=on_network)
    )
    try:
        waited: list[asyncio.Future[Any]] = [ready, task]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S)
        async with httpx.AsyncClient(base_url=ready.result(), timeout=PATIENCE_S) as http:
            yield Running(http, config.run_dir / "lines", networks)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with simulator(SimulatorConfig(tmp_path, baud=115200)) as started:
        yield started


async def test_a_gateway_reads_and_dims_a_lamp_and_the_truth_agrees(running: Running) -> None:
    def dim() -> list[int]:
        with running.terminal() as client:
            assert not client.write_register(0, 60, device_id=FIRST.unit).isError()
            time.sleep(0.1)  # 6 s of the lamp's time: the fade is over
            registers: list[int] = client.read_input_registers(0, count=16, device_id=FIRST.unit).registers
            return registers

    registers = await asyncio.to_thread(dim)
    truth = (await running.http.get(f"/sim/v1/lamps/{FIRST.id}")).json()
    assert registers[:2] == [60, 60]
    assert (truth["trueLevel"], truth["lit"], truth["feedbackLevel"]) == (60.0, True, 60)
    assert truth["activePower"] == pytest.approx(registers[5] / 10, rel=0.02)
    assert truth["light"] == pytest.approx(0.6, rel=0.2)


async def test_the_truth_lists_every_lamp(running: Running) -> None:
    lamps = (await running.http.get("/sim/v1/lamps")).json()
    assert [lamp["id"] for lamp in lamps] == [lamp.id for lamp in TOWN.lamps]
    assert lamps[0] == lamps[0] | {
        "gatewayId": FIRST.gateway_id,
        "line": FIRST.line,
        "unit": FIRST.unit,
        "latitude": FIRST.latitude,
        "longitude": FIRST.longitude,
        "trueLevel": 0.0,
        "lit": False,
        "light": 0.0,
        "faults": [],
    }


async def test_a_broadcast_lights_a_whole_line(running: Running) -> None:
    def broadcast() -> None:
        with running.terminal() as client:
            client.write_register(0, 100, device_id=0, no_response_expected=True)
            time.sleep(0.1)

    await asyncio.to_thread(broadcast)
    lamps = (await running.http.get("/sim/v1/lamps")).json()
    here = [lamp for lamp in lamps if (lamp["gatewayId"], lamp["line"]) == (FIRST.gateway_id, 1)]
    assert all(lamp["lit"] for lamp in here)
    assert not any(lamp["lit"] for lamp in lamps if lamp not in here)


async def test_faults_come_and_go(running: Running) -> None:
    path = f"/sim/v1/lamps/{FIRST.id}/faults"
    injected = await running.http.post(path, json={"type": "relayStuckOn"})
    assert injected.status_code == 201
    assert (injected.json()["faults"], injected.json()["lit"]) == (["relayStuckOn"], True)
    await running.http.post(path, json={"type": "silent"})
    assert (await running.http.delete(path, params={"type": "relayStuckOn"})).status_code == 204
    assert (await running.http.get(f"/sim/v1/lamps/{FIRST.id}")).json()["faults"] == ["silent"]
    assert (await running.http.delete(path)).status_code == 204
    assert (await running.http.get(f"/sim/v1/lamps/{FIRST.id}")).json()["faults"] == []


async def test_a_reboot_leaves_no_fault_behind(running: Running) -> None:
    answer = await running.http.post(f"/sim/v1/lamps/{FIRST.id}/faults", json={"type": "reboot"})
    assert (answer.json()["faults"], answer.json()["feedbackLevel"]) == ([], 100)


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        ({"type": "onFire"}, "type", "lampOut"),
        ({}, "type", "Field required"),
        ({"type": "silent", "probability": 2}, "probability", "less than or equal to 1"),
        ({"type": "silent", "level": 2}, "level", "not permitted"),
    ],
)
async def test_a_bad_fault_is_refused_with_field_and_expectation(
    running: Running, body: dict[str, object], field: str, expected: str
) -> None:
    answer = await running.http.post(f"/sim/v1/lamps/{FIRST.id}/faults", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert expected in error["expected"]
    assert (await running.http.get(f"/sim/v1/lamps/{FIRST.id}")).json()["faults"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sim/v1/lamps/SOR-99999"),
        ("DELETE", "/sim/v1/lamps/SOR-99999/faults"),
        ("GET", "/sim/v1/log?lampId=SOR-99999"),
        ("GET", "/sim/v1/gateways/nowhere-01/network"),
    ],
)
async def test_what_is_not_here_is_named(running: Running, method: str, path: str) -> None:
    answer = await running.http.request(method, path)
    assert answer.status_code == 404
    assert "'SOR-99999'" in answer.text or "'nowhere-01'" in answer.text


async def test_an_uplink_is_cut_and_restored_through_the_hook(running: Running) -> None:
    path = f"/sim/v1/gateways/{TOWN.gateways[0].id}/network"
    assert (await running.http.get(path)).json()["up"] is True
    assert (await running.http.post(path, json={"up": False})).json()["up"] is False
    assert (await running.http.get(path)).json()["up"] is False
    assert running.networks == [(TOWN.gateways[0].id, Network(up=False))]


async def test_the_log_holds_each_answered_poll_and_the_clock_runs_fast(running: Running) -> None:
    def poll() -> list[list[int]]:
        with running.terminal() as client:
            answers = []
            for _ in range(3):
                answers.append(client.read_input_registers(0, count=16, device_id=FIRST.unit).registers)
                time.sleep(0.01)
            return answers

    answers = await asyncio.to_thread(poll)
    polls = (await running.http.get("/sim/v1/log", params={"lampId": FIRST.id})).json()["items"]
    assert [(each["level"], each["activePower"]) for each in polls] == [
        (words[0], words[5] / 10) for words in answers
    ]
    assert (await running.http.get("/sim/v1/log")).json()["items"] == polls
    clock = (await running.http.get("/sim/v1/clock")).json()
    assert clock["speed"] == 60.0
    now = datetime.fromisoformat(clock["time"])
    assert 0 <= now.timestamp() * 1000 - polls[-1]["time"] < 60 * 5000
    assert polls[0]["time"] < polls[-1]["time"]


async def test_lines_count_what_happens_on_them(running: Running) -> None:
    def talk() -> None:
        with running.terminal() as client:
            client.read_input_registers(0, count=16, device_id=FIRST.unit)
            time.sleep(0.01)
            assert client.read_input_registers(99, count=1, device_id=FIRST.unit).isError()

    await asyncio.to_thread(talk)
    line = await running.line(f"{TOWN.gateways[0].id}-1")
    assert (line["frames"], line["answers"], line["exceptions"]) == (2, 2, 1)
    assert line["silenceViolations"] == 0


async def test_lines_are_gone_when_the_simulator_has_ended(tmp_path: Path) -> None:
    async with simulator(SimulatorConfig(tmp_path, baud=0)) as running:
        links = sorted(path.name for path in running.lines.iterdir())
        assert f"{TOWN.gateways[0].id}-1" in links
        assert str((running.lines / links[0]).readlink()).startswith("/dev/pts/")
    assert list((tmp_path / "lines").iterdir()) == []


async def test_a_line_speaks_modbus_tcp_and_tells_when_nobody_answers(tmp_path: Path) -> None:
    async with simulator(SimulatorConfig(tmp_path, baud=115200, tcp_first_port=0)) as running:
        port = (await running.line(f"{TOWN.gateways[0].id}-1"))["tcpPort"]
        async with AsyncModbusTcpClient("127.0.0.1", port=port, timeout=PATIENCE_S) as client:
            assert not (await client.write_register(0, 40, device_id=FIRST.unit)).isError()
            registers = (await client.read_input_registers(1, count=1, device_id=FIRST.unit)).registers
            nobody = await client.read_input_registers(0, count=1, device_id=200)
    assert registers == [40]
    assert nobody.exception_code == 11


async def test_a_modbus_tcp_converter_hangs_up_on_what_is_not_modbus(tmp_path: Path) -> None:
    async with simulator(SimulatorConfig(tmp_path, baud=0, tcp_first_port=0)) as running:
        port = (await running.line(f"{TOWN.gateways[0].id}-1"))["tcpPort"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        writer.close()


async def test_a_broadcast_passes_a_modbus_tcp_converter(tmp_path: Path) -> None:
    async with simulator(SimulatorConfig(tmp_path, baud=0, tcp_first_port=0)) as running:
        port = (await running.line(f"{TOWN.gateways[0].id}-1"))["tcpPort"]
        async with AsyncModbusTcpClient("127.0.0.1", port=port, timeout=PATIENCE_S) as client:
            await client.write_register(0, 30, device_id=0, no_response_expected=True)
            registers = (await client.read_input_registers(1, count=1, device_id=FIRST.unit)).registers
    assert registers == [30]


async def test_a_line_speaks_rtu_over_tcp(tmp_path: Path) -> None:
    config = SimulatorConfig(tmp_path, baud=115200, tcp_first_port=0, tcp_framing=TcpProtocol.RTU)
    async with simulator(config) as running:
        port = (await running.line(f"{TOWN.gateways[0].id}-1"))["tcpPort"]
        async with AsyncModbusTcpClient(
            "127.0.0.1", port=port, framer=FramerType.RTU, timeout=PATIENCE_S
        ) as client:
            registers = (await client.read_input_registers(15, count=1, device_id=FIRST.unit)).registers
    assert registers == [0x0104]


async def test_a_gateway_set_to_another_baud_is_not_understood(tmp_path: Path) -> None:
    def ask(lines: Path, baud: int) -> bool:
        port = lines / f"{TOWN.gateways[0].id}-1"
        with ModbusSerialClient(str(port), baudrate=baud, timeout=2, retries=0) as client:
            try:
                return not client.read_input_registers(0, count=1, device_id=FIRST.unit).isError()
            except ModbusIOException:
                return False

    async with simulator(SimulatorConfig(tmp_path, baud=9600)) as running:
        assert not await asyncio.to_thread(ask, running.lines, 19200)
        assert await asyncio.to_thread(ask, running.lines, 9600)
        line = await running.line(f"{TOWN.gateways[0].id}-1")
    assert (line["wrongBaud"], line["answers"]) == (1, 1)


async def test_lamps_break_by_themselves(tmp_path: Path) -> None:
    config = SimulatorConfig(tmp_path, baud=0, faults_per_1000_lamps=100.0)
    async with simulator(config, speed=200_000.0) as running:

        async def broken() -> bool:
            lamps = (await running.http.get("/sim/v1/lamps")).json()
            return sum(bool(lamp["faults"]) for lamp in lamps) >= 10

        await eventually(broken, what="twelve faults but for reboots")
