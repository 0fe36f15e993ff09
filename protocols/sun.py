"""Sunrise, sunset and twilight from the NOAA/Meeus equations, iterated at the event itself."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

HORIZON_DEG: Final = -0.8333
"""The centre's altitude at sunrise and sunset: 34' of refraction and 16' of the sun's own radius."""
CIVIL_DEG: Final = -6.0

_J2000: Final = datetime(2000, 1, 1, 12, tzinfo=UTC)
_CENTURY_S: Final = 36525 * 86400.0
_TT_MINUS_UTC_S: Final = 69.2  # 2020s; a minute more or less moves no event by a second
_HALF_DAY: Final = timedelta(hours=12)


class SunEvent(StrEnum):
    """A crossing of an altitude, upwards or downwards."""

    RISE = "rise"
    SET = "set"


class PolarState(StrEnum):
    """The kind of a night without sunset and sunrise."""

    DAY = "day"
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class Night:
    """The night from `date` to the day after, local clock noon to local clock noon.

    The sun is highest at `culmination` and again at `next_culmination`. The sunset is between the first and
    midnight, the sunrise between midnight and the second, independent of when the clock shows noon. `polar`
    is set when there is neither: day when the sun is up at midnight, night when it is down.
    """

    date: date
    start_noon: datetime
    end_noon: datetime
    culmination: datetime
    next_culmination: datetime
    sunset: datetime | None
    sunrise: datetime | None
    polar: PolarState | None


def sun_altitude(latitude: float, longitude: float, instant: datetime) -> float:
    """Return the degrees of the sun's centre above the horizon, without refraction."""
    declination, hour_angle = _declination_and_hour_angle(longitude, instant)
    latitude_rad = math.radians(latitude)
    sine = math.sin(latitude_rad) * math.sin(declination) + (
        math.cos(latitude_rad) * math.cos(declination) * math.cos(hour_angle)
    )
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def sun_event(  # noqa: PLR0917 - all but the last are always given
    latitude: float,
    longitude: float,
    local_date: date,
    time_zone: ZoneInfo,
    kind: SunEvent,
    altitude_deg: float = HORIZON_DEG,
) -> datetime | None:
    """Return when, in UTC, the sun crosses the altitude on that local date; None when it does not.

    Near the polar circles there may be two on a date; then it is the first.
    """
    start = datetime.combine(local_date, time(), time_zone).astimezone(UTC)
    end = datetime.combine(local_date + timedelta(days=1), time(), time_zone).astimezone(UTC)
    noon = _culmination(longitude, start + _HALF_DAY)
    for days in (-1, 0, 1):
        crossing = _crossing(latitude, longitude, noon + timedelta(days=days), kind, altitude_deg)
        if crossing is not None and start <= crossing < end:
            return crossing
    return None


def night_of(latitude: float, longitude: float, time_zone: ZoneInfo, instant: datetime) -> Night:
    """Return the night, local noon to local noon, that contains the instant."""
    local = instant.astimezone(time_zone)
    before_noon = local.time() < time(12)
    return night_from(latitude, longitude, time_zone, local.date() - timedelta(days=before_noon))


def night_from(latitude: float, longitude: float, time_zone: ZoneInfo, local_date: date) -> Night:
    """Return the night that begins at local noon of the date."""
    start_noon = datetime.combine(local_date, time(12), time_zone).astimezone(UTC)
    end_noon = datetime.combine(local_date + timedelta(days=1), time(12), time_zone).astimezone(UTC)
    # The solar midnight nearest to the clock's; the culminations are half a day to either side of it.
    midnight = _culmination(longitude, start_noon + _HALF_DAY, lower=True)
    culmination = _culmination(longitude, midnight - _HALF_DAY)
    next_culmination = _culmination(longitude, midnight + _HALF_DAY)
    sunset = _crossing(latitude, longitude, culmination, SunEvent.SET, HORIZON_DEG)
    sunrise = _crossing(latitude, longitude, next_culmination, SunEvent.RISE, HORIZON_DEG)
    polar = None
    if sunset is None and sunrise is None:
        is_up = sun_altitude(latitude, longitude, midnight) >= HORIZON_DEG
        polar = PolarState.DAY if is_up else PolarState.NIGHT
    return Night(
        local_date,
        start_noon,
        end_noon,
        _whole_second(culmination),
        _whole_second(next_culmination),
        sunset,
        sunrise,
        polar,
    )


