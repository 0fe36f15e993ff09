"""Commands as the API shows them."""

from collections.abc import Iterable
from datetime import datetime

from cloud.commands.model import Command, LampResult, Outcome, StoredOverride, outcome
from cloud.http.views import View
from cloud.state.views import OverrideView
from protocols.clock import from_unix_ms
from protocols.lamp import CommandStatus


class CommandResultView(View, frozen=True):
    """The result of a command on one lamp."""

    lamp_id: str
    status: CommandStatus
    level: int | None
    detail: str
    time: datetime | None


class CommandView(View, frozen=True):
    """A command with its results; `status` sums them up."""

    id: str
    created_at: datetime
    requested_by: str
    note: str
    level: int | None
    expiration: datetime | None
    deadline: datetime
    status: Outcome
    results: tuple[CommandResultView, ...]


def command_view(command: Command, results: Iterable[LampResult], now: datetime) -> CommandView:
    """Return the command with its results at `now`; those still pending after the deadline have expired."""
    views: list[CommandResultView] = []
    for result in results:
        status, detail = result.status, result.detail
        if status is CommandStatus.PENDING and now > command.deadline:
            status, detail = CommandStatus.EXPIRED, "no answer before the deadline"
        views.append(
            CommandResultView(
                lamp_id=result.lamp_id,
                status=status,
                level=result.level_percent,
                detail=detail,
                time=result.time,
            )
        )
    return CommandView(
        id=command.id,
        created_at=command.created,
        requested_by=command.requested_by,
        note=command.note,
        level=command.level_percent,
        expiration=command.expiration,
        deadline=command.deadline,
        status=outcome({view.status for view in views}),
        results=tuple(views),
    )


def override_view(stored: StoredOverride | None) -> OverrideView | None:
    """Return the override as a lamp's view holds it; None stays None."""
    if stored is None:
        return None
    expiration_ms = stored.expiration_ms
    return OverrideView(
        command_id=stored.command_id,
        expiration=None if expiration_ms is None else from_unix_ms(expiration_ms),
        note=stored.note,
        requested_by=stored.requested_by,
    )
