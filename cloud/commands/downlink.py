"""Commands on their way to gateways: never retained, never sent again by the broker."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cloud.inventory.store import LampAddress
from protocols.clock import to_unix_ms
from protocols.lamp import LightCommand
from protocols.mapping import command_metrics
from protocols.sparkplug.messages import device_command


class Publish(Protocol):
    """Publishes a message; raises what its transport raises."""

    async def __call__(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Publish to the broker."""
        ...


class MqttDownlink:
    """Sends commands for lamps to their gateways."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    async def send(self, commands: Sequence[LightCommand], addresses: Mapping[str, LampAddress]) -> None:
        """Publish one DCMD per lamp; the gateway answers with a result, or the deadline passes."""
        for command in commands:
            address = addresses[command.device_id]
            message = device_command(
                address.area_id,
                address.gateway_id,
                address.lamp_id,
                command_metrics(command),
                to_unix_ms(command.start),
            )
            await self._publish(message.topic, message.payload, message.qos, message.retain)
