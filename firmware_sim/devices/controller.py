"""The firmware of the reference lamp controller: its registers, its watchdog and its starts."""

import struct

from firmware_sim.devices.luminaire import Luminaire, Measurement
from firmware_sim.faults import LUMINAIRE_FAULTS, FaultType
from firmware_sim.wire.frames import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_MULTIPLE,
    WRITE_SINGLE,
    exception,
)

INPUT_REGISTERS = 16
FIRMWARE_VERSION = 0x0104
MASK = 0xFFFF
BOOT_S = 2.0

_INPUT_BLOCK = struct.Struct(">8HIIIHH")
_TARGET, _FADE, _WATCHDOG_TIMEOUT, _WATCHDOG_LEVEL, _POWER_ON_LEVEL = range(5)
_HIGHEST = (100, 6000, 65534, 100, 100)
_FACTORY = (0, 10, 3600, 100, 100)


class LampController:
    """One controller and the luminaire it drives; it starts with its lamp off."""

    def __init__(self, luminaire: Luminaire, boot_counter: int, t_s: float) -> None:
        self.luminaire = luminaire
        self.faults: set[FaultType] = set()
        self._holding = list(_FACTORY)
        self.feedback_percent = 0
        """The level that the controller reports to be in effect."""
        self._boot_counter = boot_counter
        self._heard_at = t_s
        self._silent_until = t_s
        self._limit_error = False
        self._watchdog_active = False
        self._power_cycle_seen = False
        self._supplied = True

    def set_fault(self, fault: FaultType, active: bool, t_s: float) -> None:
        """Set or clear a fault; a reboot is immediate and leaves no fault."""
        self.advance(t_s)
        if fault is FaultType.REBOOT:
            if active:
                self._reboot(t_s)
            return
        (self.faults.add if active else self.faults.discard)(fault)
        if fault in LUMINAIRE_FAULTS:
            dark = fault is FaultType.SUPPLY_LOSS and not self._supplied
            self.luminaire.set_fault(fault, active or dark, t_s)

    def set_supply(self, supplied: bool, t_s: float) -> None:
        """Cut the pole off from the mains, or reconnect it, which restarts the controller."""
        self.advance(t_s)
        if supplied is self._supplied:
            return
        self._supplied = supplied
        dark = not supplied or FaultType.SUPPLY_LOSS in self.faults
        self.luminaire.set_fault(FaultType.SUPPLY_LOSS, dark, t_s)
        if supplied:
            self._reboot(t_s)

    def hears(self, t_s: float) -> bool:
        """Return whether the controller receives a frame; a received frame restarts its watchdog."""
        self.advance(t_s)
        if t_s < self._silent_until or not self._supplied or FaultType.SILENT in self.faults:
            return False
        self._heard_at = t_s
        return True

    def advance(self, t_s: float) -> None:
        """Apply the watchdog at the instant it expired."""
        timeout = self._holding[_WATCHDOG_TIMEOUT]
        due = self._heard_at + timeout
        if timeout and self._supplied and not self._watchdog_active and due <= t_s:
            self._watchdog_active = True
            self._apply(self._holding[_WATCHDOG_LEVEL], due)

    def measure(self, t_s: float) -> Measurement:
        """Return the physical state of the luminaire."""
        self.advance(t_s)
        return self.luminaire.measure(t_s)

    def answer(self, pdu: bytes, t_s: float) -> bytes:
        """Execute a request PDU and return the response PDU."""
        function = pdu[0]
        if function in (READ_INPUT, READ_HOLDING) and len(pdu) == 5:
            return self._read(function, pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4], t_s)
        if function == WRITE_SINGLE and len(pdu) == 5:
            refused = self._write(pdu[1] << 8 | pdu[2], (pdu[3] << 8 | pdu[4],), t_s)
            return exception(function, refused) if refused else pdu
        if function == WRITE_MULTIPLE and len(pdu) >= 6:
            address, count = pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4]
            if not 1 <= count <= 123 or pdu[5] != 2 * count or len(pdu) != 6 + 2 * count:
                return exception(function, ILLEGAL_VALUE)
            refused = self._write(address, struct.unpack(f">{count}H", pdu[6:]), t_s)
            return exception(function, refused) if refused else pdu[:5]
        return exception(function, ILLEGAL_FUNCTION)

    def _read(self, function: int, address: int, count: int, t_s: float) -> bytes:
        size = INPUT_REGISTERS if function == READ_INPUT else len(self._holding)
        if not 1 <= count <= 125:
            return exception(function, ILLEGAL_VALUE)
        if address + count > size:
            return exception(function, ILLEGAL_ADDRESS)
        is_input = function == READ_INPUT
        block = self._input_block(t_s) if is_input else struct.pack(f">{size}H", *self._holding)
        return bytes((function, 2 * count)) + block[2 * address : 2 * (address + count)]

    def _input_block(self, t_s: float) -> bytes:
        truth = self.luminaire.measure(t_s)
        gear_dead = FaultType.DRIVER_FAILURE in self.faults
        return _INPUT_BLOCK.pack(
            MASK if gear_dead else round(truth.level_percent),
            self.feedback_percent,
            self._status(truth, gear_dead),
            round(truth.supply_voltage_v * 10),
            round(truth.supply_current_a * 1000),
            round(truth.active_power_w * 10),
            round(truth.power_factor * 1000),
            MASK if gear_dead else round(truth.temperature_c + 60),
            int(truth.energy_wh),
            int(truth.lit_s),
            truth.switch_ons,
            self._boot_counter,
            FIRMWARE_VERSION,
        )

    def _status(self, truth: Measurement, gear_dead: bool) -> int:
        lamp_failed = FaultType.LAMP_OUT in self.faults and self.feedback_percent > 0
        return (
            lamp_failed
            | gear_dead << 1
            | truth.lit << 2
            | self._limit_error << 3
            | self._watchdog_active << 4
            | self._power_cycle_seen << 7
        )

    def _write(self, address: int, values: tuple[int, ...], t_s: float) -> int:
        """Write all values or none; return the exception code, 0 for success."""
        if address + len(values) > len(self._holding):
            return ILLEGAL_ADDRESS
        for register, value in enumerate(values, address):
            if value > _HIGHEST[register]:
                self._limit_error = self._limit_error or register == _TARGET
                return ILLEGAL_VALUE
        self._holding[address : address + len(values)] = values
        if address == _TARGET:
            self._limit_error = self._watchdog_active = self._power_cycle_seen = False
            self._apply(self._holding[_TARGET], t_s)
        return 0

    def _apply(self, level_percent: int, t_s: float) -> None:
        self.feedback_percent = level_percent
        self.luminaire.command(level_percent, self._holding[_FADE] / 10.0, t_s)

    def _reboot(self, t_s: float) -> None:
        """Restart: settings in flash are kept, the commanded level is lost."""
        self._boot_counter = self._boot_counter + 1 & 0x7FFF
        self._power_cycle_seen, self._limit_error, self._watchdog_active = True, False, False
        self._silent_until = t_s + BOOT_S
        self._heard_at = t_s
        self._holding[_TARGET] = self.feedback_percent = self._holding[_POWER_ON_LEVEL]
        self.luminaire.command(self.feedback_percent, 0.0, t_s)
