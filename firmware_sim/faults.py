"""The faults of a simulated lamp, its controller and its responses."""

from dataclasses import dataclass
from enum import StrEnum


class FaultType(StrEnum):
    """The faults that can be injected."""

    LAMP_OUT = "lampOut"
    DRIVER_FAILURE = "driverFailure"
    RELAY_STUCK_ON = "relayStuckOn"
    CYCLING = "cycling"
    DIMMING_IGNORED = "dimmingIgnored"
    SUPPLY_LOSS = "supplyLoss"
    SILENT = "silent"
    LATE_ANSWER = "lateAnswer"
    CORRUPT_CRC = "corruptCrc"
    WRONG_UNIT = "wrongUnit"
    REBOOT = "reboot"


LUMINAIRE_FAULTS = frozenset(
    {
        FaultType.LAMP_OUT,
        FaultType.DRIVER_FAILURE,
        FaultType.RELAY_STUCK_ON,
        FaultType.CYCLING,
        FaultType.DIMMING_IGNORED,
        FaultType.SUPPLY_LOSS,
    }
)
"""Faults that are visible in the street or on a meter."""

WIRE_FAULTS = frozenset(
    {FaultType.SILENT, FaultType.LATE_ANSWER, FaultType.CORRUPT_CRC, FaultType.WRONG_UNIT}
)
"""Faults of the response only: the lamp itself follows its commands."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in force; `probability` is the share of responses that a fault of the wire affects."""

    type: FaultType
    probability: float = 1.0
