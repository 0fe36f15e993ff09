"""A photocell on the roof of a cabinet."""

from datetime import UTC, datetime, timedelta
from typing import Final

from protocols.sun import sun_altitude

ON_BELOW_DEG: Final = -3.0
"""About 50 lux at dusk: below this sun altitude the output of the cell is on."""

OFF_ABOVE_DEG: Final = -2.3
"""Some 90 lux at dawn: more light than at dusk, so that the cell does not switch repeatedly."""

_MOMENT = timedelta(minutes=1)


def is_dark(latitude: float, longitude: float, t_s: float) -> bool:
    """Return the output of a healthy cell under a clear sky at Unix time `t_s`."""
    instant = datetime.fromtimestamp(t_s, UTC)
    altitude = sun_altitude(latitude, longitude, instant)
    rises = sun_altitude(latitude, longitude, instant + _MOMENT) > altitude
    return altitude < (OFF_ABOVE_DEG if rises else ON_BELOW_DEG)
