"""Commands and acknowledgements on their way to gateways: never retained, never sent again by the broker."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from cloud.inventory.store import LampAddress
from protocols.clock import to_unix_ms
from protocols.lamp import LightCommand
from protocols.mapping import ack_metrics, command_metrics
from protocols.sparkplug.messages import Outgoing, device_command, node_command

MAX_RANGES = 500
"""Ranges in one acknowledgement: keeps the message below what small gateways buffer."""


class Publish(Protocol):
    """How a message leaves this process; raises what its transport raises when it can't."""

    async def __call__(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Hand the message to the broker."""
        ...


class MqttDownlink:
    """Sends commands for lamps to their gateways."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    async def send(self, commands: Sequence[LightCommand], addresses: Mapping[str, LampAddress]) -> None:
        """Publish one DCMD per lamp; the gateway answers with a result, or the deadline passes."""
        for command in commands:
            message = command_message(command, addresses[command.device_id])
            await self._publish(message.topic, message.payload, message.qos, message.retain)


def command_message(command: LightCommand, address: LampAddress) -> Outgoing:
    """The DCMD that carries `command`."""
    metrics = command_metrics(command)
    return device_command(
        address.area_id, address.gateway_id, address.lamp_id, metrics, to_unix_ms(command.start)
    )


def acknowledgements(
    group: str, node: str, epoch: int, positions: Iterable[int], now_ms: int
) -> list[Outgoing]:
    """The NCMDs that tell a gateway which outbox positions of `epoch` are durably stored."""
    ranges = merged(positions)
    return [
        node_command(group, node, ack_metrics(epoch, ranges[start : start + MAX_RANGES], now_ms), now_ms)
        for start in range(0, len(ranges), MAX_RANGES)
    ]


def merged(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Positions as the fewest ranges first..last, ascending."""
    ranges: list[tuple[int, int]] = []
    for position in sorted(set(positions)):
        if ranges and ranges[-1][1] == position - 1:
            ranges[-1] = (ranges[-1][0], position)
        else:
            ranges.append((position, position))
    return ranges
