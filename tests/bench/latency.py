"""From a command's arrival at a saturated line to its first bit on the wire."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from contextlib import suppress

from edge.line import Lane, Line, NoResponseError
from edge.line.framing import RtuFraming
from edge.line.port import Port, PortEvents, SerialPort, SerialSettings
from edge.line.timing import serial_timing
from protocols.modbus.codec import Write
from protocols.modbus.profile import Table
from tests.bench.line import LAMPS, asking, warm
from tests.bench.results import Result
from tests.bench.simulator import Simulation, simulated

COMMANDS = 300

_WRITE_SINGLE = 6


async def command_to_wire() -> list[Result]:
    """The 99th percentile, against one transaction in flight and the silence behind it."""
    return [await _at(baud) for baud in (9600, 115200)]


async def _at(baud: int) -> Result:
    with simulated(baud, lamps=LAMPS) as simulation:
        watched = Watched()
        waits = await _waits(simulation, baud, watched)
        (counts,) = simulation.counts()
    waited_s, limit_s = _p99(waits), _p99(watched.transactions) + serial_timing(baud).silence_s
    holds = waited_s <= limit_s and counts.silence_violations == 0
    return Result(
        f"command to wire, 99th percentile, {baud} baud", waited_s * 1000, "ms", limit_s * 1000, holds
    )


def _p99(times: list[float]) -> float:
    return sorted(times)[len(times) * 99 // 100]


async def _waits(simulation: Simulation, baud: int, watched: "Watched") -> list[float]:
    async def open_port(events: PortEvents) -> Port:
        wire = SerialSettings(str(simulation.lines[0]), baud, "N", 2)
        return await watched.open(wire, events)

    line = Line("bench", open_port, RtuFraming(), serial_timing(baud), 0.3)
    waits: list[float] = []
    rng = random.Random(1)
    async with asking(line, itertools.cycle(range(1, LAMPS + 1))):
        await warm(line)
        for number in range(COMMANDS):
            await asyncio.sleep(rng.uniform(0.02, 0.12))
            came = time.monotonic()
            with suppress(NoResponseError):
                await line.write(1 + number % LAMPS, Write(Table.HOLDING, 0, (number % 101,)), Lane.COMMAND)
            waits.append(watched.written_at - came)
    return waits


class Watched:
    """A port's times: how long polls were on the wire, and when a register was last written."""

    def __init__(self) -> None:
        self.transactions: list[float] = []
        self.written_at = 0.0
        self._sent_at = 0.0

    async def open(self, wire: SerialSettings, events: PortEvents) -> Port:
        """The port, opened."""

        def received(data: bytes) -> None:
            self.transactions.append(time.monotonic() - self._sent_at)
            events.received(data)

        return _WatchedPort(await SerialPort.open(wire, PortEvents(received, events.lost)), self.sent)

    def sent(self, frame: bytes) -> None:
        """A frame went out."""
        self._sent_at = time.monotonic()
        if frame[1] == _WRITE_SINGLE:
            self.written_at = self._sent_at


class _WatchedPort:
    """A port that tells when a frame went out."""

    def __init__(self, port: Port, sent: Callable[[bytes], None]) -> None:
        self._port = port
        self._sent = sent

    def write(self, frame: bytes) -> None:
        self._port.write(frame)
        self._sent(frame)

    def close(self) -> None:
        self._port.close()
