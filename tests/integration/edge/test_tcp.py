"""Lines behind TCP: Modbus TCP converters and serial device servers, and all that befalls a connection."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from edge.config.line_settings import DeviceConfig
from edge.gateway import run_gateways
from edge.line import (
    Lane,
    Line,
    LineSettings,
    NoResponseError,
    PortUnavailableError,
    TransientLineError,
    open_line,
    port,
)
from firmware_sim.api.server import run_simulator
from firmware_sim.config import SimulatorConfig, TcpProtocol
from firmware_sim.wire.network import GatewayNetwork, Network, serve_uplinks
from protocols.clock import Clock
from protocols.events import EventType
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from protocols.lamp import CommandStatus
from protocols.modbus.codec import ReadBlock, Write
from protocols.modbus.profile import Table
from tests.conftest import PATIENCE_S, Broker, accepts_connections, eventually, free_port
from tests.support.edge_cloud import AREA, EVENING, GATEWAY, Cloud, clock_at
from tests.support.gateway_configs import make_gateway_config
from tests.support.modbus_slave import healthy_inputs

LAMPS = 10
SLOW_LAMPS = 3
APART_S = 0.02  # so that two answers are not one piece when they come
BAUD = 115200
FAST_BLOCK = ReadBlock(Table.INPUT, 0, 16)
SCHEMES = {TcpProtocol.MODBUS_TCP: "tcp", TcpProtocol.RTU: "rtu+tcp"}


def lamp(unit: int) -> str:
    return f"SOR-{unit:05}"


# A simulated line behind a converter


@dataclass
class Town:
    """One gateway's simulated lamps, and where their line is served."""

    http: httpx.AsyncClient
    scheme: str
    port: int

    async def line(self) -> dict[str, int]:
        """What the far end of the wire has counted."""
        row: dict[str, int] = (await self.http.get("/sim/v1/lines")).json()[0]
        return row

    async def levels(self) -> list[int]:
        """What each lamp's controller took last."""
        paths = [f"/sim/v1/lamps/{lamp(unit)}" for unit in range(1, LAMPS + 1)]
        return [round((await self.http.get(path)).json()["feedbackLevel"]) for path in paths]

    async def silence(self, unit: int) -> None:
        await self.http.post(f"/sim/v1/lamps/{lamp(unit)}/faults", json={"type": "silent"})

    async def wake(self, unit: int) -> None:
        await self.http.delete(f"/sim/v1/lamps/{lamp(unit)}/faults")


@asynccontextmanager
async def town(folder: Path, framing: TcpProtocol, clock: Clock, baud: int = BAUD) -> AsyncIterator[Town]:
    lamps = [Lamp(lamp(unit), AREA, GATEWAY, 1, unit, -7.03, 107.52) for unit in range(1, LAMPS + 1)]
    gateway = Gateway(GATEWAY, AREA, -7.03, 107.52, "Asia/Jakarta")
    inventory = Inventory([Area(AREA, "Soreang", -7.03, 107.52)], [gateway], lamps)
    config = SimulatorConfig(folder, baud=baud, tcp_first_port=0, tcp_framing=framing)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_simulator(config, inventory, clock, on_ready=ready.set_result))
        async with httpx.AsyncClient(base_url=await ready, timeout=PATIENCE_S) as http:
            (row,) = (await http.get("/sim/v1/lines")).json()
            yield Town(http, SCHEMES[framing], row["tcpPort"])
        running.cancel()


@asynccontextmanager
async def gateway_at(address: str, broker: Broker, folder: Path, clock: Clock) -> AsyncIterator[None]:
    config = make_gateway_config(
        folder,
        address,
        [DeviceConfig(id=lamp(unit), unit=unit) for unit in range(1, LAMPS + 1)],
        baud=BAUD,
        broker_port=broker.port,
        poll_interval_s=0.5,
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_gateways([config], clock))
        yield
        running.cancel()


