"""The level each lamp should have now: override before program before default, held by the gateway alone."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from edge.clock.timekeeper import EARLIEST
from protocols.lamp import Reason
from protocols.lighting.plan import LightingPlan, levels_of_nights
from protocols.lighting.priority import EffectiveLevel, Override, effective_level
from protocols.lighting.program import LevelPlan, Place

_PLANNED_NIGHTS = 6
_CHECK_PHOTOCELL_EVERY = timedelta(seconds=10)


class Levels:
    """The plan, the place its sun times are computed for, and the overrides in force.

    While the clock cannot be trusted the plan cannot be followed: then the photocell decides, and where
    `is_dark` returns None the default level applies. Levels are 0-100 %.
    """

    def __init__(
        self,
        plan: LightingPlan,
        place: Place,
        default_level_percent: int,
        overrides: Mapping[str, Override],
        *,
        time_is_known: Callable[[], bool] = lambda: True,
        is_dark: Callable[[], bool | None] = lambda: None,
    ) -> None:
        self._plan = plan
        self._place = place
        self._default_level_percent = default_level_percent
        self._overrides = dict(overrides)
        self._time_is_known = time_is_known
        self._is_dark = is_dark
        self._nights: dict[str, LevelPlan] = {}

    def override(self, device_id: str) -> Override | None:
        """Return the override of a lamp, in force, still to start, or expired; None if there is none."""
        return self._overrides.get(device_id)

    def put_override(self, device_id: str, override: Override | None) -> None:
        """Replace the override of a lamp; None ends it."""
        if override is None:
            self._overrides.pop(device_id, None)
        else:
            self._overrides[device_id] = override

    def trusts(self, instant: datetime) -> bool:
        """Return whether the clock can be trusted while it shows this instant."""
        return instant >= EARLIEST and self._time_is_known()

    def put_plan(self, plan: LightingPlan) -> None:
        """Replace the plan."""
        self._plan = plan
        self._nights.clear()

    def at(self, device_id: str, instant: datetime) -> EffectiveLevel:
        """Return the lamp's level at an instant, why, and until when that holds."""
        override = self._overrides.get(device_id)
        if self.trusts(instant):
            decision = self._of_night(self._plan.calendar_of(device_id), instant).at(instant)
            return effective_level(override, decision, self._default_level_percent, instant)
        if override is not None and override.expiration is not None:
            override = None  # without a clock it may have expired long ago
        dark = self._is_dark()
        if dark is None or (override is not None and override.is_active(instant)):
            return effective_level(override, None, self._default_level_percent, instant)
        level = 0
        if dark:
            # What the night begins with, as far as the date can be guessed; never 0, for it is dark now.
            day = instant.astimezone(self._place.time_zone).date()
            program = self._plan.program_on(self._plan.calendar_of(device_id), day)
            level = program.initial_level_percent or 100
        return EffectiveLevel(level, Reason.SENSOR, instant + _CHECK_PHOTOCELL_EVERY)

    def _of_night(self, calendar_id: str, instant: datetime) -> LevelPlan:
        """Return the nights around the instant; the same for all lamps of a calendar, so computed once."""
        known = self._nights.get(calendar_id)
        if known is None or not known.times[0] <= instant < known.end:
            # Several nights at once, since sun times cost most; from before today's, which begins at noon.
            first = instant.astimezone(self._place.time_zone).date() - timedelta(days=2)
            known = levels_of_nights(self._plan, calendar_id, self._place, first, _PLANNED_NIGHTS)
            self._nights[calendar_id] = known
        return known
