"""How far a command has come, in one word."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud.commands.model import Command, LampResult, Outcome, outcome
from cloud.commands.views import command_view
from protocols.lamp import CommandStatus

NOON = datetime(2026, 8, 10, 5, tzinfo=UTC)
COMMAND = Command("c1", 40, NOON, NOON + timedelta(seconds=30), None, "ana", "")
PENDING, CONFIRMED = CommandStatus.PENDING, CommandStatus.CONFIRMED
FAILED, EXPIRED = CommandStatus.FAILED, CommandStatus.EXPIRED


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (set(), Outcome.PENDING),
        ({PENDING}, Outcome.PENDING),
        ({PENDING, CONFIRMED, FAILED}, Outcome.PENDING),
        ({CONFIRMED}, Outcome.CONFIRMED),
        ({FAILED}, Outcome.FAILED),
        ({EXPIRED}, Outcome.EXPIRED),
        ({CONFIRMED, FAILED}, Outcome.PARTIAL),
        ({CONFIRMED, EXPIRED}, Outcome.PARTIAL),
        ({FAILED, EXPIRED}, Outcome.PARTIAL),
    ],
)
def test_outcome(statuses: set[CommandStatus], expected: Outcome) -> None:
    """Pending while anyone is; then what all agree on, or partial."""
    assert outcome(statuses) is expected


@pytest.mark.parametrize(("after_s", "expected"), [(0, "pending"), (30, "pending"), (31, "expired")])
def test_pending_expires_after_the_deadline(after_s: int, expected: str) -> None:
    """Only lamps without a result; a failure stays a failure."""
    results = [LampResult("a", PENDING), LampResult("b", FAILED, detail="no answer on the line", time=NOON)]
    view = command_view(COMMAND, results, NOON + timedelta(seconds=after_s))
    assert [result.status for result in view.results] == [expected, "failed"]
