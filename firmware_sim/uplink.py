"""The mobile network between a gateway and the broker: a TCP path that can be cut and mended."""

import asyncio
from collections.abc import Mapping

CHUNK_BYTES = 65536


class Uplink:
    """One gateway's way to the broker; while down, connections are reset and none are taken."""

    def __init__(self, gateway_id: str, broker: tuple[str, int]) -> None:
        self.gateway_id = gateway_id
        self.up = True
        self._broker = broker
        self._open: set[asyncio.StreamWriter] = set()

    def set_up(self, up: bool) -> None:
        """Mend or cut the path; a cut resets every connection on it."""
        self.up = up
        if not up:
            for writer in self._open:
                writer.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways until either side ends it."""
        if not self.up:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._broker)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(reader, far_writer))
                tasks.create_task(_pump(far_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()


async def serve_uplinks(uplinks: Mapping[int, Uplink]) -> None:
    """Listen on loopback, one port per uplink, until cancelled."""
    servers = [
        await asyncio.start_server(uplink.carry, "127.0.0.1", port) for port, uplink in uplinks.items()
    ]
    try:
        await asyncio.Event().wait()
    finally:
        for server in servers:
            server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the far end was reset: closing the other way below says so to the near end
    writer.transport.abort()
