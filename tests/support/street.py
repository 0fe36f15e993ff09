"""A line with lamp controllers as registers: in place of the wire, in virtual time."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge.control.commanded_state import CommandedState
from edge.control.level_writer import LevelWriter
from edge.control.ports import Problems
from edge.devices.device import Device, device_of
from edge.line import Lane, NoResponseError, PortUnavailableError
from edge.outbox import Record
from edge.polling.presence import Presence
from edge.polling.reader import DeviceReader
from protocols.lamp import Reason
from protocols.modbus.builtin import load_builtin
from protocols.modbus.codec import ReadBlock, Write
from protocols.modbus.profile import Profile, Table, parse_profile
from tests.support.clocks import LoopClock

EXCHANGE_S = 0.02
MASK = 0xFFFF
LEVEL, FADE, TIMEOUT = 0, 1, 2
WRITE_ONLY = parse_profile(
    """id = "plain"
name = "Takes a level and reports none"
kind = "lamp"
[[register]]
name = "target_level_percent"
table = "holding"
address = 0
type = "u16"
access = "w"
minimum = 0
maximum = 100
[[register]]
name = "active_power_w"
table = "input"
address = 5
type = "u16"
""",
    "plain.toml",
)


@dataclass
class Controller:
    """One lamp controller. It does not know its level while `masks`, and in the next `masked_reads`."""

    boots: int = 1
    masks: bool = False
    masked_reads: int = 0
    ignores: bool = False
    is_silent: bool = False
    loses_acknowledgements: bool = False
    status: int = 0
    holdings: list[int] = field(default_factory=lambda: [0, 0, 3600, 100, 100])
    writes: list[tuple[int, int]] = field(default_factory=list)

    def restart(self) -> None:
        """Power was away: the level is that of a start, the fade is kept."""
        self.boots += 1
        self.holdings[LEVEL] = 100

    def take(self, write: Write) -> None:
        """Carry out a write."""
        self.writes.append((write.address, write.words[0]))
        if not self.ignores:
            self.holdings[write.address] = write.words[0]

    def words(self, table: Table) -> list[int]:
        """All registers of a table."""
        if table is Table.HOLDING:
            return [*self.holdings, *[0] * 20]
        level = MASK if self.masks or self.masked_reads else self.holdings[LEVEL]
        self.masked_reads = max(0, self.masked_reads - 1)
        return [level, level, self.status, *[0] * 11, self.boots, 256]


@dataclass
class Street:
    """The wire. Counts broadcasts; a unit that is not there does not answer."""

    units: dict[int, Controller]
    broadcasts: list[tuple[int, int]] = field(default_factory=list)
    reads: int = 0
    port_goes: bool = False

    async def read(self, unit: int, block: ReadBlock, lane: Lane) -> Sequence[int]:  # noqa: ARG002 - as a line
        self.reads += 1
        controller = await self._answer(unit)
        return controller.words(block.table)[block.address : block.end]

    async def probe(self, unit: int, block: ReadBlock, lane: Lane) -> None:
        """As of a line."""
        await self.read(unit, block, lane)

    async def write(self, unit: int, write: Write, lane: Lane) -> None:  # noqa: ARG002 - as a line
        controller = await self._answer(unit)
        controller.take(write)
        if controller.loses_acknowledgements:
            raise NoResponseError(f"no answer of unit {unit}")

    async def broadcast(self, write: Write, lane: Lane) -> None:  # noqa: ARG002 - as a line
        await asyncio.sleep(EXCHANGE_S)
        self.broadcasts.append((write.address, write.words[0]))
        for controller in self.units.values():
            if not controller.is_silent:
                controller.take(write)
        if self.port_goes:
            raise PortUnavailableError("/dev/ttyUSB0: unplugged")

    async def _answer(self, unit: int) -> Controller:
        await asyncio.sleep(EXCHANGE_S)
        controller = self.units[unit]
        if controller.is_silent:
            raise NoResponseError(f"no answer of unit {unit}")
        return controller


class Block:
    """The lamps of a street with what reads and writes them."""

    def __init__(
        self,
        lamps: int = 1,
        profiles: Mapping[int, Profile] | None = None,
        others: Sequence[Device] = (),
        *,
        may_broadcast: bool = False,
    ) -> None:
        self.street = Street({unit: Controller() for unit in range(1, lamps + 1)})
        self.records: list[Record] = []
        usual = load_builtin("lentera-lamp")
        self.lamps: list[Device] = [
            device_of(f"lamp-{unit}", unit, (profiles or {}).get(unit, usual)) for unit in self.street.units
        ]
        self.clock = LoopClock()
        states = {lamp: CommandedState() for lamp in self.lamps}
        devices = [*self.lamps, *others]
        self.reader = DeviceReader(self.street, self.clock, self.records, devices, states)  # type: ignore[arg-type]
        self.writer = LevelWriter(self.street, self.reader, states, may_broadcast=may_broadcast)  # type: ignore[arg-type]
        self.reader.state_loss_observers.append(self.writer)

    def want(self, level: int) -> None:
        """Set every lamp's target."""
        for lamp in self.lamps:
            self.writer.set_target(lamp, level, Reason.PROGRAM)

    async def write(
        self,
        lamps: Sequence[Device],
        lane: Lane,
        ramp_s: float = 0.0,
        on_verified: Callable[[Device], None] | None = None,
    ) -> Problems:
        """Write and verify the targets of these lamps."""
        return await self.writer.write_and_verify(lamps, lane, ramp_s, on_verified)

    def written(self, number: int = 0) -> tuple[int | None, float | None]:
        """The level and the ramp that a lamp is known to have been given."""
        state = self.writer.states[self.lamps[number]]
        return state.written_level_percent, state.written_ramp_s

    def presence(self, number: int = 0) -> Presence:
        """What is known of a lamp."""
        return self.reader.presences[self.lamps[number]]

    def controller(self, unit: int = 1) -> Controller:
        """What is at that unit."""
        return self.street.units[unit]
