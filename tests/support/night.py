"""What the map shows of a simulated night, held against what the simulator knows."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.support.whole_town import Town

SHOWN_WITHIN = timedelta(minutes=5)
"""Domain time by which the map shows what has become true in the street."""

LEVEL_TOLERANCE_PERCENT = 2.0

Lamps = Mapping[str, Mapping[str, Any]]
"""What is known of each lamp, by its id."""


class Night:
    """The night that a town is in or before."""

    def __init__(self, town: Town) -> None:
        night = town.api.get("/api/v1/night").raise_for_status().json()
        self.sunset = datetime.fromisoformat(night["sunset"])
        self.sunrise = datetime.fromisoformat(night["sunrise"])


def instants(start: datetime, until: datetime, every: timedelta) -> Iterator[datetime]:
    """The instants from `start` to `until`, `every` apart."""
    instant = start
    while instant < until:
        yield instant
        instant += every


def disagreements(then: Lamps, shown: Lamps, now: Lamps, faulty: set[str], instant: datetime) -> list[str]:
    """Healthy lamps whose shown level was the true one neither at the instant nor since."""
    return [
        f"{instant:%H:%M} {lamp_id}: true {then[lamp_id]['trueLevel']}, shown {lamp['actualLightState']}"
        for lamp_id, lamp in shown.items()
        if lamp_id not in faulty
        and not any(_same(lamp["actualLightState"], truth[lamp_id]["trueLevel"]) for truth in (then, now))
    ]


def all_observed_since(shown: Lamps, instant: datetime, faulty: set[str]) -> bool:
    """Whether each healthy lamp is shown by a reading that was taken after the instant."""
    return all(
        lamp["observedAt"] is not None and datetime.fromisoformat(lamp["observedAt"]) >= instant
        for lamp_id, lamp in shown.items()
        if lamp_id not in faulty
    )


def alarms_of(town: Town, lamp_id: str) -> list[dict[str, Any]]:
    """The alarms of one lamp that are in force."""
    return [alarm for alarm in town.active_alarms() if alarm["lampId"] == lamp_id]


def _same(shown: float | None, true: float) -> bool:
    return shown is not None and abs(shown - true) <= LEVEL_TOLERANCE_PERCENT
