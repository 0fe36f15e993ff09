"""What decides a lamp's level: an override before the program, the program before the default."""

from dataclasses import dataclass
from datetime import datetime

from protocols.lamp import LightCommand, Reason
from protocols.lighting.program import LevelDecision


@dataclass(frozen=True, slots=True)
class Override:
    """A level set by a command, in force from `start` to `expiration`, or until ended when None."""

    command_id: str
    level_percent: int
    start: datetime
    expiration: datetime | None = None

    def is_active(self, instant: datetime) -> bool:
        """Return whether the override is in force at the instant."""
        return self.start <= instant and (self.expiration is None or instant < self.expiration)


@dataclass(frozen=True, slots=True)
class EffectiveLevel:
    """A level, its reason, and until when it holds; None means until an override or a plan changes it."""

    level_percent: int
    reason: Reason
    until: datetime | None


def override_from(command: LightCommand) -> Override | None:
    """Return the override that replaces the one in force; None when the command ends it."""
    if command.level_percent is None:
        return None
    return Override(command.command_id, command.level_percent, command.start, command.expiration)


def effective_level(
    override: Override | None,
    program: LevelDecision | None,
    default_level_percent: int,
    instant: datetime,
) -> EffectiveLevel:
    """Return the level at an instant. `override` is the newest one, which has replaced all earlier ones."""
    if override is not None and override.is_active(instant):
        return EffectiveLevel(override.level_percent, Reason.OVERRIDE, override.expiration)
    starts = override.start if override is not None and override.start > instant else None
    if program is not None:
        until = program.until if starts is None else min(program.until, starts)
        return EffectiveLevel(program.level_percent, Reason.PROGRAM, until)
    return EffectiveLevel(default_level_percent, Reason.DEFAULT, starts)
