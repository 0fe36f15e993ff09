"""What to send next: live records first, then overdue ones, then the backlog on disk. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge.outbox import StoredRecord

RESEND_S: Final = 5.0
"""Our choice, well above the second or so in which a running cloud acknowledges."""

BACKLOG_WINDOW: Final = 200
"""Backlog records in flight. Our choice: enough to use the network fully until they are acknowledged."""

LIVE_WINDOW: Final = 1000
"""Live records in memory, waiting or in flight; further ones are read back from disk as backlog."""

_LONGEST_RESEND_S = 40.0


@dataclass(frozen=True, slots=True)
class InFlight:
    """A record that was sent at `sent_at` and is not acknowledged yet."""

    stored: StoredRecord
    sent_at: float


@dataclass(frozen=True, slots=True)
class BacklogQuery:
    """A request for at most `limit` records from disk, at positions beyond `after`."""

    after: int
    limit: int


class Delivery:
    """The records of one connection; `now` is wall time in seconds.

    Everything on disk is backlog until it has been sent on this connection. Records that become durable while
    too many are in flight become backlog too, so that memory stays bounded whatever the cloud does.
    """

    def __init__(self) -> None:
        self._live: dict[int, StoredRecord] = {}
        self._in_flight: dict[int, InFlight] = {}
        self._cursor = 0
        self.has_backlog = True
        """Whether there may be records on disk that were not sent on this connection."""
        self._acknowledged_at = 0.0

    @property
    def in_flight(self) -> int:
        """How many records are sent and not acknowledged yet."""
        return len(self._in_flight)

    def restart(self, now: float) -> None:
        """Begin a new connection: nothing is in flight, everything on disk is backlog."""
        self._live.clear()
        self._in_flight.clear()
        self._cursor = 0
        self.has_backlog = True
        self._acknowledged_at = now

    def rescan_backlog(self) -> None:
        """Read the backlog from its start again: records there have become ready to be sent."""
        self._cursor = 0
        self.has_backlog = True

    def offer(self, records: Iterable[StoredRecord]) -> None:
        """Take records that have just become durable."""
        for stored in records:
            if len(self._live) + len(self._in_flight) < LIVE_WINDOW:
                self._live[stored.position] = stored
            else:
                self.has_backlog = True

    def acknowledge(self, ranges: Iterable[tuple[int, int]], now: float) -> None:
        """Drop the records at these positions, ends included: the cloud has stored them."""
        self._acknowledged_at = now
        for first, last in ranges:
            for position in [each for each in self._in_flight if first <= each <= last]:
                del self._in_flight[position]

    def take_live(self, limit: int) -> list[StoredRecord]:
        """Take the oldest live records, at most `limit`."""
        positions = list(self._live)[:limit]
        return [self._live.pop(position) for position in positions]

    def take_overdue(self, now: float, limit: int) -> list[StoredRecord]:
        """Return records whose acknowledgement is overdue, at most `limit`.

        The wait grows with the time since the last acknowledgement: an ingester that is down gets few
        messages, and all that is overdue is sent again after its next acknowledgement.
        """
        wait_s = min(max(RESEND_S, (now - self._acknowledged_at) / 2), _LONGEST_RESEND_S)
        overdue: list[StoredRecord] = []
        for flight in self._in_flight.values():
            # In the order they were sent (see `sent`): behind the first that is not overdue no other is.
            if len(overdue) == limit or flight.sent_at + wait_s > now:
                break
            overdue.append(flight.stored)
        return overdue

    def backlog_query(self) -> BacklogQuery | None:
        """Return what to read from disk next; None without a backlog, or while too much is in flight."""
        room = BACKLOG_WINDOW - len(self._in_flight)
        return BacklogQuery(self._cursor, room) if self.has_backlog and room > 0 else None

    def take_backlog(self, query: BacklogQuery, found: Sequence[StoredRecord] | None) -> list[StoredRecord]:
        """Return those of the records found that are to be sent: not live ones and not those in flight.

        `found` is None where the disk could not be read: the backlog is read again at the next attempt.
        """
        if found is None:
            return []
        if len(found) < query.limit:
            self.has_backlog = False
        if found:
            self._cursor = found[-1].position
        pending = self._in_flight.keys() | self._live.keys()
        return [each for each in found if each.position not in pending]

    def sent(self, records: Iterable[StoredRecord], now: float) -> None:
        """Count these as in flight since `now`."""
        for stored in records:
            # Removed first, so that a record sent again moves to the end: `take_overdue` relies on the order.
            self._in_flight.pop(stored.position, None)
            self._in_flight[stored.position] = InFlight(stored, now)
