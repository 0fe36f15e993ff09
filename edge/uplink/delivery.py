"""What to send next: live records first, then those never acknowledged, then the backlog on disk. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge.outbox import StoredRecord

RESEND_S: Final = 5.0
BACKLOG_WINDOW: Final = 200
LIVE_WINDOW: Final = 1000

_LONGEST_RESEND_S = 40.0


@dataclass(frozen=True, slots=True)
class InFlight:
    """A record that was sent and not acknowledged yet."""

    stored: StoredRecord
    sent_at: float


@dataclass(frozen=True, slots=True)
class BacklogQuery:
    """Which records to read from disk: at most `limit` behind `after`."""

    after: int
    limit: int


class Delivery:
    """The records of one connection; `now` is wall time in seconds.

    Everything on disk counts as backlog until it has been sent on this connection. Records that come while
    too many are in flight are left to the backlog too, so memory stays bounded whatever the cloud does.
    """

    def __init__(self) -> None:
        self._live: dict[int, StoredRecord] = {}
        self._in_flight: dict[int, InFlight] = {}
        self._cursor = 0
        self._has_backlog = True
        self._heard_at = 0.0

    @property
    def has_backlog(self) -> bool:
        """Whether there may be records on disk that were not sent on this connection."""
        return self._has_backlog

    @property
    def in_flight(self) -> int:
        """How many records wait for their acknowledgement."""
        return len(self._in_flight)

    def restart(self, now: float) -> None:
        """A new connection: nothing is in flight, all that is on disk is backlog."""
        self._live.clear()
        self._in_flight.clear()
        self._cursor = 0
        self._has_backlog = True
        self._heard_at = now

    def look_again(self) -> None:
        """Read the backlog from its beginning: records there have become ready to be sent."""
        self._cursor = 0
        self._has_backlog = True

    def offer(self, records: Iterable[StoredRecord]) -> None:
        """Take records that have just become durable."""
        for stored in records:
            if len(self._live) + len(self._in_flight) < LIVE_WINDOW:
                self._live[stored.position] = stored
            else:
                self._has_backlog = True

    def acknowledge(self, ranges: Iterable[tuple[int, int]], now: float) -> None:
        """The cloud has these positions, ends included."""
        self._heard_at = now
        for first, last in ranges:
            for position in [each for each in self._in_flight if first <= each <= last]:
                del self._in_flight[position]

    def take_live(self, limit: int) -> list[StoredRecord]:
        """The oldest live records not sent yet."""
        positions = list(self._live)[:limit]
        return [self._live.pop(position) for position in positions]

    def take_overdue(self, now: float, limit: int) -> list[StoredRecord]:
        """Records sent long enough ago to be sent again.

        The wait grows with the time since anything was acknowledged: a cloud that is not there is not
        hammered, and one that is back gets them all at the next acknowledgement.
        """
        wait_s = min(max(RESEND_S, (now - self._heard_at) / 2), _LONGEST_RESEND_S)
        overdue: list[StoredRecord] = []
        for flight in self._in_flight.values():
            if len(overdue) == limit or flight.sent_at + wait_s > now:
                break
            overdue.append(flight.stored)
        return overdue

    def backlog_query(self) -> BacklogQuery | None:
        """What to read from disk next; None while there is none, or too much is in flight."""
        room = BACKLOG_WINDOW - len(self._in_flight)
        return BacklogQuery(self._cursor, room) if self._has_backlog and room > 0 else None

    def take_backlog(self, query: BacklogQuery, found: Sequence[StoredRecord] | None) -> list[StoredRecord]:
        """Of what a query found, the records to be sent: not those that are under way already.

        None where the disk could not be read: there may be some, and it is asked again at the next look.
        """
        if found is None:
            return []
        if len(found) < query.limit:
            self._has_backlog = False
        if found:
            self._cursor = found[-1].position
        under_way = self._in_flight.keys() | self._live.keys()
        return [each for each in found if each.position not in under_way]

    def sent(self, records: Iterable[StoredRecord], now: float) -> None:
        """These are on their way."""
        for stored in records:
            self._in_flight.pop(stored.position, None)
            self._in_flight[stored.position] = InFlight(stored, now)
