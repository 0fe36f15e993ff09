"""Commands as the API shows them."""

from collections.abc import Iterable
from datetime import datetime

from cloud.commands.model import Command, LampResult, StoredOverride, outcome
from cloud.http.views import View
from cloud.state.views import OverrideView
from protocols.clock import from_unix_ms
from protocols.lamp import CommandStatus


class CommandResultView(View, frozen=True):
    """What became of a command on one lamp."""

    lamp_id: str
    status: str
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
    status: str
    results: tuple[CommandResultView, ...]


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


def override_view(stored: StoredOverride | None) -> OverrideView | None:
    """The override as a lamp's view holds it; None stays None."""
    if stored is None:
        return None
    expiration_ms = stored.expiration_ms
    return OverrideView(
        command_id=stored.command_id,
        expiration=None if expiration_ms is None else from_unix_ms(expiration_ms),
        note=stored.note,
        requested_by=stored.requested_by,
    )


def _result_view(result: LampResult, overdue: bool) -> CommandResultView:
    status, detail = result.status, result.detail
    if status is CommandStatus.PENDING and overdue:
        status, detail = CommandStatus.EXPIRED, "no answer before the deadline"
    return CommandResultView(
        lamp_id=result.lamp_id, status=status, level=result.level_percent, detail=detail, time=result.time
    )
