"""A simulated line polled as a gateway does, without a cloud: line, reader, poller and level writer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from edge.control.commanded_state import CommandedState
from edge.control.level_writer import LevelWriter
from edge.devices.device import Device, device_of
from edge.line import Line, LineSettings, open_line
from edge.outbox import Record
from edge.polling.poller import Poller
from edge.polling.presence import Presence
from edge.polling.reader import DeviceReader
from protocols.clock import system_clock
from protocols.modbus.profile import Profile
from tests.bench.simulator import Simulation, lamp_id

NO_PAUSE = timedelta(microseconds=1)


class Discarded:
    """Takes records and keeps none."""

    def append(self, record: Record, /) -> None:
        """Drop it."""


@dataclass(frozen=True, slots=True)
class PolledLine:
    """What of a gateway works on one line."""

    line: Line
    devices: list[Device]
    reader: DeviceReader
    writer: LevelWriter

    def presence(self, number: int) -> Presence:
        """What is known of the device of that number, from 0."""
        return self.reader.presences[self.devices[number]]

    def all_responsive(self) -> bool:
        """Whether every device responds."""
        return all(self.reader.presences[device].is_responsive for device in self.devices)

    async def answers_per_s(self, seconds: float) -> float:
        """Answers a second, in that time from now."""
        before, began = self.line.counters.answers, time.monotonic()
        await asyncio.sleep(seconds)
        return (self.line.counters.answers - before) / (time.monotonic() - began)


@asynccontextmanager
async def polled(
    simulation: Simulation, baud: int, lamps: int, profile: Profile
) -> AsyncIterator[PolledLine]:
    """The first line with all its lamps polled without a pause, until the block ends."""
    line = open_line(LineSettings(port=str(simulation.lines[0]), baud=baud, stop_bits=2))
    devices = [device_of(lamp_id(1, unit), unit, profile) for unit in range(1, lamps + 1)]
    clock = system_clock(time.time)
    states = {device: CommandedState() for device in devices}
    reader = DeviceReader(line, clock, Discarded(), devices, states)
    writer = LevelWriter(line, reader, states, may_broadcast=True)
    reader.state_loss_observers.append(writer)
    poller = Poller(reader, clock, NO_PAUSE, devices, lambda _: None)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(line.run()), tasks.create_task(poller.run())]
        yield PolledLine(line, devices, reader, writer)
        for task in running:
            task.cancel()
