"""Which request of a line is sent next: five lanes by priority, and units that get none for a while."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from edge.line.framing import Request


class Lane(IntEnum):
    """What a request is for; the lowest number goes first."""

    COMMAND = 0
    READ_BACK = 1
    ALARM = 2
    READING = 3
    SLOW = 4


@dataclass(slots=True)
class Transaction:
    """A request that waits for the wire, and the future that takes its response.

    `timeout_s` overrides the line's own estimate of how long the unit may take. `before` is the transaction
    that waits for the response to this one.
    """

    lane: Lane
    request: Request
    response: "asyncio.Future[bytes]" = field(repr=False)
    timeout_s: float | None = None
    before: "Transaction | None" = None


class Lanes:
    """The waiting transactions of one line. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._lanes: tuple[deque[Transaction], ...] = tuple(deque() for _ in Lane)
        self._held: dict[int, float] = {}

    def put(self, transaction: Transaction, *, first: bool = False) -> None:
        """Add a transaction to its lane, behind those already there or `first` of them."""
        lane = self._lanes[transaction.lane]
        if first:
            lane.appendleft(transaction)
        else:
            lane.append(transaction)

    def hold(self, unit: int, until: float) -> None:
        """Send no request to `unit` before `until`: a response of it may still be under way."""
        self._held[unit] = until

    def release(self, unit: int) -> None:
        """Allow requests to `unit` again."""
        self._held.pop(unit, None)

    def take(self, now: float) -> Transaction | None:
        """Remove and return the next transaction that may be sent at `now`; None where none may.

        Transactions whose caller was cancelled are dropped.
        """
        if self._held:
            self._held = {unit: until for unit, until in self._held.items() if until > now}
        for lane in self._lanes:
            if lane and (transaction := self._take_from(lane)) is not None:
                return transaction
        return None

    def next_release(self) -> float | None:
        """Return when the first unit is released that a transaction waits for; None where none waits."""
        waited_for = {transaction.request.unit for lane in self._lanes for transaction in lane}
        return min((until for unit, until in self._held.items() if unit in waited_for), default=None)

    def fail_all(self, error: Exception) -> None:
        """End every waiting transaction with `error`."""
        for lane in self._lanes:
            while lane:
                transaction = lane.popleft()
                # The future of a caller that was cancelled takes no error any more.
                if not transaction.response.done():
                    transaction.response.set_exception(error)

    def _take_from(self, lane: deque[Transaction]) -> Transaction | None:
        # The first is tried without a search: with a hundred polls waiting this is called for each of them.
        while lane and lane[0].response.done():
            lane.popleft()
        if lane and lane[0].request.unit not in self._held:
            return lane.popleft()
        # Others overtake a transaction whose unit is held: one unresponsive unit must not stop its lane.
        for index, transaction in enumerate(lane):
            if transaction.request.unit not in self._held and not transaction.response.done():
                del lane[index]
                return transaction
        return None
