"""An aiomqtt client that publishes many messages at once."""

import asyncio
from collections.abc import Sequence
from math import inf
from types import TracebackType
from typing import Self

import aiomqtt

from edge.config.settings import MqttConfig
from protocols.sparkplug.messages import Outgoing

_KEEPALIVE_S = 10
_CALL_TIMEOUT_S = 5.0


class BatchClient(aiomqtt.Client):
    """Publishes batches at once, and releases all resources when a connection fails.

    aiomqtt waits for each message to leave before it takes the next, which costs more than to send it.
    Its public interface gives access neither to paho's client below it nor to the future that ends the
    connection, hence `_client` and `_disconnected`; the lock file pins its version.
    """

    async def __aenter__(self) -> Self:
        """Connect; a failed or cancelled attempt closes its socket."""
        try:
            return await super().__aenter__()
        except (aiomqtt.MqttError, asyncio.CancelledError):
            # aiomqtt leaves it open when the broker accepts it and then does not respond.
            self._client.disconnect()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; the reason why the connection broke has been raised in the body already."""
        await super().__aexit__(kind, error, trace)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # retrieved, or asyncio logs it as never retrieved

    async def publish_all(self, messages: Sequence[Outgoing], timeout_s: float = inf) -> None:
        """Publish in order; returns when the last one was sent (QoS 0) or acknowledged (QoS 1).

        Without `timeout_s` the end of the connection has to cancel it.

        Raises:
            aiomqtt.MqttError: the connection is lost.
        """
        if not messages:
            return
        for each in messages[:-1]:
            info = self._client.publish(each.topic, each.payload, each.qos, each.retain)
            if info.rc:
                raise aiomqtt.MqttCodeError(info.rc, "could not publish")
        last = messages[-1]
        await self.publish(last.topic, last.payload, last.qos, last.retain, timeout=timeout_s)


def batch_client(mqtt: MqttConfig, identifier: str, will: Outgoing) -> BatchClient:
    """Return a client of the configured broker, which connects when its context is entered."""
    ca_file = None if mqtt.ca_file is None else str(mqtt.ca_file)
    return BatchClient(
        mqtt.host,
        mqtt.port,
        username=mqtt.username,
        password=None if mqtt.password is None else mqtt.password.get_secret_value(),
        tls_params=aiomqtt.TLSParameters(ca_certs=ca_file) if mqtt.tls else None,
        identifier=identifier,
        will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
        keepalive=_KEEPALIVE_S,
        timeout=_CALL_TIMEOUT_S,
    )