@pytest.mark.parametrize("framing", TcpProtocol)
async def test_a_gateway_works_behind_a_converter(
    mosquitto: Broker, tmp_path: Path, framing: TcpProtocol
) -> None:
    clock = clock_at(EVENING)
    cloud = Cloud(clock)
    async with town(tmp_path, framing, clock) as far, cloud.connected(mosquitto.port):
        async with gateway_at(f"{far.scheme}://127.0.0.1:{far.port}", mosquitto, tmp_path, clock):
            await eventually(lambda: len(cloud.alive) == LAMPS, what="births")
            assert await far.levels() == [100] * LAMPS
            await cloud.command(lamp(3), 40, "one")
            await eventually(lambda: cloud.result("one"), what="the result")
            assert (await far.levels())[2] == 40
            before = (await far.line())["broadcasts"]
            for unit in range(1, LAMPS + 1):
                await cloud.command(lamp(unit), 25, "all")
            await eventually(lambda: len(cloud.results) == LAMPS + 1, what="all results")
            assert all(each.status is CommandStatus.CONFIRMED for each in cloud.results.values())
            assert await far.levels() == [25] * LAMPS
            assert (await far.line())["broadcasts"] > before
            await far.silence(7)
            await eventually(lambda: cloud.events, what="the event")
            (event,) = cloud.events.values()
            assert (event.device_id, event.type, event.active) == (
                lamp(7),
                EventType.COMMUNICATION_FAILURE,
                True,
            )
            await far.wake(7)
            await eventually(lambda: len(cloud.alive) == LAMPS, what="its return")
        counts = await far.line()
    assert (counts["silenceViolations"], counts["collisions"], counts["crcErrors"]) == (0, 0, 0)


# Single connections


@dataclass
class Converter:
    """A Modbus TCP server that does with each request whatever `on_request` says; else it answers at once.

    Every unit's registers are those of a controller at its own number as level.
    """

    on_request: Callable[["Converter", asyncio.StreamWriter, bytes, int], Awaitable[None]] | None = None
    port: int = field(default_factory=free_port)
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Converter"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()
            self.hang_up()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        while len(request := await reader.read(260)) == 12:
            self.requests.append(request)
            if self.on_request is None:
                self.answer(writer, request)
            else:
                await self.on_request(self, writer, request, len(self.requests))
        writer.close()

    def answer(self, writer: asyncio.StreamWriter, request: bytes, level: int | None = None) -> None:
        """Send the answer to a request for the fast block, with registers of `level` if that is given."""
        unit = request[6]
        words = healthy_inputs(unit if level is None else level)
        body = bytes([unit, request[7], 2 * len(words)]) + b"".join(word.to_bytes(2, "big") for word in words)
        writer.write(request[:4] + len(body).to_bytes(2, "big") + body)

    def refuse(self, writer: asyncio.StreamWriter, request: bytes, code: int) -> None:
        """Send an exception."""
        writer.write(request[:4] + b"\x00\x03" + bytes([request[6], request[7] | 0x80, code]))


@asynccontextmanager
async def running(port: int, scheme: str = "tcp", response_timeout_s: float = 0.3) -> AsyncIterator[Line]:
    settings = LineSettings(f"{scheme}://127.0.0.1:{port}", BAUD, response_timeout_s=response_timeout_s)
    line = open_line(settings)
    async with asyncio.TaskGroup() as tasks:
        owner = tasks.create_task(line.run())
        await eventually(lambda: line.problem is None, what="the line")
        yield line
        owner.cancel()


async def level_of(line: Line, unit: int) -> int:
    """What a unit says its level is; raises LineError."""
    return (await line.read(unit, FAST_BLOCK, Lane.READING))[0]


async def comes_back(line: Line, unit: int = 1) -> float:
    """Wall seconds until the unit answers."""
    began = time.monotonic()

    async def answers() -> bool:
        try:
            return await level_of(line, unit) >= 0
        except TransientLineError:
            return False

    await eventually(answers, what="an answer")
    return time.monotonic() - began


def with_tag(request: bytes, tag: int) -> bytes:
    return tag.to_bytes(2, "big") + request[2:]


