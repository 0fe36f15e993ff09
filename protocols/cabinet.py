"""The model of a cabinet: its meter, its door, its breakers and its contactor."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from protocols.lamp import LampReading


class SwitchState(StrEnum):
    """Whether a contactor feeds its segment (TALQ 2.7.1 `SegmentMonitorFunction.actualState`)."""

    ON = "ON"
    OFF = "OFF"


@dataclass(frozen=True, slots=True)
class CabinetReading:
    """What one poll of one cabinet returned. A field is None where no device returned a valid value.

    Totals are over all phases; a single-phase meter fills only those. Energy is the total of the meter's
    life. `breaker_tripped` is true while at least one of the outgoing breakers is open, and
    `photocell_output_on` while the photocell finds it dark.
    """

    device_id: str
    time: datetime
    total_power_kw: float | None = None
    total_va_kva: float | None = None
    total_var_kvar: float | None = None
    total_power_factor: float | None = None
    total_active_energy_kwh: float | None = None
    frequency_hz: float | None = None
    supply_voltage_v: float | None = None
    total_current_a: float | None = None
    neutral_current_a: float | None = None
    phase1_voltage_v: float | None = None
    phase2_voltage_v: float | None = None
    phase3_voltage_v: float | None = None
    phase1_current_a: float | None = None
    phase2_current_a: float | None = None
    phase3_current_a: float | None = None
    phase1_active_power_kw: float | None = None
    phase2_active_power_kw: float | None = None
    phase3_active_power_kw: float | None = None
    phase1_active_energy_kwh: float | None = None
    phase2_active_energy_kwh: float | None = None
    phase3_active_energy_kwh: float | None = None
    door_open: bool | None = None
    breaker_tripped: bool | None = None
    contactor_state: SwitchState | None = None
    photocell_output_on: bool | None = None

    @property
    def phase_voltages_v(self) -> tuple[float | None, float | None, float | None]:
        """The voltages of phases 1, 2 and 3."""
        return self.phase1_voltage_v, self.phase2_voltage_v, self.phase3_voltage_v

    @property
    def phase_powers_kw(self) -> tuple[float | None, float | None, float | None]:
        """The active powers of phases 1, 2 and 3."""
        return self.phase1_active_power_kw, self.phase2_active_power_kw, self.phase3_active_power_kw


DeviceReading = LampReading | CabinetReading
"""What a poll of any device returns."""
