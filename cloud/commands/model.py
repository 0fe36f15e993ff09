"""Commands to lamps and what became of them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from protocols.lamp import CommandStatus


class Outcome(StrEnum):
    """How far a command has come on all its lamps."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    PARTIAL = "partial"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Command:
    """An override asked for; a level of None ends the one in force, without expiration it has no end."""

    id: str
    level_percent: int | None
    created: datetime
    deadline: datetime
    expiration: datetime | None
    requested_by: str
    note: str


@dataclass(frozen=True, slots=True)
class LampResult:
    """What is known of a command on one lamp; `time` is None while it is pending."""

    lamp_id: str
    status: CommandStatus
    level_percent: int | None = None
    detail: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredOverride:
    """An override in force on a device."""

    device_id: str
    command_id: str
    level_percent: int | None
    expiration_ms: int | None
    note: str
    requested_by: str


def outcome(statuses: set[CommandStatus]) -> Outcome:
    """One word for the states of all lamps of a command."""
    if CommandStatus.PENDING in statuses or not statuses:
        return Outcome.PENDING
    if len(statuses) > 1:
        return Outcome.PARTIAL
    return Outcome(next(iter(statuses)).value)
