"""What is sent when: live first, nothing forgotten, never too much at once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.outbox import StoredRecord
from edge.uplink.delivery import BACKLOG_WINDOW, LIVE_WINDOW, RESEND_S, Delivery
from protocols.lamp import LampReading

NIGHT = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)


def stored(*positions: int) -> list[StoredRecord]:
    return [
        StoredRecord(position, LampReading("SOR-00001", NIGHT + timedelta(seconds=position)))
        for position in positions
    ]


def positions(records: Sequence[StoredRecord]) -> list[int]:
    return [each.position for each in records]


def test_live_goes_out_in_order_and_waits_for_its_acknowledgement() -> None:
    delivery = Delivery()
    delivery.restart(0.0)
    delivery.offer(stored(1, 2, 3))
    sent = delivery.take_live(2)
    delivery.sent(sent, 0.0)
    assert positions(sent) == [1, 2]
    assert positions(delivery.take_live(2)) == [3]
    delivery.acknowledge([(1, 1)], 1.0)
    assert delivery.in_flight == 1
    assert delivery.take_overdue(RESEND_S - 0.1, 10) == []
    assert positions(delivery.take_overdue(RESEND_S, 10)) == [2]


def test_a_silent_cloud_is_sent_to_less_and_less_often() -> None:
    delivery = Delivery()
    delivery.restart(0.0)
    delivery.sent(stored(1), 0.0)
    times: list[float] = []
    for tenth in range(1, 2400):
        now = tenth / 10
        if overdue := delivery.take_overdue(now, 10):
            times.append(now)
            delivery.sent(overdue, now)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == RESEND_S
    assert pauses == sorted(pauses)
    assert max(pauses) <= 41
    delivery.sent(stored(2), 240.0)
    delivery.acknowledge([(2, 2)], 240.0)
    assert positions(delivery.take_overdue(max(times[-1] + RESEND_S, 240.0), 10)) == [1]


def test_backlog_is_read_up_to_the_window_without_what_is_in_flight() -> None:
    delivery = Delivery()
    delivery.restart(0.0)
    delivery.sent(stored(2), 0.0)
    delivery.offer(stored(4))
    query = delivery.backlog_query()
    assert query is not None
    assert (query.after, query.limit) == (0, BACKLOG_WINDOW - 1)
    assert positions(delivery.take_backlog(query, stored(1, 2, 3, 4))) == [1, 3]
    assert not delivery.has_backlog
    assert delivery.backlog_query() is None


def test_too_many_live_records_are_left_to_the_backlog() -> None:
    delivery = Delivery()
    delivery.restart(0.0)
    query = delivery.backlog_query()
    assert query is not None
    delivery.take_backlog(query, [])
    delivery.offer(stored(*range(1, LIVE_WINDOW + 2)))
    assert delivery.has_backlog
    assert len(delivery.take_live(LIVE_WINDOW + 10)) == LIVE_WINDOW


class World:
    """A disk, a connection, and what has reached the other side."""

    def __init__(self) -> None:
        self.delivery = Delivery()
        self.disk: dict[int, StoredRecord] = {}
        self.arrived: set[int] = set()
        self.now = 0.0
        self.delivery.restart(self.now)

    def new(self) -> None:
        (record,) = stored(max(self.disk.keys() | self.arrived, default=0) + 1)
        self.disk[record.position] = record
        self.delivery.offer([record])

    def live(self) -> None:
        self.send(self.delivery.take_live(2))

    def backlog(self) -> None:
        query = self.delivery.backlog_query()
        if query is not None:
            found = [each for each in self.disk.values() if each.position > query.after][: query.limit]
            self.send(self.delivery.take_backlog(query, found))

    def resend(self) -> None:
        self.send(self.delivery.take_overdue(self.now, 5))

    def reconnect(self) -> None:
        self.delivery.restart(self.now)

    def acknowledge(self) -> None:
        for position in sorted(self.arrived & self.disk.keys())[:2]:
            self.delivery.acknowledge([(position, position)], self.now)
            del self.disk[position]

    def send(self, records: Sequence[StoredRecord]) -> None:
        self.delivery.sent(records, self.now)
        self.arrived.update(positions(records))


STEPS = (World.new, World.live, World.backlog, World.resend, World.reconnect, World.acknowledge)


@given(st.lists(st.sampled_from(STEPS), max_size=80))
def test_every_record_is_sent_and_kept_until_acknowledged(
    steps: list[Callable[[World], None]],
) -> None:
    world = World()
    for step in steps:
        world.now += 3.0
        step(world)
    while world.delivery.has_backlog:
        world.backlog()
    world.send(world.delivery.take_live(1000))
    assert world.disk.keys() <= world.arrived
    overdue = world.delivery.take_overdue(world.now + 100.0, 1000)
    assert {each.position for each in overdue} >= world.disk.keys()
