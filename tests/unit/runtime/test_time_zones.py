"""Time zones by name."""

import pytest

from runtime.time_zones import UnknownTimeZoneError, time_zone


def test_a_known_zone_is_found() -> None:
    assert time_zone("Asia/Jakarta").key == "Asia/Jakarta"


@pytest.mark.parametrize("name", ["", "Asia", "Asia/Bandung", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError, match="expected an IANA time zone"):
        time_zone(name)
