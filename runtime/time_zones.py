"""Time zones by their IANA names."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class UnknownTimeZoneError(ValueError):
    """A name that the IANA database does not have; the caller adds the name to the message."""


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        UnknownTimeZoneError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # ZoneInfo raises OSError for names such as "Asia", a folder of the database.
        raise UnknownTimeZoneError("expected an IANA time zone such as Asia/Jakarta") from error
