"""The ingester's connection to the broker: a Sparkplug host application that reconnects by itself."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol, cast

import aiomqtt
import structlog

from cloud.ingest.metrics import FAILED, MALFORMED, REBIRTHS
from cloud.mqtt import BrokerAddress, broker_client
from protocols.clock import Clock
from protocols.mapping import PRIMARY_HOST, time_metrics
from protocols.sparkplug.host import HostSession
from protocols.sparkplug.host_events import (
    HostEvent,
    MalformedMessage,
    NodeBorn,
    RebirthNeeded,
    StateContested,
)
from protocols.sparkplug.messages import Outgoing, node_command, rebirth_request
from runtime.backoff import Backoff
from runtime.cancellation import raise_if_cancelled
from runtime.failure_reporter import FailureReporter
from runtime.message_guard import MessageGuard

log = structlog.get_logger(__name__)

CLIENT_ID = "lentera-ingest"
"""The same in every process: a broker disconnects the older of two clients, so there is one ingester."""

_MAX_QUEUED = 100_000
_MESSAGES_PER_TURN = 100  # decoding one takes about 0.1 ms, so other tasks wait 10 ms at most
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.25, 10.0
_OFFLINE_S = 2.0
_TICK_S = 0.5


class MessageBatches(asyncio.Queue[aiomqtt.Message]):
    """A queue whose reader gets all waiting messages at once: aiomqtt spends a task on each `get`."""

    def _get(self) -> aiomqtt.Message:
        waiting = list(cast("Iterable[aiomqtt.Message]", self._queue))  # type: ignore[attr-defined]
        self._queue.clear()  # type: ignore[attr-defined]
        return cast("aiomqtt.Message", waiting)


class HostListener(Protocol):
    """Receives the events of the host client. Calls come on the event loop, so they must be quick."""

    def connected(self) -> None:
        """Expect births: the broker was reached, and every gateway that is online publishes them again."""
        ...

    def receive(self, event: HostEvent) -> None:
        """Take an event of a gateway."""
        ...

    def is_own_gateway(self, group: str, node: str) -> bool:
        """Return whether the inventory has this gateway in this area."""
        ...


class HostClient:
    """Stays connected and passes on what gateways send; all times are wall time."""

    def __init__(
        self, address: BrokerAddress, now_ms: Callable[[], int], listener: HostListener, clock: Clock
    ) -> None:
        self._address = address
        self._now_ms = now_ms
        self._listener = listener
        self._clock = clock
        self._client: aiomqtt.Client | None = None
        self._guard = MessageGuard(log, FAILED.inc)
        self._broker = FailureReporter(
            log, "broker_unreachable", "broker_reachable", level="warning", host=address.host
        )

    async def run(self) -> None:
        """Stay connected until cancelled; then publish STATE offline and disconnect."""
        backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S)
        while True:
            began_ms = self._now_ms()
            try:
                await self._connect_once()
            except* aiomqtt.MqttError as errors:
                self._broker.failed(errors.exceptions[0])
            raise_if_cancelled()
            # A connection that lasted is no reason to wait long before the next.
            if self._now_ms() - began_ms > 1000 * _LONGEST_RETRY_S:
                backoff.reset()
            await asyncio.sleep(backoff.pause_s())

    async def publish(self, message: Outgoing) -> bool:
        """Send a message; return False while the broker is unreachable."""
        return await self.send(message.topic, message.payload, message.qos, message.retain)

    async def send(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> bool:
        """Send a message given in parts; return False while the broker is unreachable."""
        if self._client is None:
            return False
        try:
            await self._client.publish(topic, payload, qos, retain)
        except aiomqtt.MqttError:
            return False  # the receiving side ends on the same error and reports it
        raise_if_cancelled()
        return True

    async def _connect_once(self) -> None:
        session, since_ms = HostSession(PRIMARY_HOST), self._now_ms()
        # Will and birth carry the same timestamp: by it, gateways ignore the will of an older connection.
        offline = session.will(since_ms)
        will = aiomqtt.Will(offline.topic, offline.payload, offline.qos, offline.retain)
        async with broker_client(self._address, CLIENT_ID, will, _MAX_QUEUED, MessageBatches) as client:
            await client.subscribe(session.subscriptions())
            raise_if_cancelled()
            # STATE comes after the subscription: gateways answer it with births, which must not be missed.
            birth = session.online(since_ms)
            await client.publish(birth.topic, birth.payload, birth.qos, birth.retain)
            raise_if_cancelled()
            self._client = client
            self._broker.recovered()
            log.info("broker_connected", host=self._address.host, port=self._address.port)
            self._listener.connected()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._tick(session), name="tick")
                    await self._receive(client, session)
            except asyncio.CancelledError:
                try:
                    async with asyncio.timeout(_OFFLINE_S):
                        await self.publish(session.offline(self._now_ms()))
                except TimeoutError:
                    log.warning("state_offline_not_sent", error="the broker will publish the will instead")
                raise
            finally:
                self._client = None

    async def _receive(self, client: aiomqtt.Client, session: HostSession) -> None:
        async for waiting in client.messages:
            messages = cast("list[aiomqtt.Message]", waiting)
            for start in range(0, len(messages), _MESSAGES_PER_TURN):
                now_ms = self._now_ms()
                for message in messages[start : start + _MESSAGES_PER_TURN]:
                    topic, payload = str(message.topic), message.payload
                    if isinstance(payload, bytes):
                        with self._guard.message(topic):
                            await self._pass_on(session, session.receive(topic, payload, now_ms))
                # A backlog can be 100,000 messages: heartbeats and commits must get their turn in between.
                await asyncio.sleep(0)

    async def _tick(self, session: HostSession) -> None:
        while True:
            # Reorder timeouts and repeated rebirth requests fall due without any message.
            await asyncio.sleep(_TICK_S)
            await self._pass_on(session, session.tick(self._now_ms()))

    async def _pass_on(self, session: HostSession, events: Iterable[HostEvent]) -> None:
        for event in events:
            # Sparkplug's own housekeeping ends here; the listener gets data, births and deaths only.
            if isinstance(event, RebirthNeeded):
                log.info("rebirth_requested", gateway=event.node, reason=event.why)
                REBIRTHS.inc()
                await self.publish(rebirth_request(event.group, event.node, self._now_ms()))
            elif isinstance(event, StateContested):
                # An older will of ours was delivered late: with STATE offline gateways would stop sending.
                await self.publish(session.online(event.timestamp_ms))
            elif isinstance(event, MalformedMessage):
                log.warning("message_malformed", topic=event.topic, error=event.why)
                MALFORMED.inc()
            else:
                if isinstance(event, NodeBorn) and self._listener.is_own_gateway(event.group, event.node):
                    # It may have been without power and have no clock of its own.
                    time = time_metrics(self._clock.now())
                    await self.publish(node_command(event.group, event.node, time, self._now_ms()))
                self._listener.receive(event)
