"""The low-voltage feeder of a line's lamps: its voltage by hour, load and distance."""

import math
import random
from dataclasses import dataclass

NOMINAL_V = 230.0
_OHM_PER_KM = 1.2  # one core of the 25 mm2 aluminium bundle usual for street lighting
_WORST_SAG_V = 8.0  # our choice: about 3.5 % of nominal


@dataclass(frozen=True, slots=True)
class FeederTraits:
    """The properties of one feeder, drawn from the seed."""

    source_v: float
    phase_v: tuple[float, float, float]
    slow_phase: float
    quick_phase: float

    @classmethod
    def draw(cls, rng: random.Random) -> "FeederTraits":
        """Draw a feeder within 2 V of nominal at the transformer."""
        return cls(
            source_v=NOMINAL_V + rng.uniform(-1.2, 1.0),
            phase_v=(rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)),
            slow_phase=rng.uniform(0, math.tau),
            quick_phase=rng.uniform(0, math.tau),
        )


class Feeder:
    """One transformer outgoing with three phases and lamps along it.

    `full_load_w` is the rated power of all lamps; `load_w` is what they draw once settled at their levels,
    which the luminaires keep up to date. So the voltage depends on commands and time, not on when it is read.
    """

    def __init__(self, traits: FeederTraits, full_load_w: float, length_km: float, longitude: float) -> None:
        self._traits = traits
        self._full_load_w = max(full_load_w, 1.0)
        self._longitude = longitude
        phase_current_a = full_load_w / 3 / NOMINAL_V
        self._full_sag_v = min(_WORST_SAG_V, phase_current_a * _OHM_PER_KM * length_km / 2)
        self.load_w = 0.0

    def voltage(self, t_s: float, distance: float, phase: int) -> float:
        """Return volts at `distance` (0 transformer to 1 far end) on one of three phases."""
        hour = solar_hour(t_s, self._longitude)
        traits = self._traits
        daily = 1.4 * math.sin(math.tau * (hour - 22.0) / 24)  # high after midnight, low in the afternoon
        evening = -1.8 * math.exp(-(((hour - 19.5) / 1.8) ** 2))  # the households' peak
        slow = 0.6 * math.sin(math.tau * t_s / 1130.0 + traits.slow_phase)
        quick = 0.25 * math.sin(math.tau * t_s / 97.0 + traits.quick_phase)
        sag = self._full_sag_v * (self.load_w / self._full_load_w) * distance * (2 - distance)
        return traits.source_v + traits.phase_v[phase] + daily + evening + slow + quick - sag


def solar_hour(t_s: float, longitude: float) -> float:
    """Return the hour of the mean solar day, 0 to 24, at a longitude; `t_s` is Unix time."""
    return (t_s / 3600.0 + longitude / 15.0) % 24.0


def ambient_c(t_s: float, longitude: float) -> float:
    """Return the air temperature in °C of a tropical highland: lowest before dawn, highest after noon."""
    return 23.0 + 4.5 * math.sin(math.tau * (solar_hour(t_s, longitude) - 9.0) / 24.0)
