"""Which profile fits an unknown device: whether what it says, read through one, can be true. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from protocols.modbus.codec import Value

_PLAUSIBLE: Final = {
    "_voltage_v": (80, 520),
    "_current_a": (-2000, 2000),
    "_percent": (0, 100),
    "_power_w": (-5000, 5000),
    "_power_kw": (-500, 500),
    "_va_kva": (-500, 500),
    "_var_kvar": (-500, 500),
    "power_factor": (-1, 1),
    "_hz": (45, 65),
    "_c": (-40, 120),
    "_kwh": (0, 1e8),
    "_hours_h": (0, 2e5),
}
"""By the end of a register's name: what a street light or its cabinet can measure."""

_ZERO_COUNTS = -0.25
"""Zeros are what registers hold that a device has no use for."""

_LEAST = 1.0
_CONTACTS = 0.5
"""Contacts cannot be judged: they fit when a device answers for them and nothing else fits."""


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """How much speaks for a profile: the values that can be true, less those that say nothing."""

    profile_id: str
    score: float


def match_score(profile_id: str, values: Mapping[str, Value]) -> ProfileMatch | None:
    """How well the values read through a profile fit; None when one cannot be true or too little is said."""
    if values and all(isinstance(value, bool) for value in values.values()):
        return ProfileMatch(profile_id, _CONTACTS)
    score = 0.0
    for name, value in values.items():
        bounds = _bounds(name)
        if bounds is None or value is None or isinstance(value, bool):
            continue
        if value and not bounds[0] <= value <= bounds[1]:
            return None
        score += 1.0 if abs(value) > 1e-6 else _ZERO_COUNTS
    return ProfileMatch(profile_id, score) if score >= _LEAST else None


def best_first(found: Iterable[ProfileMatch | None]) -> list[str]:
    """Profiles that fit, the likeliest first."""
    fitting = [each for each in found if each is not None]
    return [each.profile_id for each in sorted(fitting, key=lambda each: -each.score)]


def _bounds(name: str) -> tuple[float, float] | None:
    return next((bounds for ending, bounds in _PLAUSIBLE.items() if name.endswith(ending)), None)
