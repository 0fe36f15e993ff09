"""The API process's link to the broker: live updates in, fanned out to every open map; messages out."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import aiomqtt
import msgspec
import structlog

from cloud.config import LIVE_TOPIC
from cloud.live.ingester import IngesterMonitor
from cloud.live.model import IngestView
from cloud.mqtt import BrokerAddress, broker_client
from protocols.mapping import PRIMARY_HOST
from protocols.sparkplug.messages import decode_state
from protocols.sparkplug.payload import MalformedPayload
from protocols.sparkplug.topics import state_topic
from runtime.cancellation import raise_if_cancelled

log = structlog.get_logger(__name__)

KINDS = ("lamps", "alarms", "commands", "gateways")
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.25, 15.0
_STATE_TOPIC = state_topic(PRIMARY_HOST)
_MOST_PENDING = 200_000  # several times a large regency's lamps; past it a reader starts anew


class BrokerUnreachableError(Exception):
    """Transient: there is no connection to the broker right now."""


class _Identified(msgspec.Struct):
    """What every item of an update has; the rest is passed on unread."""

    id: str | int


class _Update(msgspec.Struct):
    lamps: list[msgspec.Raw] = []
    alarms: list[msgspec.Raw] = []
    commands: list[msgspec.Raw] = []
    gateways: list[msgspec.Raw] = []
    ingest: IngestView | None = None

    def of(self, kind: str) -> list[msgspec.Raw]:
        """The items of one kind, as JSON."""
        items: list[msgspec.Raw] = getattr(self, kind)
        return items


_update_decoder = msgspec.json.Decoder(_Update)
_id_decoder = msgspec.json.Decoder(_Identified)

Items = Mapping[str | int, bytes]
"""JSON of each thing by its id."""


class Subscription:
    """What one reader has yet to be told: the newest of each thing, so slow readers hold no more."""

    def __init__(self) -> None:
        self.closed = False
        self._pending: dict[str, dict[str | int, bytes]] = {}
        self._arrived = asyncio.Event()

    def put(self, kind: str, items: Items) -> None:
        """Add what changed; too much of it closes the mailbox."""
        self._pending.setdefault(kind, {}).update(items)
        if len(self._pending[kind]) > _MOST_PENDING:
            self.close()
        self._arrived.set()

    def close(self) -> None:
        """Tell the reader to stop."""
        self.closed = True
        self._pending.clear()
        self._arrived.set()

    async def take(self, timeout_s: float) -> dict[str, Iterable[bytes]]:
        """What changed since the last call, by kind; empty if nothing does for `timeout_s` wall seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            return {}
        self._arrived.clear()
        pending, self._pending = self._pending, {}
        return {kind: items.values() for kind, items in pending.items()}


class LiveFeed:
    """One connection to the broker for a whole API process."""

    def __init__(
        self, address: BrokerAddress, identifier: str, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self.ingester = IngesterMonitor(wall)
        self._address = address
        self._identifier = identifier
        self._client: aiomqtt.Client | None = None
        self._mailboxes: set[Subscription] = set()
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether the broker is within reach."""
        return self._client is not None

    async def run(self) -> None:
        """Keep connected until cancelled; tries again for ever, at growing intervals."""
        self.ingester.begin()
        retry_s, failing = _FIRST_RETRY_S, False
        while True:
            try:
                async with broker_client(self._address, self._identifier) as client:
                    await client.subscribe([(LIVE_TOPIC, 0), (_STATE_TOPIC, 1)])
                    raise_if_cancelled()
                    if failing:
                        log.info("broker reached again")
                    retry_s, failing = _FIRST_RETRY_S, False
                    await self._receive(client)
            except aiomqtt.MqttError as error:
                if not failing:
                    log.warning("broker not reachable", error=str(error), host=self._address.host)
                failing = True
            raise_if_cancelled()
            await asyncio.sleep(retry_s)
            retry_s = min(_LONGEST_RETRY_S, retry_s * 2)

    async def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Send a message; raises BrokerUnreachableError."""
        client = self._client
        if client is None:
            raise BrokerUnreachableError("the broker is not reachable")
        try:
            await client.publish(topic, payload, qos=qos, retain=retain)
        except aiomqtt.MqttError as error:
            raise BrokerUnreachableError(str(error)) from error

    @contextmanager
    def mailbox(self) -> Iterator[Subscription]:
        """A mailbox that receives updates while it is open."""
        mailbox = Subscription()
        if self._closed:
            mailbox.close()
        self._mailboxes.add(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)

    def close(self) -> None:
        """Tell every reader to stop, so that the server can."""
        self._closed = True
        for mailbox in self._mailboxes:
            mailbox.close()

    def deliver(self, message: bytes) -> None:
        """Put an update, as it came from the live topic, into every mailbox."""
        try:
            update = _update_decoder.decode(message)
            changes = {kind: _by_id(update.of(kind)) for kind in KINDS}
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            log.warning("live update not understood", error=str(error), topic=LIVE_TOPIC)
            return
        if update.ingest is not None:
            self.ingester.heard(update.ingest)
        for kind, items in changes.items():
            if items:
                for mailbox in self._mailboxes:
                    mailbox.put(kind, items)

    async def _receive(self, client: aiomqtt.Client) -> None:
        self._client = client
        try:
            async for message in client.messages:
                if not isinstance(message.payload, bytes):
                    continue
                if message.topic.value == _STATE_TOPIC:
                    self._take_state(message.payload)
                else:
                    self.deliver(message.payload)
        finally:
            self._client = None

    def _take_state(self, body: bytes) -> None:
        try:
            self.ingester.stated(decode_state(body))
        except MalformedPayload as error:
            log.warning("state not understood", error=str(error), topic=_STATE_TOPIC)


def _by_id(items: list[msgspec.Raw]) -> Items:
    return {_id_decoder.decode(item).id: bytes(item) for item in items}
