"""What the gateway knows of one device on a line, now."""

import dataclasses
from dataclasses import dataclass, field
from typing import Final

from edge.config.line_settings import DeviceConfig
from edge.config.profiles import load_profile, load_profile_at
from edge.devices.cabinet import CABINET_FIELDS
from protocols.cabinet import DeviceReading
from protocols.lamp import LampReading, Reason
from protocols.modbus.codec import ReadBlock, Value, plan_reads
from protocols.modbus.points import FEEDBACK_POINT, LEVEL_POINT, PHOTOCELL
from protocols.modbus.profile import DeviceKind, Poll, Profile, Register

_SET_BY_GATEWAY = frozenset({"device_id", "time", "target_level_percent", "reason"})
MEASURED_FIELDS: Final = tuple(
    each.name for each in dataclasses.fields(LampReading) if each.name not in _SET_BY_GATEWAY
)
"""The fields of a reading that come from the device's registers."""


@dataclass(frozen=True, slots=True)
class Part:
    """A further unit whose values belong to a device's reading: the contacts beside a cabinet's meter."""

    unit: int
    profile: Profile
    fast_blocks: tuple[ReadBlock, ...]
    slow_blocks: tuple[ReadBlock, ...]


@dataclass(slots=True, eq=False)
class Device:
    """One lamp or cabinet. Shared by the parts of a gateway, which all run on one event loop.

    `target_level_percent` is the level that should be, `told_level_percent` the one last written and not
    disproved since. `answering` is None until the device was asked for the first time. `feedback_point` is
    the register that proves a level; None where the device never tells it.
    """

    id: str
    unit: int
    profile: Profile
    fast_blocks: tuple[ReadBlock, ...]
    slow_blocks: tuple[ReadBlock, ...]
    dimmable: bool
    parts: tuple[Part, ...] = ()
    feedback_point: str | None = None
    target_level_percent: int | None = None
    reason: Reason | None = None
    ramp_s: float = 0.0
    written_level_percent: int | None = None
    written_ramp_s: float | None = None
    boot_counter: int | None = None
    power_cycle_seen: bool | None = None
    answering: bool | None = None
    failures: int = 0
    last_reading: DeviceReading | None = None
    slow_values: dict[str, Value] = field(default_factory=dict)

    @property
    def is_lamp(self) -> bool:
        """Whether its readings are those of a lamp, not of a cabinet."""
        return self.profile.kind is DeviceKind.LAMP

    def invalidate_written(self) -> None:
        """What it was told it may not know any more: to be told anew, its ramp too."""
        self.written_level_percent = None
        self.written_ramp_s = None


def device_of(device_id: str, unit: int, profile: Profile, *parts: Part) -> Device:
    """A device as configured, with what to ask it worked out from its profile."""
    feedback = feedback_of(profile)
    if feedback is not None:
        profile = profile.always_reading(feedback.name)
    fast, slow = tuple(plan_reads(profile, Poll.FAST)), _slow_blocks(profile)
    feedback_point = None if feedback is None else feedback.name
    return Device(device_id, unit, profile, fast, slow, is_dimmable(profile), parts, feedback_point)


def is_dimmable(profile: Profile) -> bool:
    """Whether a device of this profile can be told a level."""
    return any(register.name == LEVEL_POINT and register.writable for register in profile.registers)


def feedback_of(profile: Profile) -> Register | None:
    """What tells the level in effect: a register of its own, or else the level asked for, read back."""
    readable = {register.name: register for register in profile.registers if register.readable}
    return readable.get(FEEDBACK_POINT) or readable.get(LEVEL_POINT)


def part_of(unit: int, profile: Profile) -> Part:
    """A further unit of a device, with what to ask it."""
    return Part(unit, profile, tuple(plan_reads(profile, Poll.FAST)), _slow_blocks(profile))


def configured(config: DeviceConfig) -> Device:
    """A device as its settings have it. An input for a photocell that is not wired is not read."""
    profile = load_profile_at(config.profile, config.bus, config.address)
    contacts = None if config.contacts is None else load_profile(config.contacts.profile)
    if not config.photocell:
        profile = profile.without(PHOTOCELL)
        contacts = contacts and contacts.without(PHOTOCELL)
    parts = [] if config.contacts is None or contacts is None else [part_of(config.contacts.unit, contacts)]
    return device_of(config.id, config.unit, profile, *parts)


def _slow_blocks(profile: Profile) -> tuple[ReadBlock, ...]:
    """The slow registers that a reading has a field for."""
    wanted = MEASURED_FIELDS if profile.kind is DeviceKind.LAMP else CABINET_FIELDS
    return tuple(
        block
        for block in plan_reads(profile, Poll.SLOW)
        if any(
            register.name in wanted
            and register.table is block.table
            and block.address <= register.address < block.end
            for register in profile.registers
        )
    )
