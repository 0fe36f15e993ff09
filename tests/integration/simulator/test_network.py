"""The simulated mobile network, over real sockets to a broker that echoes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from firmware_sim.wire.network import GatewayNetwork, Network, serve_uplinks
from tests.conftest import PATIENCE_S, eventually, free_port

GOOD = Network()
HOLE = Network(blackhole=True)

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Path:
    """An uplink to an echo."""

    uplink: GatewayNetwork
    port: int
    echoed: bytearray

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Stream]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


@pytest.fixture
async def path() -> AsyncIterator[Path]:
    """A path through the simulated network."""
    echoed = bytearray()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            echoed.extend(data)
            writer.write(data)
        writer.close()

    broker = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = free_port()
    uplink = GatewayNetwork("somewhere-01", broker.sockets[0].getsockname()[:2])
    task = asyncio.create_task(serve_uplinks({port: uplink}))
    made = Path(uplink, port, echoed)
    await eventually(lambda: _accepts(port), what="the uplink")
    echoed.clear()
    yield made
    uplink.set_network(Network(up=False))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    broker.close()


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _answer(stream: Stream, text: bytes) -> bytes:
    stream[1].write(text)
    async with asyncio.timeout(PATIENCE_S):
        return await stream[0].readexactly(len(text))


async def test_a_cut_resets_what_is_open_and_takes_nothing_until_mended(path: Path) -> None:
    async with path.connected() as stream:
        assert await _answer(stream, b"hello") == b"hello"
        path.uplink.set_network(Network(up=False))
        with pytest.raises(ConnectionResetError):
            await stream[0].readexactly(1)
    async with path.connected() as stream:
        with pytest.raises(ConnectionResetError):
            await stream[0].readexactly(1)
    path.uplink.set_network(GOOD)
    async with path.connected() as stream:
        assert await _answer(stream, b"again") == b"again"


async def test_a_black_hole_swallows_and_the_old_connection_never_works_again(path: Path) -> None:
    async with path.connected() as old:
        assert await _answer(old, b"hello") == b"hello"
        path.uplink.set_network(HOLE)
        async with path.connected() as new:
            for _, writer in (old, new):
                writer.write(b"gone")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await new[0].readexactly(1)
        assert not old[0].at_eof()
        path.uplink.set_network(GOOD)
        assert path.echoed == b"hello"
        old[1].write(b"more")
        with pytest.raises(ConnectionResetError):
            await old[0].readexactly(1)
    assert path.echoed == b"hello"
    async with path.connected() as stream:
        assert await _answer(stream, b"again") == b"again"


async def test_a_slow_link_delays_and_trickles(path: Path) -> None:
    path.uplink.set_network(Network(latency_ms=100, bytes_per_second=1000))
    async with path.connected() as stream:
        began = time.monotonic()
        assert await _answer(stream, b"x" * 500) == b"x" * 500
        # There and back: the latency twice, and half a second of trickle before the last byte leaves here.
        assert time.monotonic() - began >= 0.2 + 0.4
