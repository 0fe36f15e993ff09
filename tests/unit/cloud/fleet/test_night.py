"""The night strip's actual level."""

from datetime import UTC, datetime

from cloud.fleet.night import mean_levels
from cloud.telemetry.store import Series

QUARTER_MS = 15 * 60 * 1000


def _series(*points: tuple[int, float]) -> Series:
    return Series("actualLightState", "%", list(points))


def test_the_mean_goes_by_quarters_of_an_hour() -> None:
    """Lamps are read at different instants; a quarter without a reading is left out."""
    levels = mean_levels([_series((0, 100.0), (QUARTER_MS * 2 + 1, 50.0)), _series((QUARTER_MS - 1, 90.0))])
    assert [(level.time, level.level) for level in levels] == [
        (datetime(1970, 1, 1, tzinfo=UTC), 95.0),
        (datetime(1970, 1, 1, 0, 30, tzinfo=UTC), 50.0),
    ]


def test_no_readings_no_levels() -> None:
    """An empty night has no actual level, not zero."""
    assert mean_levels([_series()]) == []
