"""The catalogue of all metrics that lamps, cabinets and gateways publish, by their TALQ 2.7.1 names."""

from dataclasses import dataclass

from protocols.sparkplug.datatypes import DataType


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its wire name `<Function>/<attribute>`, its type, and the reading's field it fills.

    A change smaller than `deadband` (in `unit`) is not sent to live views; stores keep every reading. The
    deadbands are our choice: about the noise of a controller or a meter.
    """

    name: str
    field: str
    datatype: DataType
    unit: str = ""
    deadband: float = 0.0

    @property
    def attribute(self) -> str:
        """The TALQ attribute, which is the name in JSON."""
        return self.name.rpartition("/")[2]


TARGET_LIGHT_COMMAND = "LampActuatorFunction/targetLightCommand"

LAMP_METRICS: tuple[Metric, ...] = (
    Metric(TARGET_LIGHT_COMMAND, "target_level_percent", DataType.INT32, "%"),
    Metric("LampActuatorFunction/feedbackLightCommand", "feedback_level_percent", DataType.INT32, "%"),
    Metric("LampActuatorFunction/reason", "reason", DataType.STRING),
    Metric("LampActuatorFunction/actualLightState", "actual_level_percent", DataType.FLOAT, "%", 1.0),
    Metric("LampMonitorFunction/supplyVoltage", "supply_voltage_v", DataType.FLOAT, "V", 2.0),
    Metric("LampMonitorFunction/supplyCurrent", "supply_current_a", DataType.FLOAT, "A", 0.02),
    Metric("LampMonitorFunction/activePower", "active_power_w", DataType.FLOAT, "W", 1.0),
    Metric("LampMonitorFunction/powerFactor", "power_factor", DataType.FLOAT, "", 0.02),
    Metric("TemperatureSensorFunction/temperature", "temperature_c", DataType.FLOAT, "°C", 2.0),
    Metric("LampMonitorFunction/activeEnergy", "active_energy_kwh", DataType.DOUBLE, "kWh", 0.1),
    Metric("LampMonitorFunction/operatingHours", "operating_hours_h", DataType.DOUBLE, "h", 0.1),
    Metric("LampMonitorFunction/switchOnCounter", "switch_on_counter", DataType.UINT32),
    Metric("ControlGearDaliPart102Function/lampFailure", "lamp_failure", DataType.BOOLEAN),
    Metric("ControlGearDaliPart102Function/controlGearFailure", "control_gear_failure", DataType.BOOLEAN),
)
"""A lamp's metrics in birth order: the fields of a reading except its device and time."""

CABINET_METRICS: tuple[Metric, ...] = (
    Metric("ElectricalMeterFunction/totalPower", "total_power_kw", DataType.FLOAT, "kW", 0.01),
    Metric("ElectricalMeterFunction/totalVA", "total_va_kva", DataType.FLOAT, "kVA", 0.01),
    Metric("ElectricalMeterFunction/totalVAR", "total_var_kvar", DataType.FLOAT, "kvar", 0.01),
    Metric("ElectricalMeterFunction/totalPowerFactor", "total_power_factor", DataType.FLOAT, "", 0.02),
    Metric(
        "ElectricalMeterFunction/totalActiveEnergy", "total_active_energy_kwh", DataType.DOUBLE, "kWh", 0.1
    ),
    Metric("ElectricalMeterFunction/frequency", "frequency_hz", DataType.FLOAT, "Hz", 0.1),
    Metric("ElectricalMeterFunction/supplyVoltage", "supply_voltage_v", DataType.FLOAT, "V", 2.0),
    Metric("ElectricalMeterFunction/totalCurrent", "total_current_a", DataType.FLOAT, "A", 0.1),
    Metric("ElectricalMeterFunction/neutralCurrent", "neutral_current_a", DataType.FLOAT, "A", 0.1),
    *(
        Metric(
            f"ElectricalMeterFunction/phase{phase}{attribute}", f"phase{phase}_{field}", kind, unit, deadband
        )
        for attribute, field, kind, unit, deadband in (
            ("Voltage", "voltage_v", DataType.FLOAT, "V", 2.0),
            ("Current", "current_a", DataType.FLOAT, "A", 0.1),
            ("ActivePower", "active_power_kw", DataType.FLOAT, "kW", 0.01),
            ("ActiveEnergy", "active_energy_kwh", DataType.DOUBLE, "kWh", 0.1),
        )
        for phase in (1, 2, 3)
    ),
    Metric("CabinetMonitorFunction/cabinetDoorOpen", "door_open", DataType.BOOLEAN),
    Metric("SegmentMonitorFunction/circuitBreakerTripped", "breaker_tripped", DataType.BOOLEAN),
    Metric("SegmentMonitorFunction/actualState", "contactor_state", DataType.STRING),
    Metric("PhotocellFunction/photocellOutputOn", "photocell_output_on", DataType.BOOLEAN),
)
"""A cabinet's metrics in birth order: the fields of a reading except its device and time."""

COMMAND_ID = "Command/id"
COMMAND_START = "Command/start"
COMMAND_DEADLINE = "Command/deadline"
COMMAND_EXPIRATION = "Command/expiration"
COMMAND_RAMP_S = "Command/rampToLevelTime"

OUTBOX_POSITION = "Outbox/position"
OUTBOX_EPOCH = "Outbox/epoch"
OUTBOX_ACKNOWLEDGED = "Outbox/acknowledged"
CLOUD_TIME = "Gateway/cloudTime"
EVENT_RECORD = "Gateway/event"
COMMAND_RESULT_RECORD = "Gateway/commandResult"
PLAN_DOCUMENT = "Plan/document"
PLAN_HASH = "Plan/hash"
PLAN_PROBLEM = "Plan/problem"

CABINET_CONTROL_METRICS: tuple[Metric, ...] = (Metric(TARGET_LIGHT_COMMAND, "", DataType.INT32, "%"),)
"""What a cabinet accepts besides `DEVICE_CONTROL_METRICS`: above 0 its contactor closes, at 0 it opens."""

DEVICE_CONTROL_METRICS: tuple[Metric, ...] = (
    Metric(OUTBOX_POSITION, "", DataType.UINT64),
    Metric(COMMAND_ID, "", DataType.STRING),
    Metric(COMMAND_START, "", DataType.DATETIME),
    Metric(COMMAND_DEADLINE, "", DataType.DATETIME),
    Metric(COMMAND_EXPIRATION, "", DataType.DATETIME),
    Metric(COMMAND_RAMP_S, "", DataType.FLOAT, "s"),
)
"""What the birth of a lamp or cabinet declares too: a record's position and the parts of a command."""

NODE_METRICS: tuple[Metric, ...] = (
    Metric(OUTBOX_EPOCH, "", DataType.INT64),
    Metric(OUTBOX_POSITION, "", DataType.UINT64),
    Metric(OUTBOX_ACKNOWLEDGED, "", DataType.UINT64_ARRAY),
    Metric(CLOUD_TIME, "", DataType.DATETIME),
    Metric(EVENT_RECORD, "", DataType.STRING),
    Metric(COMMAND_RESULT_RECORD, "", DataType.STRING),
    Metric(PLAN_DOCUMENT, "", DataType.STRING),
    Metric(PLAN_HASH, "", DataType.STRING),
    Metric(PLAN_PROBLEM, "", DataType.STRING),
)
"""What a gateway's own birth declares besides bdSeq and Node Control/Rebirth."""
