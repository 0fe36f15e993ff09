"""The API process's connection to the broker: live updates in, one queue per open map; messages out."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import aiomqtt
import msgspec
import structlog

from cloud.alarms.views import AlarmView
from cloud.commands.views import CommandView
from cloud.config import LIVE_TOPIC
from cloud.live.ingester import IngesterMonitor
from cloud.live.model import IngestView, LiveUpdate
from cloud.mqtt import BrokerAddress, BrokerUnreachableError, broker_client
from protocols.decoding import UndecodableError, decode_json
from protocols.mapping import PRIMARY_HOST
from protocols.sparkplug.messages import decode_state
from protocols.sparkplug.payload import MalformedPayload
from protocols.sparkplug.topics import state_topic
from runtime.cancellation import raise_if_cancelled
from runtime.message_guard import MessageGuard

log = structlog.get_logger(__name__)

KINDS = ("lamps", "alarms", "commands", "gateways")
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.25, 15.0
_STATE_TOPIC = state_topic(PRIMARY_HOST)
# Our choice: several times the lamps of a large regency. A reader that has more pending must reconnect.
_MOST_PENDING = 200_000


class _Identified(msgspec.Struct):
    """The one field of an item that is read; the rest is passed on as it came."""

    id: str | int


class _Update(msgspec.Struct):
    lamps: list[msgspec.Raw] = []
    alarms: list[msgspec.Raw] = []
    commands: list[msgspec.Raw] = []
    gateways: list[msgspec.Raw] = []
    ingest: IngestView | None = None


Items = Mapping[str | int, bytes]
"""JSON of each thing by its id."""


def _by_id(items: Iterable[msgspec.Raw]) -> Items:
    documents = [bytes(item) for item in items]
    return {decode_json(document, _Identified).id: document for document in documents}


class Subscription:
    """The updates one reader has not taken yet: of each item the newest, so slow readers hold no more."""

    def __init__(self) -> None:
        self.closed = False
        self._pending: dict[str, dict[str | int, bytes]] = {}
        self._arrived = asyncio.Event()

    def put(self, kind: str, items: Items) -> None:
        """Add items that changed; too many close the subscription."""
        self._pending.setdefault(kind, {}).update(items)
        if len(self._pending[kind]) > _MOST_PENDING:
            self.close()
        self._arrived.set()

    def close(self) -> None:
        """End the subscription; its reader gets nothing more."""
        self.closed = True
        self._pending.clear()
        self._arrived.set()

    async def take(self, timeout_s: float) -> dict[str, Iterable[bytes]]:
        """Return what changed since the last call, by kind; empty after `timeout_s` wall seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            return {}
        self._arrived.clear()
        pending, self._pending = self._pending, {}
        return {kind: items.values() for kind, items in pending.items()}


class LiveFeed:
    """The one connection to the broker that an API process has."""

    def __init__(
        self, address: BrokerAddress, identifier: str, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self.ingester = IngesterMonitor(wall)
        self._address = address
        self._identifier = identifier
        self._client: aiomqtt.Client | None = None
        self._subscriptions: set[Subscription] = set()
        self._closed = False
        self._guard = MessageGuard(log)

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the broker now."""
        return self._client is not None

    async def run(self) -> None:
        """Keep connected until cancelled; retry for ever, at growing intervals."""
        self.ingester.begin()
        retry_s, failing = _FIRST_RETRY_S, False
        while True:
            try:
                async with broker_client(self._address, self._identifier) as client:
                    await client.subscribe([(LIVE_TOPIC, 0), (_STATE_TOPIC, 1)])
                    raise_if_cancelled()
                    if failing:
                        log.info("broker_reconnected", host=self._address.host)
                    retry_s, failing = _FIRST_RETRY_S, False
                    await self._receive(client)
            except aiomqtt.MqttError as error:
                if not failing:
                    log.warning("broker_unreachable", host=self._address.host, error=str(error))
                failing = True
            raise_if_cancelled()
            await asyncio.sleep(retry_s)
            retry_s = min(_LONGEST_RETRY_S, retry_s * 2)

    async def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish a message.

        Raises:
            BrokerUnreachableError: there is no connection, or it was lost.
        """
        client = self._client
        if client is None:
            raise BrokerUnreachableError("no connection to the broker")
        try:
            await client.publish(topic, payload, qos=qos, retain=retain)
        except aiomqtt.MqttError as error:
            raise BrokerUnreachableError(str(error)) from error

    async def announce(self, update: LiveUpdate) -> None:
        """Send what this process changed to every open map; maps that miss it see it when they reload."""
        try:
            await self.publish(LIVE_TOPIC, msgspec.json.encode(update))
        except BrokerUnreachableError as error:
            log.warning("live_update_not_sent", error=str(error))

    async def announce_alarm(self, alarm: AlarmView) -> None:
        """Send an alarm to every open map."""
        await self.announce(LiveUpdate(alarms=(alarm,)))

    async def announce_command(self, command: CommandView) -> None:
        """Send a command to every open map."""
        await self.announce(LiveUpdate(commands=(command,)))

    def command_blocker(self) -> str | None:
        """Return why a command can't be carried out now; None when it can."""
        if not self.connected:
            return "the broker can't be reached, so nothing was stored or sent; try again"
        if self.ingester.lost:
            # The gateways' results would not be recorded, so every command would expire.
            return "no ingester is running, so nothing was stored or sent; try again"
        return None

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Open a subscription that receives updates until the context ends."""
        subscription = Subscription()
        if self._closed:
            subscription.close()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every subscription, so that the server need not wait for open streams."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()

    def deliver(self, message: bytes) -> None:
        """Put an update, as it came from the live topic, into every subscription."""
        try:
            update = decode_json(message, _Update)
            changes: dict[str, Items] = {kind: _by_id(getattr(update, kind)) for kind in KINDS}
        except UndecodableError as error:
            log.warning("live_update_malformed", topic=LIVE_TOPIC, error=str(error))
            return
        if update.ingest is not None:
            self.ingester.heartbeat(update.ingest)
        for kind, items in changes.items():
            if items:
                for subscription in self._subscriptions:
                    subscription.put(kind, items)

    async def _receive(self, client: aiomqtt.Client) -> None:
        self._client = client
        try:
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    with self._guard.message(message.topic.value):
                        self._handle(message.topic.value, message.payload)
        finally:
            self._client = None

    def _handle(self, topic: str, payload: bytes) -> None:
        if topic != _STATE_TOPIC:
            self.deliver(payload)
            return
        try:
            self.ingester.host_state(decode_state(payload))
        except MalformedPayload as error:
            log.warning("host_state_malformed", topic=topic, error=str(error))
