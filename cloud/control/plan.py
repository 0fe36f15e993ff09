"""What the lighting plan asks of a place: the level of an instant, and what comes next."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cloud.live.model import OverrideView, View
from protocols.lighting.program import ASTRO_DEFAULT, LevelDecision, LightingProgram, Place, level_at
from protocols.sun import Night, night_of

_MOST_PLACES = 2000


class LevelChange(View, frozen=True):
    """A level in % from an instant on."""

    time: datetime
    level: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a lamp follows and will do next."""

    program: LightingProgram
    night: Night
    next_change: LevelChange | None


class LightingPlan:
    """The plan in force; every lamp follows the same program until there are assignments."""

    def __init__(self, program: LightingProgram = ASTRO_DEFAULT) -> None:
        self.program = program
        self._decided: dict[tuple[float, float, str], LevelDecision] = {}

    def level(self, latitude: float, longitude: float, time_zone: str, instant: datetime) -> int:
        """The planned level in %; worked out again only when the plan changes its mind."""
        key = (latitude, longitude, time_zone)
        known = self._decided.get(key)
        if known is None or not known.since <= instant < known.until:
            if len(self._decided) >= _MOST_PLACES:
                self._decided.clear()
            known = level_at(self.program, Place(latitude, longitude, ZoneInfo(time_zone)), instant)
            self._decided[key] = known
        return known.level_percent

    def outlook(
        self,
        latitude: float,
        longitude: float,
        time_zone: str,
        instant: datetime,
        override: OverrideView | None = None,
    ) -> Outlook:
        """What a lamp at this place follows and will do next, with `override` in force on it."""
        zone = ZoneInfo(time_zone)
        place = Place(latitude, longitude, zone)
        night = night_of(latitude, longitude, zone, instant)
        change = self._change(place, instant) if override is None else self._end(place, override)
        return Outlook(self.program, night, change)

    def _change(self, place: Place, instant: datetime) -> LevelChange | None:
        present = level_at(self.program, place, instant)
        following = level_at(self.program, place, present.until).level_percent
        # In a polar day or night the plan has no change in sight.
        if following == present.level_percent:
            return None
        return LevelChange(time=present.until, level=following)

    def _end(self, place: Place, override: OverrideView) -> LevelChange | None:
        """An override outranks the plan: the plan's changes wait until it ends."""
        if override.expiration is None:
            return None
        level = level_at(self.program, place, override.expiration).level_percent
        return LevelChange(time=override.expiration, level=level)
