"""The conditions of a lamp: what one reading shows of each, given what was read before it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cloud.alarms.model import AlarmRule, Verdict
from cloud.state.light import burns_though_off, expected_power_w, is_dark
from protocols.events import EventType
from protocols.lamp import LampReading

CYCLES_TO_RAISE = 3
CYCLE_WINDOW = timedelta(minutes=30)

_NO_SUPPLY_V = 50.0
_VOLTAGE_HIGH_V = 253.0  # 230 V + 10 % (IEC 60038)
_VOLTAGE_LOW_V = 198.0  # 220 V − 10 %: PLN's limit, also above what drivers need
_VOLTAGE_BACK_V = 3.0  # hysteresis, so that a supply at the limit does not flap
_LEVEL_AGREES = 10.0  # percentage points between two levels that still mean the same
_TOO_BRIGHT = 30.0  # percentage points of rated power above what the level asks for
_WRONG_RATING = 130.0  # % of rated power: above, the inventory's rating is wrong, not the dimming
_FULL_LEVEL = 95
_POWER_JUDGED_FROM = 30  # %: below, the driver's own losses blur the ratio
_POWER_LOW, _POWER_LOW_BACK = 0.70, 0.75
_POWER_HIGH, _POWER_HIGH_BACK = 1.30, 1.25
_POWER_HIGH_FLOOR_W = 5.0
_LIGHT_IS_BACK = 1.6  # times the dark limit: hysteresis of lampFailure


@dataclass(frozen=True, slots=True)
class LampSituation:
    """A reading with what must be known beside it to judge it.

    `target` is the level requested, `level` the one in effect. `settled` means that neither has changed for
    long enough and that no fade is under way, so that the lamp must have followed.
    """

    reading: LampReading
    rated_power_w: float | None
    target: int | None
    level: int | None
    settled: bool
    active: frozenset[EventType]
    cycles: tuple[datetime, ...]
    watched_since: datetime
    failed_level: int | None

    @property
    def supply_lost(self) -> bool:
        """Whether there is no mains: then the lamp can't be judged."""
        voltage = self.reading.supply_voltage_v
        return voltage is not None and voltage < _NO_SUPPLY_V

    @property
    def must_burn(self) -> bool:
        """Whether a healthy lamp gives light now."""
        return self.settled and bool(self.target) and bool(self.level) and not self.supply_lost

    @property
    def is_dark(self) -> bool | None:
        """Whether power shows that there is no light at the level in effect; None where it shows neither."""
        power = self.reading.active_power_w
        if power is None or not self.level:
            return None
        return is_dark(power, self.level, self.rated_power_w)


def lamp_failure(at: LampSituation) -> Verdict:
    """Judge whether there is no light though the controller holds a level above 0."""
    if not at.must_burn:
        return Verdict.UNKNOWN
    dark, bit = at.is_dark, at.reading.lamp_failure
    if dark is None:
        return Verdict.of_bit(bit)
    power, level = at.reading.active_power_w, at.level
    if not dark:
        if EventType.LAMP_FAILURE not in at.active or power is None or level is None:
            return Verdict.HEALTHY
        # Hysteresis: an open alarm ends only well above the limit below which it was raised.
        is_back = is_dark(power, level, at.rated_power_w, _LIGHT_IS_BACK) is False
        return Verdict.HEALTHY if is_back else Verdict.UNKNOWN
    if EventType.CYCLING_FAILURE in at.active:
        return Verdict.UNKNOWN  # dark between two flashes: that alarm is open already
    return Verdict.CERTAIN if bit else Verdict.SUSPICIOUS


def lamp_unexpected_on(at: LampSituation) -> Verdict:
    """Judge whether there is light though the target is 0: a day burner."""
    if not at.settled or at.target != 0:
        return Verdict.UNKNOWN
    if at.reading.active_power_w is not None:
        burns = burns_though_off(at.reading.active_power_w, at.rated_power_w)
    elif at.reading.actual_level_percent is not None:
        burns = at.reading.actual_level_percent > 0
    else:
        return Verdict.UNKNOWN
    return Verdict.SUSPICIOUS if burns else Verdict.HEALTHY


def dimming_failure(at: LampSituation) -> Verdict:
    """Judge whether there is light, but not at the level in effect.

    Controllers that ignore their target are reported by the gateway.
    """
    if not at.settled or not at.target or at.level is None or at.supply_lost:
        return Verdict.UNKNOWN
    if abs(at.level - at.target) > _LEVEL_AGREES:
        return Verdict.UNKNOWN
    if at.is_dark or (at.is_dark is None and at.reading.actual_level_percent is None):
        return Verdict.UNKNOWN
    if _output_disagrees(at) or _too_bright(at):
        return Verdict.SUSPICIOUS
    # A lamp stuck at full agrees with a target of full, which refutes no failure at a lower level.
    failed_below_full = at.failed_level is not None and at.failed_level < _FULL_LEVEL
    return Verdict.UNKNOWN if at.target >= _FULL_LEVEL and failed_below_full else Verdict.HEALTHY


def cycling_failure(at: LampSituation) -> Verdict:
    """Judge whether the lamp goes out and on by itself, as old discharge lamps and hot drivers do."""
    if len(at.cycles) >= CYCLES_TO_RAISE:
        return Verdict.CERTAIN
    if at.cycles or not at.must_burn or at.reading.time - at.watched_since < CYCLE_WINDOW:
        return Verdict.UNKNOWN
    return Verdict.HEALTHY


def control_gear_failure(at: LampSituation) -> Verdict:
    """Judge whether the controller reports that it can't communicate with its driver."""
    return Verdict.of_bit(at.reading.control_gear_failure)


