"""The level a lamp should have, and what was last written to it. Changed by the `LevelWriter` alone."""

from dataclasses import dataclass

from protocols.lamp import Reason


@dataclass(slots=True)
class CommandedState:
    """The target of one lamp, and the level and ramp that it has, as last written or read.

    A written value is None while it is unknown: at the start, after a restart or silence of the lamp,
    and after a write that failed, which may have been carried out even so. `writes_in_progress` counts
    the calls that bring the lamp to its target now.
    """

    target_level_percent: int | None = None
    reason: Reason | None = None
    written_level_percent: int | None = None
    written_ramp_s: float | None = None
    writes_in_progress: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether the lamp may not have its target yet."""
        return self.written_level_percent != self.target_level_percent

    def invalidate(self) -> None:
        """Forget level and ramp, so that both are written again."""
        self.written_level_percent = None
        self.written_ramp_s = None
