"""Whether one write may tell all lamps of a line at once: it reaches whatever else hangs on that line."""

from collections.abc import Iterable, Iterator

from edge.devices.device import Device, feedback_of, is_dimmable
from protocols.modbus.points import LEVEL_POINT, RAMP_POINT
from protocols.modbus.profile import Profile


def broadcast_blocker(units: Iterable[tuple[str, Profile]]) -> str | None:
    """Why the lamps among these units, all of one line, must be told one by one; None where one may tell all.

    A unit that is not a lamp of that profile must be known to ignore a broadcast: as Modbus has it, it obeys.
    """
    named = list(units)
    lamps = [(name, profile) for name, profile in named if is_dimmable(profile)]
    if not lamps:
        return "no lamp on it takes a level"
    profile = lamps[0][1]
    for name, other in lamps:
        if other != profile:
            return f"{name} and {lamps[0][0]} are not told alike"
    for name, other in named:
        if other != profile and not other.ignores_broadcast:
            return f"{name} may take it for its own: profile {other.id} does not say ignores_broadcast = true"
    return _objection_of(profile)


def _objection_of(profile: Profile) -> str | None:
    if feedback_of(profile) is None:
        return f"lamps of profile {profile.id} never tell their level: each must acknowledge it"
    for register in profile.registers:
        if register.name in (LEVEL_POINT, RAMP_POINT) and register.writable and not register.broadcast:
            return f"profile {profile.id} does not say broadcast = true of {register.name}"
    return None


def units_of(devices: Iterable[Device]) -> Iterator[tuple[str, Profile]]:
    """All that answers for these devices, by the name of the device."""
    for device in devices:
        yield device.id, device.profile
        for part in device.parts:
            yield device.id, part.profile
