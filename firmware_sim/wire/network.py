"""The mobile network between a gateway and the broker: a TCP path that can be cut, be slow or lose data."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass

CHUNK_BYTES = 65536

_SLICES_PER_SECOND = 10
_NO_LINGER = struct.pack("ii", 1, 0)  # closing is then a reset


@dataclass(frozen=True, slots=True)
class Network:
    """The state of the path.

    Down, it resets its connections and accepts none. A black hole accepts connections and bytes and passes
    nothing on; connections that were open then stay silent, as behind a router that has lost its table.
    """

    up: bool = True
    latency_ms: int = 0
    bytes_per_second: int | None = None
    blackhole: bool = False


@dataclass(eq=False, slots=True)
class _Connection:
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    forgotten: bool = False

    def abort(self) -> None:
        for end in (self.near, self.far):
            if end is not None:
                _reset(end)


class GatewayNetwork:
    """The path of one gateway to the broker."""

    def __init__(self, gateway_id: str, broker: tuple[str, int]) -> None:
        self.gateway_id = gateway_id
        self.network = Network()
        self._broker = broker
        self._open: set[_Connection] = set()

    def set_network(self, network: Network) -> None:
        """Change the state of the path, also for its open connections."""
        self.network = network
        for connection in self._open:
            if not network.up:
                connection.abort()
            elif network.blackhole:
                connection.forgotten = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways until either side ends it."""
        connection = _Connection(writer, forgotten=self.network.blackhole)
        self._open.add(connection)
        try:
            if connection.forgotten:
                await self._pump(connection, reader, writer, writer)
            elif self.network.up:
                await self._carry_both_ways(connection, reader)
        finally:
            self._open.discard(connection)
            connection.abort()

    async def _carry_both_ways(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        try:
            far_reader, connection.far = await asyncio.open_connection(*self._broker)
        except OSError:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pump(connection, reader, connection.near, connection.far))
            tasks.create_task(self._pump(connection, far_reader, connection.far, connection.near))

    async def _pump(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        sender: asyncio.StreamWriter,
        receiver: asyncio.StreamWriter,
    ) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                if not connection.forgotten:
                    await self._pass_on(connection, data, receiver)
                elif not self.network.blackhole:
                    break  # the path works again, without this connection
        except OSError:
            pass  # the far end was reset: closing the other direction below resets the near end too
        # Each end of a dropped connection notices it when it next sends, as behind a real router.
        _reset(sender if connection.forgotten else receiver)

    async def _pass_on(self, connection: _Connection, data: bytes, receiver: asyncio.StreamWriter) -> None:
        if self.network.latency_ms:
            await asyncio.sleep(self.network.latency_ms / 1000)
        while data and not connection.forgotten:
            rate = self.network.bytes_per_second
            size = len(data) if rate is None else max(1, rate // _SLICES_PER_SECOND)
            receiver.write(data[:size])
            await receiver.drain()
            if rate is not None:
                await asyncio.sleep(len(data[:size]) / rate)
            data = data[size:]


def _reset(end: asyncio.StreamWriter) -> None:
    if not end.transport.is_closing():
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        end.transport.abort()


async def serve_uplinks(uplinks: Mapping[int, GatewayNetwork]) -> None:
    """Listen on loopback, one port per uplink, until cancelled."""
    servers = [
        await asyncio.start_server(uplink.carry, "127.0.0.1", port) for port, uplink in uplinks.items()
    ]
    try:
        await asyncio.Event().wait()
    finally:
        for server in servers:
            server.close()
