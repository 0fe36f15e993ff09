"""One feeding point: its meter, which counts what the lamps behind it draw, its contacts and its faults."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from firmware_sim.devices.controller import LampController
from firmware_sim.devices.mains import Feeder
from firmware_sim.devices.photocell import is_dark
from firmware_sim.devices.registers import RegisterMap
from firmware_sim.wire.frames import ILLEGAL_ADDRESS, ILLEGAL_VALUE, WRITE_COIL, exception
from protocols.modbus.profile import Profile

PHASES: Final = (1, 2, 3)
CABLE_LOSS_SHARE: Final = 0.012
"""Of the lamps' power: the losses of the cables between meter and lamps."""

OWN_USE_W: Final = 7.0
"""Gateway, meter and I/O module, on phase 1 before the contactor."""

_ON = b"\xff\x00"
_SWITCHES = (_ON, b"\x00\x00")


class CabinetFault(StrEnum):
    """The faults of a cabinet that can be injected; breaker and supply are of one phase.

    A contactor that is stuck stays as it is, a welded one never opens again, one without a coil never
    closes. The hand switch bridges the relay. A reset of the contacts' module is over at once and lets its
    relay fall.
    """

    DOOR_OPEN = "doorOpen"
    BREAKER_TRIPPED = "breakerTripped"
    CONTACTOR_STUCK = "contactorStuck"
    CONTACTOR_WELDED = "contactorWelded"
    CONTACTOR_STUCK_OPEN = "contactorStuckOpen"
    HAND_SWITCH_ON = "handSwitchOn"
    CONTACTS_RESET = "contactsReset"
    PHOTOCELL_STUCK_ON = "photocellStuckOn"
    PHOTOCELL_STUCK_OFF = "photocellStuckOff"
    SUPPLY_LOSS = "supplyLoss"
    SILENT = "silent"


PHASE_FAULTS: Final = frozenset({CabinetFault.BREAKER_TRIPPED, CabinetFault.SUPPLY_LOSS})


@dataclass(frozen=True, slots=True)
class PhaseTruth:
    """One phase at the meter."""

    voltage_v: float
    current_a: float
    power_w: float
    apparent_va: float
    energy_wh: float


@dataclass(frozen=True, slots=True)
class CabinetTruth:
    """A cabinet at one instant; phases in order."""

    phases: tuple[PhaseTruth, ...]
    door_open: bool
    breaker_tripped: bool
    contactor_closed: bool
    contactor_target: bool
    photocell_on: bool

    @property
    def power_w(self) -> float:
        """Over all phases."""
        return sum(phase.power_w for phase in self.phases)

    @property
    def energy_wh(self) -> float:
        """Over all phases, the total of the meter's life."""
        return sum(phase.energy_wh for phase in self.phases)


class CabinetModel:
    """The meter's side of the lamps of one gateway. Time goes only forward.

    `lamps` are the controllers of each phase. Energy is the lamps', the cables' share and the cabinet's own.
    """

    def __init__(
        self,
        lamps: Sequence[Sequence[LampController]],
        feeder: Feeder,
        rng: random.Random,
        t_s: float,
        place: tuple[float, float],
    ) -> None:
        self._lamps = lamps
        self._latitude, self._longitude = place
        self._feeder = feeder
        self._t = t_s
        self._faults: set[tuple[CabinetFault, int]] = set()
        self._target = self._closed = True
        self._own_ws = 0.0
        self._counted_wh = [rng.uniform(1500.0, 2500.0) * 1000 for _ in PHASES]
        self._base_wh = [self._lamps_wh(index, t_s) for index in range(len(PHASES))]

    @property
    def faults(self) -> list[tuple[CabinetFault, int]]:
        """The faults in force with their phase, 0 where a fault has none."""
        return sorted(self._faults)

    @property
    def is_silent(self) -> bool:
        """Whether no device of the cabinet responds."""
        return self._has(CabinetFault.SILENT)

    def set_fault(self, fault: CabinetFault, phase: int, active: bool, t_s: float) -> None:
        """Set or clear a fault; `phase` is used only for a fault of one phase."""
        if fault is CabinetFault.CONTACTS_RESET:
            self.switch(self._target and not active, t_s)
            return
        self._advance(t_s)
        key = (fault, phase if fault in PHASE_FAULTS else 0)
        (self._faults.add if active else self._faults.discard)(key)
        self._settle(t_s)

    def switch(self, closed: bool, t_s: float) -> None:
        """Drive the coil of the contactor; a stuck contactor does not move."""
        self._advance(t_s)
        self._target = closed
        self._settle(t_s)

    def measure(self, t_s: float) -> CabinetTruth:
        """Return what instruments would show at `t_s`."""
        self._advance(t_s)
        photocell_on = self._has(CabinetFault.PHOTOCELL_STUCK_ON) or (
            not self._has(CabinetFault.PHOTOCELL_STUCK_OFF) and is_dark(self._latitude, self._longitude, t_s)
        )
        return CabinetTruth(
            phases=tuple(self._phase(phase) for phase in PHASES),
            door_open=self._has(CabinetFault.DOOR_OPEN),
            breaker_tripped=any(fault is CabinetFault.BREAKER_TRIPPED for fault, _ in self._faults),
            contactor_closed=self._closed,
            contactor_target=self._target,
            photocell_on=photocell_on,
        )

    def _advance(self, t_s: float) -> None:
        if t_s > self._t:
            if self._is_live(1):
                self._own_ws += OWN_USE_W * (t_s - self._t)
            self._t = t_s

    def _settle(self, t_s: float) -> None:
        self._closed = self._contact()
        for phase in PHASES:
            tripped = (CabinetFault.BREAKER_TRIPPED, phase) in self._faults
            for controller in self._lamps[phase - 1]:
                controller.set_supply(self._closed and self._is_live(phase) and not tripped, t_s)

    def _contact(self) -> bool:
        """Return whether the contactor closes, by its relay, its faults and the hand switch."""
        if self._has(CabinetFault.CONTACTOR_STUCK) or (
            self._closed and self._has(CabinetFault.CONTACTOR_WELDED)
        ):
            return self._closed
        if self._has(CabinetFault.CONTACTOR_STUCK_OPEN):
            return False
        return self._target or self._has(CabinetFault.HAND_SWITCH_ON)

    def _has(self, fault: CabinetFault) -> bool:
        return (fault, 0) in self._faults

    def _is_live(self, phase: int) -> bool:
        return (CabinetFault.SUPPLY_LOSS, phase) not in self._faults

    def _phase(self, phase: int) -> PhaseTruth:
        volts = self._feeder.voltage(self._t, 0.0, phase - 1) if self._is_live(phase) else 0.0
        own_w = OWN_USE_W if phase == 1 and volts else 0.0
        active = reactive = 0.0
        for controller in self._lamps[phase - 1]:
            truth = controller.measure(self._t)
            active += truth.active_power_w
            reactive += truth.active_power_w * math.sqrt(max(0.0, 1 / truth.power_factor**2 - 1))
        power = active * (1 + CABLE_LOSS_SHARE) + own_w
        apparent = math.hypot(power, reactive)
        lamps_wh = self._lamps_wh(phase - 1, self._t) - self._base_wh[phase - 1]
        own_wh = self._own_ws / 3600 if phase == 1 else 0.0
        return PhaseTruth(
            voltage_v=volts,
            current_a=apparent / volts if volts else 0.0,
            power_w=power,
            apparent_va=apparent,
            energy_wh=self._counted_wh[phase - 1] + lamps_wh * (1 + CABLE_LOSS_SHARE) + own_wh,
        )

    def _lamps_wh(self, index: int, t_s: float) -> float:
        return sum(controller.measure(t_s).energy_wh for controller in self._lamps[index])


