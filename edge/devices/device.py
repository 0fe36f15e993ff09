"""A device as configured: its unit on the line, its register profile, and the requests that read it."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from edge.config.line_settings import DeviceConfig
from edge.config.profiles import load_profile, load_profile_at
from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading
from protocols.modbus.codec import ReadBlock, plan_reads
from protocols.modbus.points import FEEDBACK_POINT, LEVEL_POINT, PHOTOCELL, RAMP_POINT
from protocols.modbus.profile import Poll, Profile, ProfileKind, Register

_SET_BY_GATEWAY = frozenset({"device_id", "time", "target_level_percent", "reason"})

LAMP_FIELDS: Final = tuple(
    each.name for each in dataclasses.fields(LampReading) if each.name not in _SET_BY_GATEWAY
)
"""The fields of a lamp reading that come from registers."""

CABINET_FIELDS: Final = tuple(
    each.name for each in dataclasses.fields(CabinetReading) if each.name not in {"device_id", "time"}
)
"""The fields of a cabinet reading that come from registers."""


@dataclass(frozen=True, slots=True)
class Part:
    """A further unit whose values belong to a device's reading, such as the contacts beside a meter."""

    unit: int
    profile: Profile
    fast_blocks: tuple[ReadBlock, ...]
    slow_blocks: tuple[ReadBlock, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    """One lamp or cabinet on a line, as configured. Immutable: its state is kept elsewhere.

    Whether it responds is in `edge.polling.presence.Presence`, what was written to a lamp in
    `edge.control.commanded_state.CommandedState`, whether a contactor is closed in
    `edge.control.contactor.Contactor`.

    `feedback_point` names the register that proves a level, None if the device has none. `dimmable` says that
    a level can be written.
    """

    id: str
    unit: int
    profile: Profile
    fast_blocks: tuple[ReadBlock, ...]
    slow_blocks: tuple[ReadBlock, ...]
    dimmable: bool
    parts: tuple[Part, ...] = ()
    feedback_point: str | None = None


def device_from_config(config: DeviceConfig) -> Device:
    """Return the device that the settings describe; a photocell is read only where one is wired."""
    profile = load_profile_at(config.profile, config.bus, config.address)
    contacts = None if config.contacts is None else load_profile(config.contacts.profile)
    if not config.photocell:
        profile = profile.without(PHOTOCELL)
        contacts = contacts and contacts.without(PHOTOCELL)
    parts = [] if config.contacts is None or contacts is None else [part_of(config.contacts.unit, contacts)]
    return device_of(config.id, config.unit, profile, *parts)


def device_of(device_id: str, unit: int, profile: Profile, *parts: Part) -> Device:
    """Return a device with the requests that its profile needs to be read."""
    feedback = feedback_of(profile)
    if feedback is not None:
        # A level is verified at every poll, also where the profile polls its register slowly.
        profile = profile.always_reading(feedback.name)
    return Device(
        device_id,
        unit,
        profile,
        fast_blocks=tuple(plan_reads(profile, Poll.FAST)),
        slow_blocks=_slow_blocks(profile),
        dimmable=is_dimmable(profile),
        parts=parts,
        feedback_point=None if feedback is None else feedback.name,
    )


def part_of(unit: int, profile: Profile) -> Part:
    """Return a further unit of a device with the requests that read it."""
    return Part(unit, profile, tuple(plan_reads(profile, Poll.FAST)), _slow_blocks(profile))


def is_dimmable(profile: Profile) -> bool:
    """Whether a level can be written to a device of this profile."""
    return any(register.name == LEVEL_POINT and register.writable for register in profile.registers)


def feedback_of(profile: Profile) -> Register | None:
    """Return the register of the level in effect; where there is none, the target level if readable."""
    readable = {register.name: register for register in profile.registers if register.readable}
    return readable.get(FEEDBACK_POINT) or readable.get(LEVEL_POINT)


def broadcast_blocker(units: Iterable[tuple[str, Profile]]) -> str | None:
    """Return why one broadcast must not set all lamps among these units of a line; None if it may.

    `units` are pairs of device id and profile, as of `units_of`. By Modbus every unit obeys a broadcast, so
    the profile of one that is no lamp must say that it ignores broadcasts.
    """
    named = list(units)
    lamps = [(name, profile) for name, profile in named if is_dimmable(profile)]
    if not lamps:
        return "no lamp on it accepts a level"
    first, common = lamps[0]
    for name, profile in lamps:
        if profile != common:
            return f"{name} and {first} do not accept the same write"
    for name, profile in named:
        if profile != common and not profile.ignores_broadcast:
            return f"{name} may obey it: profile {profile.id} does not say ignores_broadcast = true"
    if feedback_of(common) is None:
        return f"lamps of profile {common.id} never report their level: each must acknowledge it"
    for register in common.registers:
        if register.name in (LEVEL_POINT, RAMP_POINT) and register.writable and not register.broadcast:
            return f"profile {common.id} does not say broadcast = true of {register.name}"
    return None


def units_of(devices: Iterable[Device]) -> Iterator[tuple[str, Profile]]:
    """Yield the profile of every unit of these devices, each with the id of its device."""
    for device in devices:
        yield device.id, device.profile
        for part in device.parts:
            yield device.id, part.profile


def _slow_blocks(profile: Profile) -> tuple[ReadBlock, ...]:
    """Return the slow blocks that hold at least one register that is a field of the reading."""
    wanted = LAMP_FIELDS if profile.kind is ProfileKind.LAMP else CABINET_FIELDS
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
