"""Whether an ingester is at work, by an API process's own clock."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import pytest

from cloud.live.feed import LiveFeed
from cloud.live.ingester import IngesterMonitor
from cloud.live.model import IngestView, LiveUpdate
from cloud.mqtt import BrokerAddress
from protocols.sparkplug.messages import HostState

NOON = datetime(2026, 8, 10, 5, 0, tzinfo=UTC)
BEAT = IngestView(data_as_of=NOON, storing=True)
STUCK = IngestView(data_as_of=NOON, storing=False)


@dataclass
class Wall:
    """Seconds that a test lets pass."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        """The present second."""
        return self.now_s


@pytest.fixture
def wall() -> Wall:
    """A wall clock that stands."""
    return Wall()


@pytest.fixture
def watch(wall: Wall) -> IngesterMonitor:
    """A watch of a process that has just been started."""
    watch = IngesterMonitor(wall)
    watch.begin()
    return watch


def _standing(watch: IngesterMonitor) -> tuple[bool, bool]:
    return watch.online, watch.lost


def test_a_new_process_lets_an_ingester_be_heard_first(wall: Wall, watch: IngesterMonitor) -> None:
    """It works at once; silence is absence only after ten seconds, and no restart after twenty."""
    seen = []
    for seconds in (0.0, 9.9, 10.0, 20.0, 20.1):
        wall.now_s = 1000 + seconds
        seen.append(_standing(watch))
    assert seen == [(True, False), (True, False), (False, False), (False, False), (False, True)]
    assert watch.data_as_of is None


def test_before_it_listens_a_process_knows_nothing(wall: Wall) -> None:
    """Nothing known is not absence."""
    watch = IngesterMonitor(wall)
    wall.now_s += 3600
    assert _standing(watch) == (True, False)


def test_reconnecting_is_no_heartbeat(wall: Wall, watch: IngesterMonitor) -> None:
    """Only the first time gives time to be heard."""
    wall.now_s += 15
    watch.begin()
    assert not watch.online


def test_a_heartbeat_counts_for_ten_seconds(wall: Wall, watch: IngesterMonitor) -> None:
    """Then the ingester is offline, and its data as old as it said."""
    wall.now_s += 100
    watch.heartbeat(BEAT)
    assert watch.online
    wall.now_s += 9.9
    assert watch.online
    wall.now_s += 0.1
    assert _standing(watch) == (False, False)
    wall.now_s += 10.1
    assert _standing(watch) == (False, True)
    assert watch.data_as_of == NOON
    watch.heartbeat(IngestView(data_as_of=None, storing=True))
    assert _standing(watch) == (True, False)
    assert watch.data_as_of == NOON


def test_who_stores_nothing_does_not_work(wall: Wall, watch: IngesterMonitor) -> None:
    """Heartbeats of an ingester whose store refuses work don't keep it online."""
    watch.heartbeat(BEAT)
    for _ in range(6):
        wall.now_s += 2
        watch.heartbeat(STUCK)
    assert not watch.online


def test_the_brokers_word_ends_it_at_once(wall: Wall, watch: IngesterMonitor) -> None:
    """Offline the moment it leaves; lost ten seconds after, however often that is said; heard, it is back."""
    watch.heartbeat(BEAT)
    watch.host_state(HostState(online=True, timestamp=5))
    wall.now_s += 1
    watch.host_state(HostState(online=False, timestamp=5))
    assert _standing(watch) == (False, False)
    wall.now_s += 9
    watch.host_state(HostState(online=False, timestamp=6))
    watch.heartbeat(STUCK)
    assert _standing(watch) == (False, False)
    wall.now_s += 1.1
    assert _standing(watch) == (False, True)
    watch.host_state(HostState(online=True, timestamp=7))
    assert not watch.online
    watch.heartbeat(BEAT)
    assert _standing(watch) == (True, False)


def test_the_will_of_a_replaced_ingester_says_nothing(watch: IngesterMonitor) -> None:
    """It may come after the birth of the one that took over."""
    watch.heartbeat(BEAT)
    watch.host_state(HostState(online=True, timestamp=7))
    watch.host_state(HostState(online=False, timestamp=5))
    assert watch.online


async def test_the_feed_keeps_the_heartbeat_to_itself(wall: Wall) -> None:
    """Maps learn of it with the clock, not as an item."""
    feed = LiveFeed(BrokerAddress("127.0.0.1", 1), "test", wall)
    with feed.subscribe() as subscription:
        feed.deliver(msgspec.json.encode(LiveUpdate(ingest=BEAT)))
        assert await subscription.take(0.01) == {}
    assert feed.ingester.data_as_of == NOON
    wall.now_s += 10
    assert not feed.ingester.online
