"""What level a lamp should have, and what was last written to it. Owned by the `LevelWriter` of its line."""

from dataclasses import dataclass

from protocols.lamp import Reason


@dataclass(slots=True)
class CommandedState:
    """The target of one lamp, and the level and ramp last written and not disproved since.

    A written value is None where nobody can know it: at the start, after a restart or silence of the lamp,
    and after a write that failed, which may have been carried out all the same. `writes_in_progress` counts
    the calls that bring the lamp to its target right now.
    """

    target_level_percent: int | None = None
    reason: Reason | None = None
    written_level_percent: int | None = None
    written_ramp_s: float | None = None
    writes_in_progress: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether the target is yet to be written."""
        return self.written_level_percent != self.target_level_percent

    def record_write(self, level_percent: int) -> None:
        """Record a level that was written."""
        self.written_level_percent = level_percent

    def record_ramp(self, ramp_s: float | None) -> None:
        """Record a ramp that was written, or found in the device; None if the device does not say."""
        self.written_ramp_s = ramp_s

    def invalidate_level(self) -> None:
        """Make the level be written again; the ramp is known to be there."""
        self.written_level_percent = None

    def invalidate(self) -> None:
        """Make level and ramp be written again."""
        self.written_level_percent = None
        self.written_ramp_s = None
