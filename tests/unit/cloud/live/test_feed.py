"""Fanning out live updates without growing."""

import asyncio
import json

import pytest

from cloud.live.feed import LiveFeed, Subscription
from cloud.mqtt import BrokerAddress, BrokerUnreachableError


def _feed() -> LiveFeed:
    return LiveFeed(BrokerAddress("127.0.0.1", 1), "test")


async def test_a_slow_reader_holds_the_newest_of_each_only() -> None:
    """A hundred thousand changes of ten lamps are ten entries."""
    feed = _feed()
    with feed.subscribe() as subscription:
        for number in range(10_000):
            lamps = [{"id": f"lamp-{index}", "level": number % 101} for index in range(10)]
            feed.deliver(json.dumps({"lamps": lamps}).encode())
        taken = await subscription.take(1)
    items = [json.loads(item) for item in taken["lamps"]]
    assert [item["id"] for item in items] == [f"lamp-{index}" for index in range(10)]
    assert {item["level"] for item in items} == {9_999 % 101}


async def test_too_much_for_a_reader_ends_it() -> None:
    """It starts again, with the state of then."""
    subscription = Subscription()
    subscription.put("alarms", dict.fromkeys(range(200001), b"{}"))
    assert subscription.closed
    assert await subscription.take(1) == {}


async def test_taking_waits_for_a_change() -> None:
    """And gives up after the time given."""
    subscription = Subscription()
    assert await subscription.take(0.01) == {}
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(subscription.take(5))
        subscription.put("lamps", {"a": b"{}"})
    assert {kind: list(items) for kind, items in taking.result().items()} == {"lamps": [b"{}"]}
    assert await subscription.take(0.01) == {}


async def test_a_reader_that_left_is_forgotten() -> None:
    """Its subscription is neither filled nor kept."""
    feed = _feed()
    with feed.subscribe() as subscription:
        pass
    feed.deliver(b'{"lamps":[{"id":"a"}]}')
    assert await subscription.take(0.01) == {}
    assert feed._subscriptions == set()


async def test_closing_ends_every_reader() -> None:
    """Also those that come too late."""
    feed = _feed()
    with feed.subscribe() as early:
        feed.close()
        assert early.closed
    with feed.subscribe() as late:
        assert late.closed


async def test_without_a_broker_nothing_is_sent() -> None:
    """The sender sees it."""
    with pytest.raises(BrokerUnreachableError):
        await _feed().publish("topic", b"")
