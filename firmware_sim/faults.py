"""What can go wrong with a simulated lamp, its controller and its answers."""

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
"""Faults one can see in the street or on a meter."""

WIRE_FAULTS = frozenset(
    {FaultType.SILENT, FaultType.LATE_ANSWER, FaultType.CORRUPT_CRC, FaultType.WRONG_UNIT}
)
"""Faults of the answer alone: the lamp itself goes on as commanded."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in force; `probability` is the share of answers a fault of the wire spoils."""

    type: FaultType
    probability: float = 1.0
