"""Ports that a gateway connects to: a pseudo-terminal, or a TCP port with Modbus TCP or RTU over TCP."""

import asyncio
import os
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog

from firmware_sim.config import TcpProtocol
from firmware_sim.wire.frames import TARGET_SILENT, build_frame, exception
from firmware_sim.wire.line import SimulatedLine

log = structlog.get_logger(__name__)

_TARGET_TIMEOUT_S = 1.0  # how long a TCP converter waits for the line before it returns exception 0x0B
_MBAP_BYTES = 7
_MAX_PDU = 253


@contextmanager
def pseudo_terminal(line: SimulatedLine, link: Path) -> Iterator[None]:
    """Serve `line` on a new pseudo-terminal that `link` points to, until the block ends."""
    loop = asyncio.get_running_loop()
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        os.set_blocking(master, False)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(slave))
        loop.add_reader(master, _Terminal(line, master, slave).read)
        yield
    finally:
        loop.remove_reader(master)
        link.unlink(missing_ok=True)
        os.close(master)
        os.close(slave)


class _Terminal:
    """Passes bytes between a pseudo-terminal and a line. Bytes at another baud rate are lost."""

    def __init__(self, line: SimulatedLine, master: int, slave: int) -> None:
        self._line = line
        self._master = master
        self._slave = slave
        self._speed = getattr(termios, f"B{line.timing.baud}", None) if line.timing.baud else None
        self._mistuned = False

    def read(self) -> None:
        try:
            data = os.read(self._master, 4096)
        except BlockingIOError:
            return
        mistuned = self._speed not in (None, termios.tcgetattr(self._slave)[5])
        if mistuned != self._mistuned:
            self._mistuned = mistuned
            log.warning(
                "line_wrong_baud", line=self._line.name, baud=self._line.timing.baud, over=not mistuned
            )
        if mistuned:
            self._line.statistics.wrong_baud += 1
        else:
            self._line.receive(data, self._write)

    def _write(self, reply: bytes) -> None:
        try:
            os.write(self._master, reply)
        except BlockingIOError:
            # no reader: a real wire would not keep the bytes either
            log.debug("line_unread", line=self._line.name, lost_bytes=len(reply))


@asynccontextmanager
async def serve_tcp(line: SimulatedLine, host: str, port: int, protocol: TcpProtocol) -> AsyncIterator[int]:
    """Serve `line` on a TCP port until the block ends; provides the port, any free one for 0.

    With RTU over TCP it is a transparent serial server; with Modbus TCP it is a converter that has one
    request on the line at a time.
    """
    converter = _ModbusConverter(line) if protocol is TcpProtocol.MODBUS_TCP else _TransparentConverter(line)
    server = await asyncio.start_server(converter.serve, host, port)
    async with server:
        yield server.sockets[0].getsockname()[1]
        # Closing a server does not end its connections.
        for writer in converter.writers:
            writer.close()


class _Converter:
    """Serves the connections of a TCP port; `writers` are those of the open ones."""

    def __init__(self, line: SimulatedLine) -> None:
        self._line = line
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until its peer, or the server, ends it."""
        self.writers.add(writer)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            log.debug("line_disconnected", line=self._line.name, error=str(error))
        finally:
            self.writers.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class _TransparentConverter(_Converter):
    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            self._line.receive(data, writer.write)


class _ModbusConverter(_Converter):
    def __init__(self, line: SimulatedLine) -> None:
        super().__init__(line)
        self._turn = asyncio.Lock()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            header = await reader.readexactly(_MBAP_BYTES)
            length = int.from_bytes(header[4:6], "big")
            if header[2:4] != b"\0\0" or not 2 <= length <= _MAX_PDU + 1:
                return
            pdu = await reader.readexactly(length - 1)
            async with self._turn:
                answer = await self._ask(header[6], pdu)
            if answer is not None:
                size = (len(answer) + 1).to_bytes(2, "big")
                writer.write(header[:4] + size + header[6:7] + answer)
                await writer.drain()

    async def _ask(self, unit: int, pdu: bytes) -> bytes | None:
        """Perform one transaction: None for a broadcast, an exception PDU where no device responds."""
        answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._line.receive(build_frame(unit, pdu), answers.put_nowait)
        await asyncio.sleep(self._line.timing.silence_s)
        if unit == 0:
            return None
        try:
            reply = await asyncio.wait_for(answers.get(), _TARGET_TIMEOUT_S)
        except TimeoutError:
            return exception(pdu[0], TARGET_SILENT)
        await asyncio.sleep(self._line.timing.silence_s)
        return reply[1:-2] if reply[0] == unit else exception(pdu[0], TARGET_SILENT)
