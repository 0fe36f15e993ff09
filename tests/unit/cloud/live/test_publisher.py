"""Live updates: the newest of each thing, a few times a second, in pieces that travel."""

import asyncio
from typing import Any

import msgspec
import pytest

from cloud.live.model import LiveUpdate
from cloud.live.publisher import LAMPS_PER_MESSAGE, LivePublisher, worth_publishing
from cloud.state.views import GatewayView, LampCondition, LampView, lamp_view
from protocols.clock import from_unix_ms
from protocols.inventory.model import Lamp
from protocols.lamp import LampReading
from tests.conftest import eventually


def update(lamp_id: str, power_w: float) -> LiveUpdate:
    lamp = Lamp(lamp_id, "32.04.37", "soreang-01", 1, 1, -7.03, 107.52)
    reading = LampReading(lamp_id, from_unix_ms(1_772_362_800_000), 100, 100, active_power_w=power_w)
    return LiveUpdate(lamps=(lamp_view(lamp, reading, online=True, alarms=(), override=None),))


async def test_the_newest_of_each_lamp_is_sent_once() -> None:
    sent: list[dict[str, Any]] = []

    async def publish(topic: str, payload: bytes) -> None:
        assert topic == "lentera/v1/live"
        sent.append(msgspec.json.decode(payload))

    publisher = LivePublisher(publish, interval_s=0.02)
    publisher.add(LiveUpdate())
    for power in (80.0, 81.0, 82.0):
        publisher.add(update("SOR-00001", power))
    publisher.add(
        LiveUpdate(gateways=(GatewayView(id="g", area_id="a", online=True, since=from_unix_ms(0)),))
    )
    task = asyncio.create_task(publisher.run())
    await eventually(lambda: sent)
    assert [lamp["activePower"] for lamp in sent[0]["lamps"]] == [82.0]
    assert sent[0]["lamps"][0]["observedAt"] == "2026-03-01T11:00:00Z"
    assert sent[0]["gateways"] == [
        {"id": "g", "areaId": "a", "online": True, "since": "1970-01-01T00:00:00Z"}
    ]
    for number in range(2 * LAMPS_PER_MESSAGE + 1):
        publisher.add(update(f"L{number}", 1.0))
    await eventually(lambda: len(sent) == 4)
    assert [len(one["lamps"]) for one in sent[1:]] == [LAMPS_PER_MESSAGE, LAMPS_PER_MESSAGE, 1]
    task.cancel()


async def test_noise_is_not_published() -> None:
    """What stays within the deadbands of the catalogue is not published; what adds up to more is."""
    sent: list[dict[str, Any]] = []

    async def publish(_topic: str, payload: bytes) -> None:
        sent.append(msgspec.json.decode(payload))

    publisher = LivePublisher(publish, interval_s=0.01)
    for power in (80.0, 80.6, 80.4):
        publisher.add(update("A", power))
        assert len(publisher._take()) == (power == 80.0)
    publisher.add(update("A", 81.0))
    task = asyncio.create_task(publisher.run())
    await eventually(lambda: sent)
    assert [lamp["activePower"] for lamp in sent[0]["lamps"]] == [81.0]
    task.cancel()


def _view(**changes: object) -> LampView:
    (view,) = update("A", 80.0).lamps
    return msgspec.structs.replace(view, **changes)


@pytest.mark.parametrize(
    ("changes", "published"),
    [
        ({}, False),
        ({"actual_light_state": 99.5}, False),
        ({"active_power": 80.9}, False),
        ({"active_power": 81.0}, True),
        ({"active_power": None}, True),
        ({"actual_light_state": 98.0}, True),
        ({"target_light_command": 99}, True),
        ({"state": LampCondition.UNKNOWN}, True),
        ({"alarms": ("lampFailure",)}, True),
        ({"observed_at": from_unix_ms(1_772_362_859_999)}, False),
        ({"observed_at": from_unix_ms(1_772_362_860_000)}, True),
        ({"observed_at": None}, True),
    ],
)
def test_what_is_worth_publishing(changes: dict[str, object], published: bool) -> None:
    """Light and power beyond their deadband, anything else at all, and a sign of life every minute."""
    before = _view(actual_light_state=100.0)
    after = msgspec.structs.replace(before, **changes)
    assert worth_publishing(before, after) is published
    assert worth_publishing(None, after)
