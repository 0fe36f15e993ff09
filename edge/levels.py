"""The level each lamp should have now: override before program before default, held by the gateway alone."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from edge.timekeeping import EARLIEST
from protocols.lighting.priority import EffectiveLevel, Override, effective_level
from protocols.lighting.program import LevelDecision, LevelPlan, LightingProgram, Place, plan_nights

_PLANNED_NIGHTS = 6


class Levels:
    """The program, the place it is reckoned for, and the overrides in force."""

    def __init__(
        self,
        program: LightingProgram,
        place: Place,
        default_level_percent: int,
        overrides: Mapping[str, Override],
        time_is_known: Callable[[], bool] = lambda: True,
    ) -> None:
        self._program = program
        self._place = place
        self._default_level_percent = default_level_percent
        self._overrides = dict(overrides)
        self._time_is_known = time_is_known
        self._plan: LevelPlan | None = None

    def override(self, lamp_id: str) -> Override | None:
        """The override of a lamp, in force, still to start, or expired."""
        return self._overrides.get(lamp_id)

    def put_override(self, lamp_id: str, override: Override | None) -> None:
        """Set the lamp's override in place of the one before; None ends it."""
        if override is None:
            self._overrides.pop(lamp_id, None)
        else:
            self._overrides[lamp_id] = override

    def trusts(self, instant: datetime) -> bool:
        """Whether the program may go by a clock that shows this."""
        return instant >= EARLIEST and self._time_is_known()

    def put_program(self, program: LightingProgram) -> None:
        """Go by this program from now on."""
        self._program = program
        self._plan = None

    def at(self, lamp_id: str, instant: datetime) -> EffectiveLevel:
        """The lamp's level at an instant, why, and until when that holds."""
        override = self._overrides.get(lamp_id)
        if override is not None and override.expiration is not None and not self.trusts(instant):
            override = None  # it may long have ended: without a clock only what has no end is sure
        return effective_level(override, self._decision(instant), self._default_level_percent, instant)

    def _decision(self, instant: datetime) -> LevelDecision | None:
        """What the program says; None under a clock that was never set, where only the default is safe."""
        if not self.trusts(instant):
            return None
        if self._plan is None or not self._plan.times[0] <= instant < self._plan.end:
            first = instant.astimezone(self._place.time_zone).date() - timedelta(days=2)
            self._plan = plan_nights(self._program, self._place, first, _PLANNED_NIGHTS)
        return self._plan.at(instant)
