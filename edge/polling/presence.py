"""Whether a device responds, and its last readings. Written by the `DeviceReader` of its line alone."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from protocols.cabinet import DeviceReading
from protocols.modbus.codec import Value

FAILURES_UNTIL_UNRESPONSIVE: Final = 3
"""Failed reads in a row before a device counts as unresponsive. Our choice: a lost frame is no fault."""


class PresenceState(StrEnum):
    """`UNKNOWN` until the first response, and while the port of the line cannot be used."""

    UNKNOWN = "unknown"
    RESPONSIVE = "responsive"
    UNRESPONSIVE = "unresponsive"


@dataclass(slots=True)
class Presence:
    """The result of reading one device.

    `failures` counts failed reads since the last response; `slow_values` are the slow registers as last read.
    """

    state: PresenceState = PresenceState.UNKNOWN
    failures: int = 0
    boot_counter: int | None = None
    power_cycle_seen: bool | None = None
    last_reading: DeviceReading | None = None
    slow_values: dict[str, Value] = field(default_factory=dict)

    @property
    def is_responsive(self) -> bool:
        """Whether the device gave a valid response to its last reads."""
        return self.state is PresenceState.RESPONSIVE

    @property
    def is_unresponsive(self) -> bool:
        """Whether the device does not respond; False while its state is unknown."""
        return self.state is PresenceState.UNRESPONSIVE

    def record_response(self) -> bool:
        """Record a valid response; return whether the device was unresponsive until now."""
        was_unresponsive = self.is_unresponsive
        self.failures = 0
        self.state = PresenceState.RESPONSIVE
        return was_unresponsive

    def record_failure(self) -> bool:
        """Record a failed read; return whether the device became unresponsive with it."""
        self.failures += 1
        if self.failures < FAILURES_UNTIL_UNRESPONSIVE or self.is_unresponsive:
            return False
        self.state = PresenceState.UNRESPONSIVE
        return True

    def record_boot(self, counter: Value, power_cycle: Value) -> str:
        """Record what a device reports of its last start; return the evidence of a restart, or nothing.

        `counter` is its boot counter, `power_cycle` the flag of devices without one: set from a start until
        the first level is written. None where the device has no such register.
        """
        if counter is not None:
            before, self.boot_counter = self.boot_counter, int(counter)
            if before is not None and before != self.boot_counter:
                return f"boot counter went from {before} to {self.boot_counter}"
        elif power_cycle is not None:
            before_seen, self.power_cycle_seen = self.power_cycle_seen, bool(power_cycle)
            # A bridge may report the flag set for a long time: only a change to set is a restart.
            if before_seen is False and self.power_cycle_seen:
                return "reports that it got no level since it started"
        return ""