def _culmination(longitude: float, near: datetime, *, lower: bool = False) -> datetime:
    """Return when the sun crosses the meridian (or the one opposite) within half a day of `near`."""
    instant = near
    for _ in range(3):
        _, hour_angle = _declination_and_hour_angle(longitude, instant)
        if lower:
            hour_angle += math.pi if hour_angle < 0 else -math.pi
        # A radian of hour angle is 1/(2 pi) of a day.
        instant -= timedelta(days=hour_angle / math.tau)
    return instant


def _crossing(
    latitude: float, longitude: float, culmination: datetime, kind: SunEvent, altitude_deg: float
) -> datetime | None:
    """Return when the sun crosses the altitude between a culmination and the midnight after or before it."""
    direction = 1 if kind is SunEvent.SET else -1
    midnight = _culmination(longitude, culmination + direction * _HALF_DAY, lower=True)
    span_s = (midnight - culmination).total_seconds()

    def height(offset_s: float) -> float:
        return sun_altitude(latitude, longitude, culmination + timedelta(seconds=offset_s)) - altitude_deg

    offset_s = _root(height, 0.0, span_s)
    return None if offset_s is None else _whole_second(culmination + timedelta(seconds=offset_s))


def _whole_second(instant: datetime) -> datetime:
    """Return the nearest whole second: the equations are not more exact."""
    return (instant + timedelta(milliseconds=500)).replace(microsecond=0)


def _root(height: Callable[[float], float], high: float, low: float) -> float | None:
    """Return where `height`, above zero at `high` and below at `low`, is zero to 0.05 s; None if nowhere.

    False position with the Illinois correction: as robust as bisection, with far fewer evaluations.
    """
    above, below = height(high), height(low)
    if above < 0 or below >= 0:
        return None
    last_side = 0
    middle = high
    for _ in range(60):
        previous, middle = middle, (high * below - low * above) / (below - above)
        if abs(middle - previous) < 0.05:
            break
        value = height(middle)
        if value >= 0:
            high, above = middle, value
            below = below / 2 if last_side > 0 else below
            last_side = 1
        else:
            low, below = middle, value
            above = above / 2 if last_side < 0 else above
            last_side = -1
    return middle


def _declination_and_hour_angle(longitude: float, instant: datetime) -> tuple[float, float]:
    """Return the sun's declination and its hour angle in -pi..pi, in radians (Meeus, chapter 25)."""
    seconds = (instant - _J2000).total_seconds()
    t = (seconds + _TT_MINUS_UTC_S) / _CENTURY_S
    mean_longitude = 280.46646 + t * (36000.76983 + t * 0.0003032)
    anomaly = math.radians(357.52911 + t * (35999.05029 - t * 0.0001537))
    center = (
        (1.914602 - t * (0.004817 + t * 0.000014)) * math.sin(anomaly)
        + (0.019993 - t * 0.000101) * math.sin(2 * anomaly)
        + 0.000289 * math.sin(3 * anomaly)
    )
    node = math.radians(125.04 - 1934.136 * t)
    nutation = -0.00478 * math.sin(node)
    apparent_longitude = math.radians(mean_longitude + center - 0.00569 + nutation)
    obliquity = math.radians(23.4392911 - t * 0.0130042 + 0.00256 * math.cos(node))
    declination = math.asin(math.sin(obliquity) * math.sin(apparent_longitude))
    right_ascension = math.atan2(
        math.cos(obliquity) * math.sin(apparent_longitude), math.cos(apparent_longitude)
    )
    days = seconds / 86400
    sidereal = 280.46061837 + 360.98564736629 * days + nutation * math.cos(obliquity)
    hour_angle = math.radians((sidereal + longitude) % 360) - right_ascension
    return declination, (hour_angle + math.pi) % math.tau - math.pi
