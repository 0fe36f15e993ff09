"""Which profile fits an unknown device: whether the values read through one are plausible. Pure."""

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
"""The range that a street light or its cabinet can measure, by the end of the register's name.

Our choice, wider than any real value: a profile must not be excluded by an unusual installation.
"""

_ZERO_COUNTS = -0.25
"""The score of a zero. Unused registers often hold zero, so it is weak evidence against a profile."""

_MIN_SCORE = 1.0
"""One plausible value that is not zero."""

_CONTACTS = 0.5
"""Any boolean is plausible: a profile of booleans only is accepted where no other profile fits better."""


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """A profile that fits; a higher `score` is stronger evidence: about one for each plausible value."""

    profile_id: str
    score: float


def match_score(profile_id: str, values: Mapping[str, Value]) -> ProfileMatch | None:
    """Return how well the values read through a profile fit; None if one is implausible or too few count."""
    if values and all(isinstance(value, bool) for value in values.values()):
        return ProfileMatch(profile_id, _CONTACTS)
    score = 0.0
    for name, value in values.items():
        bounds = next((bounds for ending, bounds in _PLAUSIBLE.items() if name.endswith(ending)), None)
        if bounds is None or value is None or isinstance(value, bool):
            continue
        if value and not bounds[0] <= value <= bounds[1]:
            return None
        score += 1.0 if abs(value) > 1e-6 else _ZERO_COUNTS
    return ProfileMatch(profile_id, score) if score >= _MIN_SCORE else None


def best_first(found: Iterable[ProfileMatch | None]) -> list[str]:
    """Return the ids of the profiles that fit, the best first."""
    fitting = [each for each in found if each is not None]
    return [each.profile_id for each in sorted(fitting, key=lambda each: -each.score)]
