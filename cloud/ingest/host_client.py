"""The ingester's connection to the broker: a Sparkplug host application that is always on its way back."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import aiomqtt
import structlog

from cloud.ingest.metrics import MALFORMED, REBIRTHS
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
from protocols.sparkplug.messages import Outgoing, node_command
from runtime.cancellation import raise_if_cancelled

log = structlog.get_logger(__name__)

CLIENT_ID = "lentera-ingest"
"""One for all time: a second ingester would take the first one's place instead of doubling it."""

_MAX_QUEUED = 100_000
_MESSAGES_PER_TURN = 100  # then others may run: decoding one takes about 0.1 ms
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.25, 10.0
_FAREWELL_S = 2.0
_TICK_S = 0.5


class MessageBatches(asyncio.Queue[aiomqtt.Message]):
    """A queue whose reader gets all that waits at once: taking each message alone would cost a task each."""

    def _get(self) -> aiomqtt.Message:
        waiting = list(cast("Iterable[aiomqtt.Message]", self._queue))  # type: ignore[attr-defined]
        self._queue.clear()  # type: ignore[attr-defined]
        return cast("aiomqtt.Message", waiting)


class HostClient:
    """Keeps connected and hands on what gateways say; all times are wall time."""

    def __init__(
        self,
        address: BrokerAddress,
        now_ms: Callable[[], int],
        on_event: Callable[[HostEvent], None],
        on_connected: Callable[[], None],
        clock: Clock,
        *,
        is_ours: Callable[[str, str], bool],
    ) -> None:
        self._address = address
        self._now_ms = now_ms
        self._on_event = on_event
        self._on_connected = on_connected
        self._clock = clock
        self._is_ours = is_ours
        self._client: aiomqtt.Client | None = None

    async def run(self) -> None:
        """Stay connected until cancelled; then say offline and leave."""
        retry_s, failing = _FIRST_RETRY_S, False
        while True:
            reached = self._now_ms()
            try:
                await self._connect_once()
            except* aiomqtt.MqttError as errors:
                if not failing:
                    log.warning(
                        "broker not reachable", host=self._address.host, error=str(errors.exceptions[0])
                    )
                failing = True
            raise_if_cancelled()
            if self._now_ms() - reached > 1000 * _LONGEST_RETRY_S:
                retry_s, failing = _FIRST_RETRY_S, False
            await asyncio.sleep(retry_s)
            retry_s = min(_LONGEST_RETRY_S, retry_s * 2)

    async def publish(self, message: Outgoing) -> bool:
        """Send a message; False when the broker is out of reach."""
        return await self.send(message.topic, message.payload, message.qos, message.retain)

    async def send(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> bool:
        """As `publish`, in pieces."""
        if self._client is None:
            return False
        try:
            await self._client.publish(topic, payload, qos, retain)
        except aiomqtt.MqttError:
            return False  # the receiving side ends on the same fault and says so
        raise_if_cancelled()
        return True

    async def _connect_once(self) -> None:
        session, since_ms = HostSession(PRIMARY_HOST), self._now_ms()
        farewell = session.will(since_ms)
        will = aiomqtt.Will(farewell.topic, farewell.payload, farewell.qos, farewell.retain)
        async with broker_client(self._address, CLIENT_ID, will, _MAX_QUEUED, MessageBatches) as client:
            await client.subscribe(session.subscriptions())
            raise_if_cancelled()
            birth = session.online(since_ms)
            await client.publish(birth.topic, birth.payload, birth.qos, birth.retain)
            raise_if_cancelled()
            self._client = client
            self._on_connected()
            try:
                log.info("broker reached", host=self._address.host, port=self._address.port)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._tick(session), name="tick")
                    await self._receive(client, session)
            except asyncio.CancelledError:
                await self._say_goodbye(session)
                raise
            finally:
                self._client = None

    async def _say_goodbye(self, session: HostSession) -> None:
        try:
            async with asyncio.timeout(_FAREWELL_S):
                await self.publish(session.offline(self._now_ms()))
        except TimeoutError:
            log.warning("broker did not take our farewell; it will publish our will")

    async def _receive(self, client: aiomqtt.Client, session: HostSession) -> None:
        async for waiting in client.messages:
            messages = cast("list[aiomqtt.Message]", waiting)
            for chunk in _chunks(messages):
                now_ms = self._now_ms()
                for message in chunk:
                    payload = message.payload
                    if isinstance(payload, bytes):
                        await self._hand_on(session, session.receive(str(message.topic), payload, now_ms))
                await asyncio.sleep(0)

    async def _tick(self, session: HostSession) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            await self._hand_on(session, session.tick(self._now_ms()))

    async def _hand_on(self, session: HostSession, events: Iterable[HostEvent]) -> None:
        for event in events:
            if isinstance(event, RebirthNeeded):
                log.info("rebirth asked", gateway=event.node, why=event.why)
                REBIRTHS.inc()
                await self.publish(session.rebirth_request(event.group, event.node, self._now_ms()))
            elif isinstance(event, StateContested):
                await self.publish(session.online(event.timestamp_ms))
            elif isinstance(event, MalformedMessage):
                log.warning("message not understood", topic=event.topic, why=event.why)
                MALFORMED.inc()
            else:
                if isinstance(event, NodeBorn) and self._is_ours(event.group, event.node):
                    await self._tell_time(event)
                self._on_event(event)

    async def _tell_time(self, born: NodeBorn) -> None:
        """A gateway may have been without power and have no clock of its own."""
        time = time_metrics(self._clock.now())
        await self.publish(node_command(born.group, born.node, time, self._now_ms()))


def _chunks(messages: list[aiomqtt.Message]) -> Iterator[list[aiomqtt.Message]]:
    for start in range(0, len(messages), _MESSAGES_PER_TURN):
        yield messages[start : start + _MESSAGES_PER_TURN]
