"""Whether a lamp gives light, judged by its power: the one value a controller can't get wrong. Pure."""

from protocols.lamp import LampReading

_DARK_SHARE = 0.25  # of the power expected at the level: below, no light source is burning
_IDLE_W, _IDLE_SHARE = 1.0, 0.05  # standby, and of rated power: what a driver with open LEDs may still draw
_BURNING_SHARE = 0.6  # of the power expected at the level: above, a light source is burning
_OFF_SHARE = 0.10  # of rated power: what a lamp that is switched off may draw before it counts as on
_OFF_FLOOR_W = 3.0


def expected_power_w(level_percent: float, rated_power_w: float) -> float:
    """Return the power of a healthy LED luminaire at a level; drivers dim close to linearly."""
    return rated_power_w * level_percent / 100


def burns_though_off(power_w: float, rated_power_w: float | None) -> bool:
    """Return whether a lamp that is switched off draws the power of light."""
    return power_w >= max(_OFF_FLOOR_W, _OFF_SHARE * (rated_power_w or 0))


def is_dark(
    power_w: float, level_percent: float, rated_power_w: float | None, margin: float = 1.0
) -> bool | None:
    """Return whether a lamp at a level above 0 gives no light, judged by its power.

    None where the lamp is dimmed so far that an idle driver draws as much as a burning lamp. A `margin` above
    1 requires that much more power before the lamp counts as lit.
    """
    if rated_power_w is None:
        return power_w < _IDLE_W * margin
    expected_w = expected_power_w(level_percent, rated_power_w)
    idle_w = _IDLE_W + _IDLE_SHARE * rated_power_w
    limit_w = max(idle_w, _DARK_SHARE * expected_w) * margin
    if power_w >= limit_w:
        return False
    return True if power_w < min(limit_w, _BURNING_SHARE * expected_w) else None


def level_in_effect(reading: LampReading) -> int | None:
    """Return the level the controller reports as in effect, or the target where it reports none."""
    if reading.feedback_level_percent is not None:
        return reading.feedback_level_percent
    return reading.target_level_percent


def emits_light(reading: LampReading, rated_power_w: float | None) -> bool | None:
    """Return whether the lamp burns; None when neither power nor output level shows it."""
    level, power_w = level_in_effect(reading), reading.active_power_w
    if power_w is not None and not level:
        return burns_though_off(power_w, rated_power_w)
    dark = None if power_w is None or level is None else is_dark(power_w, level, rated_power_w)
    if dark is not None:
        return not dark
    if reading.lamp_failure:
        return False
    return None if reading.actual_level_percent is None else reading.actual_level_percent > 0
