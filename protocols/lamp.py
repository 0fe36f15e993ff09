"""The model of a lamp; units are in the names."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a level is in effect (TALQ 2.7.1 `Command.reason`)."""

    DEFAULT = "default"
    OVERRIDE = "override"
    SENSOR = "sensor"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class LampReading:
    """What one poll of one lamp controller returned. A field is None where it returned no valid value.

    Levels are 0-100 %. `target_level_percent` is the level last requested, `feedback_level_percent` the one
    that the controller reports to be in effect, `actual_level_percent` what it measures at its output.
    """

    device_id: str
    time: datetime
    target_level_percent: int | None = None
    feedback_level_percent: int | None = None
    reason: Reason | None = None
    actual_level_percent: float | None = None
    supply_voltage_v: float | None = None
    supply_current_a: float | None = None
    active_power_w: float | None = None
    power_factor: float | None = None
    temperature_c: float | None = None
    active_energy_kwh: float | None = None
    operating_hours_h: float | None = None
    switch_on_counter: int | None = None
    lamp_failure: bool | None = None
    control_gear_failure: bool | None = None


@dataclass(frozen=True, slots=True)
class LightCommand:
    """An override for one lamp; `level_percent` None ends the override in force.

    It is not carried out after `deadline`. The override ends at `expiration`; None means that it never ends.
    """

    command_id: str
    device_id: str
    level_percent: int | None
    start: datetime
    deadline: datetime
    expiration: datetime | None
    ramp_s: float = 0.0


class CommandStatus(StrEnum):
    """The progress of a command on one device; all but `PENDING` are final."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a command on one device; `detail` is the reason why it was not confirmed."""

    command_id: str
    device_id: str
    status: CommandStatus
    time: datetime
    level_percent: int | None = None
    detail: str = ""
