"""A contactor as the line sees it: the relay that holds its coil and its auxiliary contact."""

from dataclasses import dataclass

from edge.devices.device import Device, Part
from edge.line import Lane, Line
from protocols.modbus.codec import ReadBlock, decode_block, encode_write
from protocols.modbus.points import CONTACTOR_CONTACT, CONTACTOR_RELAY
from protocols.modbus.profile import Profile, Register


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where relay and auxiliary contact are; without the contact only the relay is seen."""

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
        self._line = line
        self._wiring = wiring
        self._put: bool | None = None

    @property
    def has_contact(self) -> bool:
        """Whether there is an auxiliary contact to be read."""
        return self._wiring.contact is not None

    @property
    def has_port(self) -> bool:
        """Whether the line can be used at all."""
        return self._line.problem is None

    async def relay(self, lane: Lane) -> bool | None:
        """Return where the relay is; if it cannot be read, where it was put last, None before that."""
        if not self._wiring.relay.readable:
            return self._put
        return await self._read(self._wiring.relay, lane)

    async def contact(self, lane: Lane) -> bool | None:
        """Return where the auxiliary contact is; None if it gives no valid value, or does not exist."""
        return None if self._wiring.contact is None else await self._read(self._wiring.contact, lane)

    async def put(self, closed: bool, lane: Lane) -> None:
        """Set the relay."""
        write = encode_write(self._wiring.profile, CONTACTOR_RELAY, closed)
        await self._line.write(self._wiring.unit, write, lane)
        self._put = closed

    async def _read(self, register: Register, lane: Lane) -> bool | None:
        block = ReadBlock(register.table, register.address, 1)
        words = await self._line.read(self._wiring.unit, block, lane)
        value = decode_block(self._wiring.profile, block, words)[register.name]
        return None if value is None else bool(value)
