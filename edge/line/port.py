"""The bytes below a line: a serial device or a TCP connection, opened, read and written without blocking."""

import asyncio
import os
import socket
import termios
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import serial

_CONNECT_TIMEOUT_S = 3.0
_READ_SIZE = 4096
# Our choice, all three: fewer requests without a response may be a few dead lamps in a row; ten seconds cover
# a converter's restart; a server that never responded has dead lamps behind it rather than a dead connection.
_FEWEST_UNANSWERED = 8
_PATIENCE_S = 10.0
_PATIENCE_WITH_STRANGER_S = 900.0
_TCP_OPTIONS = {
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 10_000,  # in ms, for what was sent and is not acknowledged
}
"""A server whose power went is missed within half a minute. Not every system has all of them."""


@dataclass(frozen=True, slots=True)
class PortEvents:
    """Where an open port reports the bytes it received, and its end."""

    received: Callable[[bytes], None]
    lost: Callable[[str], None]


class Port(Protocol):
    """One open port."""

    def write(self, frame: bytes) -> None:
        """Send a frame without blocking.

        Raises:
            OSError: the port is gone.
        """
        ...

    def close(self) -> None:
        """Close the port; no event follows."""
        ...


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How the characters of a serial line look."""

    path: str
    baud: int
    parity: str
    stop_bits: int


class SerialPort:
    """A serial device whose descriptor the event loop watches."""

    def __init__(self, device: serial.Serial, events: PortEvents) -> None:
        self._device = device
        self._events = events
        self._descriptor: int = device.fileno()

    @classmethod
    async def open(cls, settings: SerialSettings, events: PortEvents) -> "SerialPort":
        """Open and configure the device, locked against other programs.

        Raises:
            OSError: there is no such device, it is in use, or it can't be set to these characters.
        """
        device = await asyncio.to_thread(_open_serial, settings)
        port = cls(device, events)
        asyncio.get_running_loop().add_reader(port._descriptor, port._readable)
        return port

    def write(self, frame: bytes) -> None:
        """Send a frame.

        Raises:
            OSError: the port is gone, or its buffer is full.
        """
        written = os.write(self._descriptor, frame)
        if written != len(frame):
            raise OSError(f"the port took {written} of {len(frame)} bytes")

    def close(self) -> None:
        """Close the port; no event follows."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self._device.close()

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, _READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._events.lost(error.strerror or str(error))
            return
        if data:
            self._events.received(data)
        else:
            self._events.lost("the device reached its end")


def _open_serial(settings: SerialSettings) -> serial.Serial:
    try:
        return serial.Serial(
            settings.path,
            baudrate=settings.baud,
            parity=settings.parity,
            stopbits=settings.stop_bits,
            timeout=0,
            write_timeout=0,
            exclusive=True,
        )
    except termios.error as error:  # which is no OSError
        characters = f"{settings.baud} baud 8{settings.parity}{settings.stop_bits}"
        raise OSError(f"the port cannot be set to {characters}: {error.args[-1]}") from error


class TcpPort(asyncio.Protocol):
    """A TCP connection to a Modbus TCP server or to a serial device server.

    A connection on which responses end is closed, because a new one may work: a server that hangs still
    acknowledges on TCP, and a half-open connection looks like a whole one. Where no response ever came the
    cause is probably not the connection, so that one is closed much later.
    """

    def __init__(self, events: PortEvents) -> None:
        self._events: PortEvents | None = events
        self._transport: asyncio.Transport | None = None
        self._patience_s = _PATIENCE_WITH_STRANGER_S
        self._unanswered = 0
        self._requested_at = 0.0

    @classmethod
    async def open(cls, host: str, port: int, events: PortEvents) -> "TcpPort":
        """Connect.

        Raises:
            OSError: no connection, or none within the time limit.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                _, protocol = await loop.create_connection(lambda: cls(events), host, port)
        except TimeoutError as error:
            raise OSError(f"no connection within {_CONNECT_TIMEOUT_S:g} s") from error
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write on, and let the system check an idle connection."""
        if not isinstance(transport, asyncio.Transport):
            return
        self._transport = transport
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _TCP_OPTIONS.items():
            if (option := getattr(socket, name, None)) is not None:
                connection.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        """Pass on the bytes received."""
        # A server that has responded once has live units behind it: a silence is a fault from now on.
        self._unanswered = 0
        self._patience_s = _PATIENCE_S
        if self._events is not None:
            self._events.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end, unless we closed it ourselves."""
        if self._events is not None:
            self._events.lost(str(exc) if exc else "the server closed the connection")

    def write(self, frame: bytes) -> None:
        """Send a frame.

        Raises:
            OSError: the connection is closed, or no response has come for too long.
        """
        if self._transport is None or self._transport.is_closing():
            raise OSError("the connection is closed")
        now = asyncio.get_running_loop().time()
        if not self._unanswered:
            self._requested_at = now
        silent_s = now - self._requested_at
        if self._unanswered >= _FEWEST_UNANSWERED and silent_s >= self._patience_s:
            raise OSError(f"no response for {silent_s:.0f} s, to {self._unanswered} requests")
        self._unanswered += 1
        self._transport.write(frame)

    def close(self) -> None:
        """Close the connection; no event follows."""
        self._events = None
        if self._transport is not None:
            self._transport.abort()
