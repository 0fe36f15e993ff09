"""What the gateway knows of one device on a line, now."""

import dataclasses
from dataclasses import dataclass, field
from typing import Final

from protocols.lamp import LampReading, Reason
from protocols.modbus.codec import ReadBlock, Value, plan_reads
from protocols.modbus.profile import Poll, Profile

LEVEL_POINT: Final = "target_level_percent"
RAMP_POINT: Final = "fade_time_s"
BOOT_COUNTER: Final = "boot_counter"

_SET_BY_GATEWAY = frozenset({"lamp_id", "time", "target_level_percent", "reason"})
MEASURED_FIELDS: Final = tuple(
    each.name for each in dataclasses.fields(LampReading) if each.name not in _SET_BY_GATEWAY
)
"""The fields of a reading that come from the device's registers."""


@dataclass(slots=True, eq=False)
class Device:
    """One lamp or meter. Shared by the parts of a gateway, which all run on one event loop.

    `target_level_percent` is the level that should be, `told_level_percent` the one last written and not
    disproved since. `answering` is None until the device was asked for the first time.
    """

    id: str
    unit: int
    profile: Profile
    fast_blocks: tuple[ReadBlock, ...]
    slow_blocks: tuple[ReadBlock, ...]
    dimmable: bool
    target_level_percent: int | None = None
    reason: Reason | None = None
    ramp_s: float = 0.0
    told_level_percent: int | None = None
    told_ramp_s: float | None = None
    boot_counter: int | None = None
    answering: bool | None = None
    failures: int = 0
    last_reading: LampReading | None = None
    slow_values: dict[str, Value] = field(default_factory=dict)


def device_of(device_id: str, unit: int, profile: Profile) -> Device:
    """A device as configured, with what to ask it worked out from its profile."""
    slow = tuple(
        block
        for block in plan_reads(profile, Poll.SLOW)
        if any(
            register.name in MEASURED_FIELDS
            and register.table is block.table
            and block.address <= register.address < block.end
            for register in profile.registers
        )
    )
    dimmable = any(register.name == LEVEL_POINT and register.writable for register in profile.registers)
    return Device(device_id, unit, profile, tuple(plan_reads(profile, Poll.FAST)), slow, dimmable)
