"""The physics of one LED luminaire: driver, light source, heat and counters. Time goes only forward."""

import math
import random
from dataclasses import dataclass

from firmware_sim.devices.mains import Feeder, ambient_c
from firmware_sim.faults import FaultType

_FIXED_SHARE = 0.06  # of rated power: driver losses that do not fall when dimmed
_CURVE = 0.07  # LEDs are a little more efficient when dimmed, so power bends below the straight line
_CAPACITIVE_SHARE = (
    0.22  # var per rated watt of the driver's input filter: why power factor falls when dimmed
)
_DISTORTION = 0.10  # harmonic share of the current
_STANDBY_POWER_FACTOR = 0.45
_COLD_EXTRA = 0.02  # forward voltage is higher while the LEDs are cold
_NO_LOAD_SHARE = 0.03  # of rated power: a driver with its light source open
_CYCLE_LIT_S, _CYCLE_DARK_S = 200.0, 130.0
_INSIDE_S = 1e-5  # Unix seconds as a float resolve 2.4e-7: a smaller step would stay where it was


@dataclass(frozen=True, slots=True)
class LuminaireTraits:
    """The tolerances of one luminaire, drawn from the seed."""

    rated_power_w: float
    tolerance: float
    standby_w: float
    rise_k: float
    warm_up_s: float
    l80_h: float
    age_h: float
    longitude: float
    distance: float
    phase: int
    ripple_phase: float

    @classmethod
    def draw(
        cls, rng: random.Random, rated_power_w: float, longitude: float, distance: float, phase: int
    ) -> "LuminaireTraits":
        """Draw a luminaire within its maker's tolerances, up to five years old."""
        return cls(
            rated_power_w=rated_power_w,
            tolerance=max(-0.04, min(0.04, rng.gauss(0, 0.015))),
            standby_w=rng.uniform(0.5, 1.0),
            rise_k=rng.uniform(24.0, 32.0),
            warm_up_s=rng.uniform(1200.0, 2100.0),
            l80_h=rng.uniform(80_000.0, 100_000.0),
            age_h=rng.uniform(50.0, 20_000.0),
            longitude=longitude,
            distance=distance,
            phase=phase,
            ripple_phase=rng.uniform(0, math.tau),
        )


@dataclass(frozen=True, slots=True)
class Measurement:
    """The luminaire at one instant; `light` is 1 for a new lamp at full level."""

    level_percent: float
    lit: bool
    light: float
    active_power_w: float
    power_factor: float
    supply_voltage_v: float
    supply_current_a: float
    temperature_c: float
    energy_wh: float
    lit_s: float
    switch_ons: int


