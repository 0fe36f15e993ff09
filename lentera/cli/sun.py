"""`lentera sun`: sunrise and sunset as UTC text."""

from datetime import date
from zoneinfo import ZoneInfo

from protocols.sun import SunEvent, sun_event


def rise_and_set(
    coordinates: tuple[float, float], time_zone: ZoneInfo, local_date: date, altitude_deg: float
) -> dict[str, str | None]:
    """Return `rise` and `set` on a local date, in UTC; None where the sun does not cross the altitude."""
    latitude, longitude = coordinates
    times = {}
    for name, kind in (("rise", SunEvent.RISE), ("set", SunEvent.SET)):
        instant = sun_event(latitude, longitude, local_date, time_zone, kind, altitude_deg)
        times[name] = (
            None if instant is None else instant.isoformat(timespec="seconds").replace("+00:00", "Z")
        )
    return times
