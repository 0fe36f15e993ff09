"""Commands to lamps and what became of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloud.live.model import CommandResultView, CommandView
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


def command_view(command: Command, results: Iterable[LampResult], now: datetime) -> CommandView:
    """How the command stands now: what has not answered by the deadline has expired."""
    views = tuple(_result_view(result, now > command.deadline) for result in results)
    return CommandView(
        id=command.id,
        created_at=command.created,
        requested_by=command.requested_by,
        note=command.note,
        level=command.level_percent,
        expiration=command.expiration,
        deadline=command.deadline,
        status=outcome({CommandStatus(view.status) for view in views}),
        results=views,
    )


def outcome(statuses: set[CommandStatus]) -> Outcome:
    """One word for the states of all lamps of a command."""
    if CommandStatus.PENDING in statuses or not statuses:
        return Outcome.PENDING
    if len(statuses) > 1:
        return Outcome.PARTIAL
    return Outcome(next(iter(statuses)).value)


def _result_view(result: LampResult, overdue: bool) -> CommandResultView:
    status, detail = result.status, result.detail
    if status is CommandStatus.PENDING and overdue:
        status, detail = CommandStatus.EXPIRED, "no answer before the deadline"
    return CommandResultView(
        lamp_id=result.lamp_id, status=status, level=result.level_percent, detail=detail, time=result.time
    )
