"""Reads and writes a contactor on the line: the relay that feeds its coil, and its auxiliary contact."""

from dataclasses import dataclass

from edge.devices.device import Device, Part
from edge.line import Lane, Line
from protocols.modbus.codec import ReadBlock, decode_block, encode_write
from protocols.modbus.points import CONTACTOR_CONTACT, CONTACTOR_RELAY
from protocols.modbus.profile import Profile, Register


@dataclass(frozen=True, slots=True)
class Wiring:
    """The registers of relay and auxiliary contact; without the contact only the relay can be read."""

    unit: int
    profile: Profile
    relay: Register
    contact: Register | None


def wiring_of(device: Device) -> Wiring | None:
    """Return how a cabinet's contactor is wired; None if no unit of the cabinet can switch one."""
    parts: tuple[Device | Part, ...] = (*device.parts, device)
    for part in parts:
        registers = {register.name: register for register in part.profile.registers}
        relay = registers.get(CONTACTOR_RELAY)
        if relay is not None and relay.writable:
            return Wiring(part.unit, part.profile, relay, registers.get(CONTACTOR_CONTACT))
    return None


class ContactorIo:
    """One contactor on the line; True is closed.

    Raises:
        LineError: from every request that gets no valid response.
    """

    def __init__(self, line: Line, wiring: Wiring) -> None:
        self.line = line
        self.wiring = wiring
        self._put: bool | None = None

    async def relay(self, lane: Lane) -> bool | None:
        """Return the state of the relay; if it cannot be read, the state last written, None before that."""
        if not self.wiring.relay.readable:
            return self._put
        return await self.read(self.wiring.relay, lane)

    async def put(self, closed: bool, lane: Lane) -> None:
        """Write the state of the relay."""
        write = encode_write(self.wiring.profile, CONTACTOR_RELAY, closed)
        await self.line.write(self.wiring.unit, write, lane)
        self._put = closed

    async def read(self, register: Register, lane: Lane) -> bool | None:
        """Return the state of the wiring's relay or auxiliary contact; None if its value is not valid."""
        block = ReadBlock(register.table, register.address, 1)
        words = await self.line.read(self.wiring.unit, block, lane)
        value = decode_block(self.wiring.profile, block, words)[register.name]
        return None if value is None else bool(value)