async def test_an_answer_with_another_transaction_id_is_not_the_answer() -> None:
    async def foreign_first(far: Converter, to: asyncio.StreamWriter, request: bytes, _: int) -> None:
        tag = int.from_bytes(request[:2], "big")
        far.answer(to, with_tag(request, tag + 1), level=99)
        await asyncio.sleep(APART_S)
        far.answer(to, with_tag(request, tag - 1 or 9), level=98)
        await asyncio.sleep(APART_S)
        far.answer(to, request)

    async with Converter(foreign_first).serving() as far, running(far.port) as line:
        for unit in (1, 2, 3):
            assert await level_of(line, unit) == unit
        assert (line.counters.answers, line.counters.foreign) == (3, 6)
        assert len({request[:2] for request in far.requests}) == 3


async def test_the_answer_to_a_request_long_given_up_is_not_taken_for_the_next_ones() -> None:
    kept: list[bytes] = []

    async def keep_the_first(far: Converter, to: asyncio.StreamWriter, request: bytes, number: int) -> None:
        if number == 1:
            kept.append(request)
        elif number == 3:
            far.answer(to, kept[0], level=77)  # to the same unit, when its next request is under way
            await asyncio.sleep(APART_S)
            far.answer(to, request)
        else:
            far.answer(to, request)

    async with Converter(keep_the_first).serving() as far, running(far.port) as line:
        with pytest.raises(NoResponseError):
            await level_of(line, 1)
        assert await level_of(line, 2) == 2
        assert await level_of(line, 1) == 1
        assert (line.counters.no_answers, line.counters.late) == (1, 1)


@pytest.mark.parametrize("code", [10, 11])
async def test_a_converter_that_says_a_unit_is_silent_is_not_the_unit_refusing(code: int) -> None:
    async def unreachable(far: Converter, to: asyncio.StreamWriter, request: bytes, _: int) -> None:
        far.refuse(to, request, code)

    async with Converter(unreachable).serving() as far, running(far.port) as line:
        with pytest.raises(TransientLineError, match=f"unit 5 .* code {code}"):
            await level_of(line, 5)


GIVES_UP_AFTER_S = 1.5
"""What a converter takes for a device that is dead: it asks its line one thing at a time."""


async def test_a_converter_still_busy_with_a_dead_unit_costs_the_next_ones_nothing_once_that_is_known() -> (
    None
):
    async def patient(far: Converter, to: asyncio.StreamWriter, request: bytes, _: int) -> None:
        if request[6] == 1:
            await asyncio.sleep(GIVES_UP_AFTER_S)
            far.refuse(to, request, 11)
        else:
            far.answer(to, request)

    async with Converter(patient).serving() as far, running(far.port) as line:
        for unit in (2, 3, 4):
            await level_of(line, unit)
        with pytest.raises(NoResponseError):
            await level_of(line, 1)
        await comes_back(line, 2)
        with pytest.raises(NoResponseError):
            await level_of(line, 1)
        assert [await level_of(line, unit) for unit in (3, 4)] == [3, 4]


@pytest.mark.timing
async def test_a_connection_that_is_closed_is_opened_again() -> None:
    async def close_on_the_second(
        far: Converter, to: asyncio.StreamWriter, request: bytes, number: int
    ) -> None:
        if number == 2:
            to.close()
        else:
            far.answer(to, request)

    async with Converter(close_on_the_second).serving() as far, running(far.port) as line:
        assert await level_of(line, 1) == 1
        with pytest.raises(PortUnavailableError, match="the server closed the connection"):
            await level_of(line, 1)
        assert await comes_back(line) < 3.0
        assert (far.connections, line.counters.reopened) == (2, 1)


@pytest.mark.timing
async def test_a_converter_that_is_not_there_yet_is_found_when_it_is() -> None:
    far = Converter()
    line = open_line(LineSettings(f"tcp://127.0.0.1:{far.port}"))
    async with asyncio.TaskGroup() as tasks:
        owner = tasks.create_task(line.run())
        await eventually(lambda: line.problem is not None, what="the refusal")
        with pytest.raises(PortUnavailableError, match=str(far.port)):
            await level_of(line, 1)
        async with far.serving():
            assert await comes_back(line) < 3.0
            owner.cancel()


