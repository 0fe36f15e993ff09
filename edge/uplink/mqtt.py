"""An aiomqtt client that takes many messages at once."""

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
    """Waiting for each of many small messages to leave costs more than sending them."""

    async def __aenter__(self) -> Self:
        """Connect; an attempt that is given up half-way leaves no socket behind."""
        try:
            return await super().__aenter__()
        except (aiomqtt.MqttError, asyncio.CancelledError):
            self._client.disconnect()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; why the connection broke is known already, whoever noticed it first."""
        await super().__aexit__(kind, error, trace)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # or asyncio reports that nobody looked

    async def publish_all(self, messages: Sequence[Outgoing], timeout_s: float = inf) -> None:
        """Publish in order; returns when the last one has left (QoS 0) or was acknowledged (QoS 1).

        Without a timeout of its own it relies on whoever watches the connection to cancel it.
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
    """A client of the configured broker, which connects on entry of its context."""
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
