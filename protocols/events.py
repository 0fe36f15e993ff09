"""Event types by their TALQ 2.7.1 names, with their severity and where they are raised."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How urgent an event is."""

    CRITICAL = "critical"  # light is missing or the street is unsafe
    MAJOR = "major"  # energy is wasted or equipment is at risk
    MINOR = "minor"  # for the next visit
    INFO = "info"  # needs no action


class Source(StrEnum):
    """Which part raises an event."""

    GATEWAY = "gateway"
    CLOUD = "cloud"
    BOTH = "both"  # each for what only it can detect


class EventType(StrEnum):
    """The TALQ event types that Lentera raises."""

    LAMP_FAILURE = "lampFailure"
    LAMP_UNEXPECTED_ON = "lampUnexpectedOn"
    DIMMING_FAILURE = "dimmingFailure"
    CYCLING_FAILURE = "cyclingFailure"
    CONTROL_GEAR_COMM_FAILURE = "controlGearCommFailure"
    LAMP_POWER_TOO_HIGH = "lampPowerTooHigh"
    LAMP_POWER_TOO_LOW = "lampPowerTooLow"
    SUPPLY_VOLTAGE_TOO_HIGH = "supplyVoltageTooHigh"
    SUPPLY_VOLTAGE_TOO_LOW = "supplyVoltageTooLow"
    SUPPLY_LOSS = "supplyLoss"
    CABINET_DOOR_OPEN = "cabinetDoorOpen"
    CIRCUIT_BREAKER_TRIPPED = "circuitBreakerTripped"
    SWITCHING_ERROR_ON = "switchingErrorOn"  # stuck in ON: should be off
    SWITCHING_ERROR_OFF = "switchingErrorOff"  # stuck in OFF: should be on
    LOCAL_OVERRIDE = "localOverride"
    PHOTOCELL_OUTPUT_ON = "photocellOutputOn"
    COMMUNICATION_FAILURE = "communicationFailure"
    DEVICE_RESET = "deviceReset"
    LAST_SYNC_ERROR = "lastSyncError"


@dataclass(frozen=True, slots=True)
class EventTraits:
    """The fixed properties of an event type."""

    function: str
    severity: Severity
    source: Source


TRAITS: dict[EventType, EventTraits] = {
    EventType.LAMP_FAILURE: EventTraits("LampMonitorFunction", Severity.CRITICAL, Source.CLOUD),
    EventType.LAMP_UNEXPECTED_ON: EventTraits("LampMonitorFunction", Severity.MAJOR, Source.CLOUD),
    # The gateway, where a controller does not accept its level; the cloud, where the light differs from it.
    EventType.DIMMING_FAILURE: EventTraits("LampMonitorFunction", Severity.MAJOR, Source.BOTH),
    EventType.CYCLING_FAILURE: EventTraits("LampMonitorFunction", Severity.MAJOR, Source.CLOUD),
    EventType.CONTROL_GEAR_COMM_FAILURE: EventTraits("LampMonitorFunction", Severity.MAJOR, Source.CLOUD),
    EventType.LAMP_POWER_TOO_HIGH: EventTraits("LampMonitorFunction", Severity.MINOR, Source.CLOUD),
    EventType.LAMP_POWER_TOO_LOW: EventTraits("LampMonitorFunction", Severity.MINOR, Source.CLOUD),
    EventType.SUPPLY_VOLTAGE_TOO_HIGH: EventTraits("LampMonitorFunction", Severity.MINOR, Source.CLOUD),
    EventType.SUPPLY_VOLTAGE_TOO_LOW: EventTraits("LampMonitorFunction", Severity.MINOR, Source.CLOUD),
    EventType.SUPPLY_LOSS: EventTraits("LampMonitorFunction", Severity.CRITICAL, Source.CLOUD),
    EventType.CABINET_DOOR_OPEN: EventTraits("CabinetMonitorFunction", Severity.MAJOR, Source.CLOUD),
    EventType.CIRCUIT_BREAKER_TRIPPED: EventTraits("SegmentMonitorFunction", Severity.CRITICAL, Source.CLOUD),
    EventType.SWITCHING_ERROR_ON: EventTraits("SegmentMonitorFunction", Severity.MAJOR, Source.GATEWAY),
    EventType.SWITCHING_ERROR_OFF: EventTraits("SegmentMonitorFunction", Severity.CRITICAL, Source.GATEWAY),
    EventType.LOCAL_OVERRIDE: EventTraits("SegmentMonitorFunction", Severity.MINOR, Source.GATEWAY),
    EventType.PHOTOCELL_OUTPUT_ON: EventTraits("PhotocellFunction", Severity.INFO, Source.GATEWAY),
    EventType.COMMUNICATION_FAILURE: EventTraits("CommunicationFunction", Severity.MAJOR, Source.GATEWAY),
    EventType.DEVICE_RESET: EventTraits("BasicFunction", Severity.INFO, Source.GATEWAY),
    EventType.LAST_SYNC_ERROR: EventTraits("TimeFunction", Severity.MAJOR, Source.GATEWAY),
}


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """The start or the end of a condition (TALQ `EventLogData`) of a lamp, a cabinet or a gateway.

    `active` is TALQ's `startEndFlag`; for an event without duration, such as a reset, it is always true.
    """

    device_id: str
    type: EventType
    time: datetime
    active: bool
    info: str = ""