@pytest.mark.timing
async def test_a_connection_that_hangs_is_given_up_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "_PATIENCE_S", 0.5)
    hanging: list[asyncio.StreamWriter] = []

    async def hang(far: Converter, to: asyncio.StreamWriter, request: bytes, number: int) -> None:
        if number == 3:
            hanging.append(to)  # its connection stays open and says nothing any more
        if to not in hanging:
            far.answer(to, request)

    async with Converter(hang).serving() as far, running(far.port, response_timeout_s=0.05) as line:
        assert await level_of(line, 1) == 1
        assert await level_of(line, 2) == 2
        requested = 0
        why = ""
        while not why:
            requested += 1
            try:
                await level_of(line, requested % 200 + 1)
            except NoResponseError:
                continue
            except PortUnavailableError as error:
                why = str(error)
        assert "no response for" in why
        assert requested > 8
        assert await comes_back(line) < 3.0
        assert far.connections == 2


async def test_a_street_without_power_is_not_the_connections_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A serial server with unresponsive lamps only keeps one connection, not ever new ones."""
    monkeypatch.setattr(port, "_PATIENCE_S", 0.0)

    async def say_nothing(_far: Converter, _to: asyncio.StreamWriter, _request: bytes, _: int) -> None:
        pass

    async with Converter(say_nothing).serving() as far, running(far.port, response_timeout_s=0.02) as line:
        for unit in range(1, 25):
            with pytest.raises(NoResponseError):
                await level_of(line, unit)
        assert far.connections == 1


async def test_the_system_watches_the_connection() -> None:
    async with Converter().serving() as far:
        events = port.PortEvents(lambda _: None, lambda _: None)
        opened = await port.TcpPort.open("127.0.0.1", far.port, events)
        assert opened._transport is not None
        connection = opened._transport.get_extra_info("socket")
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
        opened.close()


# The way there


@asynccontextmanager
async def behind_network(port: int) -> AsyncIterator[tuple[GatewayNetwork, int]]:
    """A path to a converter that can be cut, slow and forgetful, and the port it begins at."""
    uplink, near = GatewayNetwork("way", ("127.0.0.1", port)), free_port()
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(serve_uplinks({near: uplink}))
        await eventually(lambda: accepts_connections(near), what="the path")
        try:
            yield uplink, near
        finally:
            uplink.set_network(Network(up=False))
            serving.cancel()


@pytest.mark.parametrize("framing", TcpProtocol)
@pytest.mark.timing
async def test_a_half_open_connection_is_left_without_a_restart(tmp_path: Path, framing: TcpProtocol) -> None:
    async with (
        town(tmp_path, framing, clock_at(EVENING)) as far,
        behind_network(far.port) as (way, near),
        running(near, far.scheme) as line,
    ):
        assert await level_of(line, 1) >= 0
        way.set_network(Network(blackhole=True))
        with pytest.raises(NoResponseError):
            await level_of(line, 1)
        way.set_network(Network())
        assert await comes_back(line) < 5.0
        assert line.counters.reopened == 1


@pytest.mark.parametrize("framing", TcpProtocol)
@pytest.mark.timing
async def test_a_way_that_is_cut_and_mended_is_used_again(tmp_path: Path, framing: TcpProtocol) -> None:
    async with (
        town(tmp_path, framing, clock_at(EVENING)) as far,
        behind_network(far.port) as (way, near),
        running(near, far.scheme) as line,
    ):
        assert await level_of(line, 1) >= 0
        way.set_network(Network(up=False))
        with pytest.raises(PortUnavailableError):
            await level_of(line, 1)
        way.set_network(Network())
        assert await comes_back(line) < 3.0


@pytest.mark.parametrize("framing", TcpProtocol)
async def test_a_slow_way_is_learned_and_mixes_up_nothing(tmp_path: Path, framing: TcpProtocol) -> None:
    async with (
        town(tmp_path, framing, clock_at(EVENING)) as far,
        behind_network(far.port) as (way, near),
        running(near, far.scheme) as line,
    ):
        way.set_network(Network(latency_ms=160))  # each way: more than the line waits for at first
        for unit in range(1, SLOW_LAMPS + 1):
            await line.broadcast(Write(Table.HOLDING, 0, (unit,)), Lane.COMMAND)
            await comes_back(line, unit)
            assert await level_of(line, unit) == unit
        assert line.response_timeout_s(1) > 0.32
        counts = await far.line()
        assert (counts["broadcasts"], counts["silenceViolations"]) == (SLOW_LAMPS, 0)