class CabinetUnit:
    """A device of the cabinet on the line, of the make that its profile describes."""

    def __init__(self, cabinet: CabinetModel, profile: Profile) -> None:
        self._cabinet = cabinet
        self._map = RegisterMap(profile)

    def hears(self, t_s: float) -> bool:  # noqa: ARG002 - as every station on a line
        """Return whether the device receives a frame."""
        return not self._cabinet.is_silent


class Meter(CabinetUnit):
    """The cabinet's meter."""

    def answer(self, pdu: bytes, t_s: float) -> bytes:
        """Execute a request PDU and return the response PDU."""
        return self._map.read(pdu, meter_values(self._cabinet.measure(t_s)))


class Contacts(CabinetUnit):
    """The cabinet's I/O module; its first relay holds the contactor."""

    def answer(self, pdu: bytes, t_s: float) -> bytes:
        """Execute a request PDU and return the response PDU."""
        if pdu[0] == WRITE_COIL and len(pdu) == 5:
            if pdu[1:3] != b"\0\0":
                return exception(WRITE_COIL, ILLEGAL_ADDRESS)
            if pdu[3:5] not in _SWITCHES:
                return exception(WRITE_COIL, ILLEGAL_VALUE)
            self._cabinet.switch(pdu[3:5] == _ON, t_s)
            return pdu
        truth = self._cabinet.measure(t_s)
        values = {
            "door_open": truth.door_open,
            "breaker_tripped": truth.breaker_tripped,
            "contactor_state": truth.contactor_closed,
            "contactor_target": truth.contactor_target,
            "photocell_output_on": truth.photocell_on,
        }
        return self._map.read(pdu, values)


def meter_values(truth: CabinetTruth) -> dict[str, float | bool]:
    """Return what a meter of any make shows, by the names profiles use; a single-phase one sees the sum."""
    phases = truth.phases
    live = [phase.voltage_v for phase in phases if phase.voltage_v]
    apparent = sum(phase.apparent_va for phase in phases)
    power = truth.power_w
    # The sum of three currents a third of a turn apart.
    one, two, three = (phase.current_a for phase in phases)
    neutral_squared = one**2 + two**2 + three**2 - one * two - two * three - three * one
    values: dict[str, float | bool] = {
        "total_power_kw": power / 1000,
        "total_va_kva": apparent / 1000,
        "total_var_kvar": math.sqrt(max(0.0, apparent**2 - power**2)) / 1000,
        "total_power_factor": power / apparent if apparent else 1.0,
        "total_active_energy_kwh": truth.energy_wh / 1000,
        "import_active_energy_kwh": truth.energy_wh / 1000,
        "frequency_hz": 50.0,
        "supply_voltage_v": sum(live) / len(live) if live else 0.0,
        "total_current_a": sum(phase.current_a for phase in phases),
        "neutral_current_a": math.sqrt(max(0.0, neutral_squared)),
    }
    for number, phase in enumerate(phases, 1):
        values |= {
            f"phase{number}_voltage_v": phase.voltage_v,
            f"phase{number}_current_a": phase.current_a,
            f"phase{number}_active_power_kw": phase.power_w / 1000,
            f"phase{number}_active_energy_kwh": phase.energy_wh / 1000,
        }
    return values
