"""The night as the map's strip shows it: sun times, planned and actual light level."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

import structlog

from cloud.http.problems import not_found
from cloud.http.views import View
from cloud.plans.active import PlanInForce
from cloud.plans.forecast import LevelChange
from cloud.plans.impact import levels_between
from cloud.plans.resolved import ResolvedPlan
from cloud.telemetry.store import Series, SeriesQuery, StoreUnavailable, TelemetryStore
from protocols.clock import Clock, from_unix_ms
from protocols.lighting.program import Place
from protocols.sun import CIVIL_DEG, Night, SunEvent, night_of, sun_event

log = structlog.get_logger(__name__)

_ACTUAL = "actualLightState"
_STEP_MS = 15 * 60 * 1000
_POINTS_A_NIGHT = 96  # one each step


class NightView(View, frozen=True):
    """A night from local noon to local noon; `actual` is the mean of a sample of lamps."""

    start: datetime
    end: datetime
    sunset: datetime | None
    sunrise: datetime | None
    civil_dusk: datetime | None
    civil_dawn: datetime | None
    planned: list[LevelChange]
    actual: list[LevelChange]


class NightService:
    """Computes the current night from the plan and the telemetry."""

    def __init__(
        self,
        plan: PlanInForce,
        place: Callable[[], tuple[float, float, str] | None],
        sample: Callable[[], Sequence[str]],
        telemetry: TelemetryStore,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._place = place
        self._sample = sample
        self._telemetry = telemetry
        self._clock = clock

    def view(self) -> NightView:
        """Return the current night at the middle of all lamps; 404 without lamps."""
        found = self._place()
        if found is None:
            raise not_found("lamp", "inventory")
        latitude, longitude, zone_name = found
        zone, now = ZoneInfo(zone_name), self._clock.now()
        night = night_of(latitude, longitude, zone, now)
        next_day = night.date + timedelta(days=1)
        return NightView(
            start=night.start_noon,
            end=night.end_noon,
            sunset=night.sunset,
            sunrise=night.sunrise,
            civil_dusk=sun_event(latitude, longitude, night.date, zone, SunEvent.SET, CIVIL_DEG),
            civil_dawn=sun_event(latitude, longitude, next_day, zone, SunEvent.RISE, CIVIL_DEG),
            planned=planned_levels(self._plan.current(), Place(latitude, longitude, zone), night),
            actual=self._actual(night, now),
        )

    def _actual(self, night: Night, now: datetime) -> list[LevelChange]:
        series = []
        try:
            for lamp_id in self._sample():
                until = min(now, night.end_noon)
                query = SeriesQuery(lamp_id, [_ACTUAL], night.start_noon, until, _POINTS_A_NIGHT)
                series += self._telemetry.series(query)
        except StoreUnavailable as error:
            log.warning("actual_levels_unavailable", error=str(error))
        return mean_levels(series)


def planned_levels(plan: ResolvedPlan, place: Place, night: Night) -> list[LevelChange]:
    """Return the mean planned level of all lamps through a night, with every calendar at the same place."""
    levels_and_lamps = [
        (plan.levels_at(calendar_id, place, night.start_noon), lamps)
        for calendar_id, lamps in plan.lamps_by_calendar().items()
    ]
    times = {
        instant
        for levels, _ in levels_and_lamps
        for instant, _ in levels_between(levels, night.start_noon, night.end_noon)
    }
    total = sum(lamps for _, lamps in levels_and_lamps)
    changes: list[LevelChange] = []
    for instant in sorted(times):
        level = sum(levels.at(instant).level_percent * lamps for levels, lamps in levels_and_lamps) / total
        if not changes or changes[-1].level != round(level, 1):
            changes.append(LevelChange(time=instant, level=round(level, 1)))
    return changes


def mean_levels(series: Sequence[Series]) -> list[LevelChange]:
    """Return the mean of several lamps in steps of 15 minutes; steps without a reading are left out."""
    steps: dict[int, list[float]] = {}
    for one in series:
        for time_ms, level in one.points:
            if isinstance(level, (int, float)):
                steps.setdefault(time_ms // _STEP_MS * _STEP_MS, []).append(level)
    return [
        LevelChange(time=from_unix_ms(step), level=round(fmean(steps[step]), 1)) for step in sorted(steps)
    ]
