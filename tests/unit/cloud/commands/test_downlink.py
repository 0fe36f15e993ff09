"""Commands and acknowledgements as they leave for gateways."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud.commands.downlink import MAX_RANGES, Downlink, acknowledgements, merged
from cloud.inventory.store import LampAddress
from protocols.lamp import LightCommand
from protocols.mapping import COMMANDED_METRICS, ack_from, command_from
from protocols.sparkplug.edge_node import DeviceCommand, EdgeNodeSession, NodeCommand

NOW = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)


@given(st.lists(st.integers(0, 300)))
def test_ranges_hold_each_position_once_and_no_other(positions: list[int]) -> None:
    ranges = merged(positions)
    assert [one for first, last in ranges for one in range(first, last + 1)] == sorted(set(positions))
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(ranges))


def test_an_acknowledgement_is_understood_by_the_gateway_and_kept_small() -> None:
    session = EdgeNodeSession("32.04.37", "soreang-01", never_aliased=COMMANDED_METRICS)
    positions = range(1, 8 * MAX_RANGES, 2)
    acknowledged: list[tuple[int, int]] = []
    messages = acknowledgements("32.04.37", "soreang-01", 77, positions, 1)
    for message in messages:
        (event,) = session.receive(message.topic, message.payload)
        assert isinstance(event, NodeCommand)
        assert not message.retain
        found = ack_from(event.metrics)
        assert found is not None
        epoch, ranges = found
        assert epoch == 77
        assert len(ranges) <= MAX_RANGES
        acknowledged += ranges
    assert acknowledged == [(position, position) for position in positions]
    assert len(messages) == 4


async def test_a_command_reaches_its_lamp_as_it_was_given() -> None:
    sent: list[tuple[str, bytes, int, bool]] = []

    async def publish(topic: str, payload: bytes, qos: int, retain: bool) -> None:
        sent.append((topic, payload, qos, retain))

    commands = [
        LightCommand("c1", "SOR-00001", 40, NOW, NOW + timedelta(seconds=30), NOW + timedelta(hours=2)),
        LightCommand("c1", "CIW-00009", None, NOW, NOW + timedelta(seconds=30), None),
    ]
    addresses = {
        "SOR-00001": LampAddress("SOR-00001", "32.04.37", "soreang-01"),
        "CIW-00009": LampAddress("CIW-00009", "32.04.39", "ciwidey-02"),
    }
    await Downlink(publish).send(commands, addresses)
    assert [(topic, qos, retain) for topic, _, qos, retain in sent] == [
        ("spBv1.0/32.04.37/DCMD/soreang-01/SOR-00001", 0, False),
        ("spBv1.0/32.04.39/DCMD/ciwidey-02/CIW-00009", 0, False),
    ]
    received = []
    for (topic, payload, _, _), group, node in zip(
        sent, ("32.04.37", "32.04.39"), ("soreang-01", "ciwidey-02"), strict=True
    ):
        (event,) = EdgeNodeSession(group, node).receive(topic, payload)
        assert isinstance(event, DeviceCommand)
        received.append(command_from(event.device, event.metrics, NOW))
    assert received == commands
