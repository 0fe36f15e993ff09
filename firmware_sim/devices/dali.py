"""A DALI gateway on a line: one Modbus unit with registers for each gear of its DALI buses."""

import struct
from collections.abc import Mapping
from typing import Final

from firmware_sim.devices.luminaire import Luminaire
from firmware_sim.devices.registers import RegisterMap
from firmware_sim.faults import FaultType
from firmware_sim.wire.frames import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    READ_HOLDING,
    WRITE_MULTIPLE,
    WRITE_SINGLE,
    exception,
)
from protocols.modbus.profile import Profile

FADE_S: Final = 0.7
"""DALI's fade time 1: the factory setting of gears."""

_MASK = 0xFF

GearAddress = tuple[int, int]
"""DALI bus and short address."""


class Gear:
    """One control gear and the light it drives."""

    def __init__(self, luminaire: Luminaire, profile: Profile) -> None:
        self.luminaire = luminaire
        self.faults: set[FaultType] = set()
        self.map = RegisterMap(profile)
        level = next(each for each in profile.registers if each.name == "target_level_percent")
        self.target_address = level.address
        self.first = min(each.address for each in profile.registers)
        self.last = max(each.end for each in profile.registers) - 1
        self._target = 0

    def set_fault(self, fault: FaultType, active: bool, t_s: float) -> None:
        """Set or clear a fault."""
        (self.faults.add if active else self.faults.discard)(fault)
        self.luminaire.set_fault(fault, active, t_s)

    def command(self, level_percent: int, t_s: float) -> None:
        """Fade to a level."""
        self._target = level_percent
        self.luminaire.command(level_percent, FADE_S, t_s)

    def values(self, t_s: float) -> Mapping[str, float | bool]:
        """Return the values that the DALI gateway reports for the gear."""
        truth = self.luminaire.measure(t_s)
        dead = FaultType.DRIVER_FAILURE in self.faults
        return {
            "control_gear_failure": dead,
            "lamp_failure": FaultType.LAMP_OUT in self.faults and self._target > 0,
            "lamp_on": truth.lit,
            "fade_running": not dead and abs(truth.level_percent - self._target) > 0.5,
            "actual_level_percent": _MASK if dead else round(truth.level_percent),
            "target_level_percent": self._target,
        }


class DaliGateway:
    """The unit on the line. It responds for every gear, also for gear that does not respond to it."""

    def __init__(self, profile: Profile, luminaires: Mapping[GearAddress, Luminaire]) -> None:
        self.gears = {place: Gear(each, profile.at(*place)) for place, each in luminaires.items()}

    def hears(self, t_s: float) -> bool:  # noqa: ARG002 - as every station on a line
        """Return whether the unit receives a frame."""
        return True

    def answer(self, pdu: bytes, t_s: float) -> bytes:
        """Execute a request PDU and return the response PDU."""
        function = pdu[0]
        if function not in (READ_HOLDING, WRITE_SINGLE, WRITE_MULTIPLE) or len(pdu) < 5:
            return exception(function, ILLEGAL_FUNCTION)
        address, operand = struct.unpack(">HH", pdu[1:5])
        gear = next((each for each in self.gears.values() if each.first <= address <= each.last), None)
        if gear is None:
            return exception(function, ILLEGAL_ADDRESS)
        if function == READ_HOLDING:
            return gear.map.read(pdu, gear.values(t_s))
        level = operand if function == WRITE_SINGLE else int.from_bytes(pdu[6:8], "big")
        if address != gear.target_address or level > 100:
            return exception(function, ILLEGAL_VALUE)
        gear.command(level, t_s)
        return pdu[:5]
