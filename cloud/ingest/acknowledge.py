"""Acknowledgements of stored records, after which a gateway deletes them from its outbox."""

from collections.abc import Iterable

from protocols.mapping import ack_metrics
from protocols.sparkplug.messages import Outgoing, node_command

MAX_RANGES = 500
"""Ranges in one acknowledgement: keeps the message below what small gateways buffer."""


def acknowledgements(
    group: str, node: str, epoch: int, positions: Iterable[int], now_ms: int
) -> list[Outgoing]:
    """Return the NCMDs that acknowledge the outbox positions of `epoch` to a gateway.

    Call it only with positions that are durably stored: the gateway keeps no other copy.
    """
    ranges = merged(positions)
    return [
        node_command(group, node, ack_metrics(epoch, ranges[start : start + MAX_RANGES], now_ms), now_ms)
        for start in range(0, len(ranges), MAX_RANGES)
    ]


def merged(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Return the positions as the fewest ranges (first, last), ascending, ends included."""
    ranges: list[tuple[int, int]] = []
    for position in sorted(set(positions)):
        if ranges and ranges[-1][1] == position - 1:
            ranges[-1] = (ranges[-1][0], position)
        else:
            ranges.append((position, position))
    return ranges