class Luminaire:
    """One luminaire on its feeder. Every change carries its time; `advance` integrates the state up to it.

    The state depends only on commands, faults and time, not on how often it is read.
    """

    def __init__(self, traits: LuminaireTraits, feeder: Feeder, t_s: float) -> None:
        self._traits = traits
        self._feeder = feeder
        self._t = t_s
        self._from = self._to = 0.0  # commanded ramp, percent
        self._ramp_start = self._ramp_end = t_s
        self._faults: dict[FaultType, float] = {}
        self._rise = 0.0  # driver above ambient, as a share of rise_k
        self._energy_wh = traits.age_h * traits.rated_power_w * 0.75
        self._lit_s = traits.age_h * 3600.0
        self._switch_ons = int(traits.age_h / 11.5)
        self._lit = False
        self._load_w = 0.0
        self._settle()

    def command(self, level_percent: float, fade_s: float, t_s: float) -> None:
        """Fade to a level within `fade_s`, from the present point of the ramp."""
        self.advance(t_s)
        self._from = self._commanded(self._t)
        self._to = level_percent
        self._ramp_start, self._ramp_end = self._t, self._t + max(fade_s, 0.0)
        self._settle()

    def set_fault(self, fault: FaultType, active: bool, t_s: float) -> None:
        """Set or clear a fault."""
        self.advance(t_s)
        if active:
            self._faults.setdefault(fault, self._t)
        else:
            self._faults.pop(fault, None)
        self._settle()

    def advance(self, t_s: float) -> None:
        """Integrate the state up to `t_s`; an earlier time changes nothing."""
        while self._t < t_s:
            end = min(t_s, self._next_change())
            self._integrate(end)
            self._t = end
            self._note_lit()

    def measure(self, t_s: float) -> Measurement:
        """Return what instruments would show at `t_s`."""
        self.advance(t_s)
        level, traits = self._output(self._t), self._traits
        power = self._power(level) * (1 + _COLD_EXTRA * (1 - min(self._rise, 1.0)) if self._lit else 1.0)
        volts = 0.0 if FaultType.SUPPLY_LOSS in self._faults else self.voltage(self._t)
        factor = _STANDBY_POWER_FACTOR
        if power > traits.standby_w:
            reactive = _CAPACITIVE_SHARE * traits.rated_power_w / power
            factor = 1.0 / math.sqrt(1.0 + reactive * reactive + _DISTORTION * _DISTORTION)
        hours = self._lit_s / 3600.0
        return Measurement(
            level_percent=level,
            lit=self._lit,
            light=level / 100.0 * 0.8 ** (hours / traits.l80_h),
            active_power_w=power,
            power_factor=factor,
            supply_voltage_v=volts,
            supply_current_a=power / factor / volts if volts else 0.0,
            temperature_c=ambient_c(self._t, traits.longitude) + traits.rise_k * self._rise,
            energy_wh=self._energy_wh,
            lit_s=self._lit_s,
            switch_ons=self._switch_ons,
        )

    def voltage(self, t_s: float) -> float:
        """Return the mains voltage at the luminaire's terminals, in V."""
        return self._feeder.voltage(t_s, self._traits.distance, self._traits.phase)

    def _settle(self) -> None:
        """After a change: count a start and set the settled load of this luminaire on the feeder."""
        self._note_lit()
        settled = self._power(self._through_faults(self._to, self._t, cycling=False))
        self._feeder.load_w += settled - self._load_w
        self._load_w = settled

    def _note_lit(self) -> None:
        lit = self._output(self._t) > 0 or self._through_faults(self._to, self._t) > 0
        if lit and not self._lit:
            self._switch_ons += 1
        self._lit = lit

    def _next_change(self) -> float:
        change = self._ramp_end if self._t < self._ramp_end else math.inf
        if FaultType.CYCLING in self._faults:
            period = _CYCLE_LIT_S + _CYCLE_DARK_S
            since = self._t - self._faults[FaultType.CYCLING]
            start = self._t - since % period
            toggles = (start + _CYCLE_LIT_S, start + period, start + period + _CYCLE_LIT_S)
            change = min(change, *(toggle for toggle in toggles if toggle > self._t + 1e-6))
        return change

    def _integrate(self, end: float) -> None:
        """Integrate up to `end`. Exact: power is quadratic in level, level linear, heat exponential."""
        start, span, traits = self._t, end - self._t, self._traits
        middle = self._power(self._output(start + span / 2))
        if start < self._ramp_end and self._lit:
            # levels just inside the span: at its ends the lamp may switch
            inside = min(_INSIDE_S, span / 4)
            first, last = self._output(start + inside), self._output(end - inside)
            power = (self._power(first) + 4 * middle + self._power(last)) / 6
        else:
            power = middle
        goal = power / traits.rated_power_w
        decay = math.exp(-span / traits.warm_up_s)
        energy_ws = power * span
        if self._lit:
            mean_rise_s = goal * span + (self._rise - goal) * traits.warm_up_s * (1 - decay)
            energy_ws += power * _COLD_EXTRA * (span - mean_rise_s)
            self._lit_s += span
        self._rise = goal + (self._rise - goal) * decay
        self._energy_wh += energy_ws / 3600.0

    def _commanded(self, t: float) -> float:
        if t >= self._ramp_end:
            return self._to
        share = (t - self._ramp_start) / (self._ramp_end - self._ramp_start)
        return self._from + (self._to - self._from) * share

    def _output(self, t: float) -> float:
        return self._through_faults(self._commanded(t), t)

    def _through_faults(self, level: float, t: float, cycling: bool = True) -> float:
        """Return the level at the light source when the controller commands `level`."""
        faults = self._faults
        if not faults:
            return level
        if not faults.keys().isdisjoint(
            (FaultType.SUPPLY_LOSS, FaultType.DRIVER_FAILURE, FaultType.LAMP_OUT)
        ):
            return 0.0
        if level <= 0:
            return 100.0 if FaultType.RELAY_STUCK_ON in faults else 0.0
        if cycling and FaultType.CYCLING in faults:
            phase = (t - faults[FaultType.CYCLING]) % (_CYCLE_LIT_S + _CYCLE_DARK_S)
            if phase >= _CYCLE_LIT_S - 1e-6:
                return 0.0
        return 100.0 if FaultType.DIMMING_IGNORED in faults else level

    def _power(self, level: float) -> float:
        """Return the settled mains power at an output level, in W, without the extra of cold LEDs."""
        traits, faults = self._traits, self._faults
        if FaultType.SUPPLY_LOSS in faults:
            return 0.0
        if level > 0:
            share = level / 100.0
            curve = (1 - _CURVE) * share + _CURVE * share * share
            return traits.rated_power_w * (1 + traits.tolerance) * (_FIXED_SHARE + (1 - _FIXED_SHARE) * curve)
        energised = self._to > 0 or FaultType.RELAY_STUCK_ON in faults
        if FaultType.LAMP_OUT in faults and FaultType.DRIVER_FAILURE not in faults and energised:
            return traits.standby_w + traits.rated_power_w * _NO_LOAD_SHARE
        return traits.standby_w