def supply_loss(at: LampSituation) -> Verdict:
    """Judge whether mains is missing at a controller that still answers."""
    if at.reading.supply_voltage_v is None:
        return Verdict.UNKNOWN
    return Verdict.SUSPICIOUS if at.supply_lost else Verdict.HEALTHY


def supply_voltage_too_high(at: LampSituation) -> Verdict:
    """Judge whether the supply voltage is above what drivers are built for."""
    voltage = at.reading.supply_voltage_v
    if voltage is None:
        return Verdict.UNKNOWN
    return _beyond(voltage - _VOLTAGE_HIGH_V, _VOLTAGE_BACK_V)


def supply_voltage_too_low(at: LampSituation) -> Verdict:
    """Judge whether the supply voltage is below the supplier's limit, but present."""
    voltage = at.reading.supply_voltage_v
    if voltage is None or at.supply_lost:
        return Verdict.UNKNOWN
    return _beyond(_VOLTAGE_LOW_V - voltage, _VOLTAGE_BACK_V)


def lamp_power_too_low(at: LampSituation) -> Verdict:
    """Judge whether the lamp draws so little power that part of its light is missing."""
    ratio = _power_ratio(at)
    return Verdict.UNKNOWN if ratio is None else _beyond(_POWER_LOW - ratio, _POWER_LOW_BACK - _POWER_LOW)


def lamp_power_too_high(at: LampSituation) -> Verdict:
    """Judge whether the lamp draws more power than this luminaire can use."""
    ratio, power = _power_ratio(at), at.reading.active_power_w
    if ratio is None or power is None or at.rated_power_w is None or at.level is None:
        return Verdict.UNKNOWN
    if power - expected_power_w(at.level, at.rated_power_w) < _POWER_HIGH_FLOOR_W:
        return Verdict.HEALTHY
    return _beyond(ratio - _POWER_HIGH, _POWER_HIGH - _POWER_HIGH_BACK)


def _beyond(excess: float, hysteresis: float) -> Verdict:
    """Return suspicious above 0, healthy below minus the hysteresis, unknown between."""
    if excess > 0:
        return Verdict.SUSPICIOUS
    return Verdict.HEALTHY if excess <= -hysteresis else Verdict.UNKNOWN


def _output_disagrees(at: LampSituation) -> bool:
    actual = at.reading.actual_level_percent
    return actual is not None and at.level is not None and abs(actual - at.level) > _LEVEL_AGREES


def _too_bright(at: LampSituation) -> bool:
    power = at.reading.active_power_w
    if power is None or not at.rated_power_w or at.level is None:
        return False
    implied = 100 * power / at.rated_power_w  # the level that corresponds to the power drawn
    return implied - at.level > _TOO_BRIGHT and implied <= _WRONG_RATING


def _power_ratio(at: LampSituation) -> float | None:
    """Return the power drawn over the power expected, where that is evidence about the light source."""
    if not at.must_burn or at.level is None or at.rated_power_w is None or at.level < _POWER_JUDGED_FROM:
        return None
    power = at.reading.active_power_w
    if power is None or at.is_dark or _output_disagrees(at) or _too_bright(at):
        return None
    return power / expected_power_w(at.level, at.rated_power_w)


def _describe(at: LampSituation) -> str:
    """Return what was measured when an alarm started, for the people who read it."""
    reading = at.reading
    parts = [
        f"target {at.target} %" if at.target is not None else "",
        f"in effect {at.level} %" if at.level is not None and at.level != at.target else "",
        f"output {reading.actual_level_percent:.0f} %" if reading.actual_level_percent is not None else "",
        f"{reading.active_power_w:.1f} W" if reading.active_power_w is not None else "",
        f"rated {at.rated_power_w:.0f} W" if at.rated_power_w is not None else "",
        f"{reading.supply_voltage_v:.0f} V" if reading.supply_voltage_v is not None else "",
        "lamp failure bit" if reading.lamp_failure else "",
        "control gear failure bit" if reading.control_gear_failure else "",
    ]
    return ", ".join(part for part in parts if part)


def _rule(
    kind: EventType, judge: Callable[[LampSituation], Verdict], *, raise_after: int, clear_after: int
) -> AlarmRule[LampSituation]:
    return AlarmRule(kind, judge, raise_after, clear_after, describe=_describe)


LAMP_RULES: Final = (
    _rule(EventType.LAMP_FAILURE, lamp_failure, raise_after=2, clear_after=2),
    _rule(EventType.LAMP_UNEXPECTED_ON, lamp_unexpected_on, raise_after=2, clear_after=2),
    _rule(EventType.DIMMING_FAILURE, dimming_failure, raise_after=3, clear_after=2),
    _rule(EventType.CYCLING_FAILURE, cycling_failure, raise_after=1, clear_after=1),
    _rule(EventType.CONTROL_GEAR_COMM_FAILURE, control_gear_failure, raise_after=2, clear_after=2),
    _rule(EventType.SUPPLY_LOSS, supply_loss, raise_after=2, clear_after=2),
    _rule(EventType.SUPPLY_VOLTAGE_TOO_HIGH, supply_voltage_too_high, raise_after=3, clear_after=3),
    _rule(EventType.SUPPLY_VOLTAGE_TOO_LOW, supply_voltage_too_low, raise_after=3, clear_after=3),
    _rule(EventType.LAMP_POWER_TOO_LOW, lamp_power_too_low, raise_after=5, clear_after=3),
    _rule(EventType.LAMP_POWER_TOO_HIGH, lamp_power_too_high, raise_after=5, clear_after=3),
)
"""Every condition of a lamp that is judged from its readings."""
