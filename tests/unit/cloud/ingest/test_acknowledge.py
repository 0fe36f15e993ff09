"""Acknowledgements as gateways receive them."""

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.acknowledge import MAX_RANGES, acknowledgements, merged
from protocols.mapping import COMMANDED_METRICS, ack_from
from protocols.sparkplug.edge_node import EdgeNodeSession, NodeCommand

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
