"""Whether a lamp gives light, judged by the power it draws: the one thing a controller can't get wrong."""

from protocols.lamp import LampReading

_DARK_SHARE = 0.25  # of the power expected at the level: below, no light source is burning
_LOW_LEVEL_SHARE = 0.6  # where a small lamp is dimmed so far that standby power would hide its light
_DRIVER_STANDBY_W = 1.0  # a driver that is off or has lost its LEDs still draws this much
_OFF_SHARE = 0.10  # of rated power: what a lamp told to be off may draw before it counts as on
_OFF_FLOOR_W = 3.0


def expected_power_w(level_percent: float, rated_power_w: float) -> float:
    """The power of a healthy LED luminaire at a level; drivers dim close to linearly."""
    return rated_power_w * level_percent / 100


def dark_below_w(level_percent: float, rated_power_w: float | None) -> float:
    """The power below which a lamp in effect at `level_percent` gives no light."""
    if rated_power_w is None:
        return _DRIVER_STANDBY_W if level_percent > 0 else _OFF_FLOOR_W
    if level_percent <= 0:
        return max(_OFF_FLOOR_W, _OFF_SHARE * rated_power_w)
    expected_w = expected_power_w(level_percent, rated_power_w)
    return min(max(_DRIVER_STANDBY_W, _DARK_SHARE * expected_w), _LOW_LEVEL_SHARE * expected_w)


def level_in_effect(reading: LampReading) -> int | None:
    """The level the controller holds; what was asked where it does not say."""
    if reading.feedback_level_percent is not None:
        return reading.feedback_level_percent
    return reading.target_level_percent


def emits_light(reading: LampReading, rated_power_w: float | None) -> bool | None:
    """Whether the lamp burns; None when neither power nor output level is known."""
    if reading.active_power_w is not None:
        return reading.active_power_w >= dark_below_w(level_in_effect(reading) or 0, rated_power_w)
    if reading.actual_level_percent is not None:
        return reading.actual_level_percent > 0
    return None
