"""An edge node's side of Sparkplug: births, sequence numbers, aliases, commands. No I/O, no clock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from protocols.sparkplug.aliases import AliasTable
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.messages import BD_SEQ, REBIRTH, Outgoing, decode_state
from protocols.sparkplug.payload import MalformedPayload, MetricValue, Payload, decode, encode
from protocols.sparkplug.topics import MalformedTopic, MessageType, Topic, check_id, state_host, state_topic

_NEVER_ALIASED = frozenset({BD_SEQ, REBIRTH})


class NotBorn(RuntimeError):  # noqa: N818 - named for the condition
    """Data of a node, device or metric whose birth was not published on this connection."""


@dataclass(frozen=True, slots=True)
class HostOnline:
    """The primary host is online: publish the births."""

    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class HostOffline:
    """The primary host is offline: publish `death`, disconnect, and connect again to wait for it."""

    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class RebirthRequested:
    """A host requests all births again."""


@dataclass(frozen=True, slots=True)
class NodeCommand:
    """A host writes metrics of the node; names are resolved."""

    metrics: list[MetricValue]


@dataclass(frozen=True, slots=True)
class DeviceCommand:
    """A host writes metrics of a device; names are resolved."""

    device: str
    metrics: list[MetricValue]


@dataclass(frozen=True, slots=True)
class MessageRejected:
    """A message that could not be read; it changed nothing."""

    topic: str
    why: str


EdgeEvent = HostOnline | HostOffline | RebirthRequested | NodeCommand | DeviceCommand | MessageRejected


class EdgeNodeSession:
    """The protocol state of one edge node over all its connections.

    For each connection: `will`, connect, `connected`, subscribe, wait for HostOnline when there is a primary
    host, `birth`, then data; `death` before an intended disconnect. Metrics in `never_aliased` are always
    sent by name, so that a host without the birth can command them. `is_born` is true once the births of the
    connection were published.
    """

    def __init__(
        self,
        group: str,
        edge_node: str,
        primary_host: str | None = None,
        *,
        never_aliased: Collection[str] = (),
    ) -> None:
        self._group = check_id(group, "group")
        self._edge_node = check_id(edge_node, "edge node")
        self._primary_host = primary_host
        self._aliases = AliasTable(_NEVER_ALIASED.union(never_aliased))
        self._bd_seq = 0
        self._seq = 0
        self.is_born = False
        self._devices: set[str] = set()
        self._host_online = False
        self._host_timestamp_ms = 0

    @property
    def may_birth(self) -> bool:
        """Whether the births may be published: there is no primary host, or it is online."""
        return self._primary_host is None or self._host_online

    @property
    def live_devices(self) -> frozenset[str]:
        """The devices with a birth on this connection and no death since."""
        return frozenset(self._devices)

    def will(self, now_ms: int, bd_seq: int) -> Outgoing:
        """Return the death certificate to set as will on CONNECT; `bd_seq` (mod 256) counts connections."""
        self._bd_seq = bd_seq % 256
        return self._death(now_ms)

    def connected(self) -> None:
        """Begin a new connection, without births and without a state of the host."""
        self.is_born = False
        self._devices.clear()
        self._seq = 0
        self._host_online = False
        self._host_timestamp_ms = 0

    def subscriptions(self) -> list[tuple[str, int]]:
        """Return the topic filters with their QoS, to be subscribed before anything is published."""
        head = f"spBv1.0/{self._group}"
        topics = [
            (f"{head}/{MessageType.NCMD}/{self._edge_node}", 1),
            (f"{head}/{MessageType.DCMD}/{self._edge_node}/+", 1),
        ]
        if self._primary_host is not None:
            topics.append((state_topic(self._primary_host), 1))
        return topics

    def birth(
        self,
        node_metrics: Sequence[MetricValue],
        devices: Mapping[str, Sequence[MetricValue]],
        now_ms: int,
    ) -> list[Outgoing]:
        """Return NBIRTH and a DBIRTH for each device; also the response to a rebirth request.

        Raises:
            NotBorn: the primary host is not online.
        """
        if not self.may_birth:
            raise NotBorn(f"primary host {self._primary_host!r} is offline, expected online before a birth")
        own = [
            MetricValue(BD_SEQ, None, DataType.INT64, self._bd_seq, now_ms),
            MetricValue(REBIRTH, None, DataType.BOOLEAN, False, now_ms),
        ]
        self._devices.clear()
        self._seq = 0
        named = [self._aliases.introduce(None, metric) for metric in node_metrics]
        births = [self._publish(MessageType.NBIRTH, None, [*own, *named], now_ms)]
        self.is_born = True
        for device, metrics in devices.items():
            births += self.device_birth(device, metrics, now_ms)
        return births

    def node_data(self, metrics: Sequence[MetricValue], now_ms: int) -> list[Outgoing]:
        """Return NDATA with metrics of the node.

        Raises:
            NotBorn: the node has no birth on this connection, or a metric was not in its birth.
        """
        self._require_born(None)
        return [self._publish(MessageType.NDATA, None, self._aliased(None, metrics), now_ms)]

    def device_birth(self, device: str, metrics: Sequence[MetricValue], now_ms: int) -> list[Outgoing]:
        """Return DBIRTH: the device responds, or it has metrics that were not in its last birth.

        Raises:
            NotBorn: the node has no birth on this connection.
            MalformedTopic: the device's id cannot be a topic level.
        """
        self._require_born(None)
        check_id(device, "device")
        named = [self._aliases.introduce(device, metric) for metric in metrics]
        message = self._publish(MessageType.DBIRTH, device, named, now_ms)
        self._devices.add(device)
        return [message]

    def device_data(self, device: str, metrics: Sequence[MetricValue], now_ms: int) -> list[Outgoing]:
        """Return DDATA with metrics of the device.

        Raises:
            NotBorn: the device has no birth on this connection, or a metric was not in its birth.
        """
        self._require_born(device)
        return [self._publish(MessageType.DDATA, device, self._aliased(device, metrics), now_ms)]

    def device_death(self, device: str, now_ms: int) -> list[Outgoing]:
        """Return DDEATH: the device does not respond; nothing where it has no birth on this connection."""
        if not self.is_born or device not in self._devices:
            return []
        self._devices.discard(device)
        return [self._publish(MessageType.DDEATH, device, [], now_ms)]

    def death(self, now_ms: int) -> list[Outgoing]:
        """Return NDEATH, to be delivered before an intended disconnect."""
        self.is_born = False
        self._devices.clear()
        return [self._death(now_ms)]

    def receive(self, topic: str, body: bytes) -> list[EdgeEvent]:
        """Return what a message on one of the subscriptions requests."""
        host = state_host(topic)
        try:
            if host is not None:
                return self._receive_state(host, body)
            return self._receive_command(Topic.parse(topic), body)
        except (MalformedTopic, MalformedPayload) as error:
            return [MessageRejected(topic, str(error))]

    def _receive_state(self, host: str, body: bytes) -> list[EdgeEvent]:
        if host != self._primary_host:
            return []
        state = decode_state(body)
        if state.timestamp < self._host_timestamp_ms:
            return []  # the will of an earlier connection of the host, delivered after its new birth
        self._host_timestamp_ms = state.timestamp
        was_online, self._host_online = self._host_online, state.online
        if state.online == was_online:
            return []
        return [HostOnline(state.timestamp) if state.online else HostOffline(state.timestamp)]

    def _receive_command(self, topic: Topic, body: bytes) -> list[EdgeEvent]:
        if (topic.group, topic.edge_node) != (self._group, self._edge_node):
            return []
        if topic.type not in (MessageType.NCMD, MessageType.DCMD):
            return []
        metrics = decode(body).metrics
        for metric in metrics:
            self._aliases.resolve(topic.device, metric)
        if topic.device is not None:
            return [DeviceCommand(topic.device, metrics)]
        events: list[EdgeEvent] = []
        # Before the births were published there is nothing to repeat.
        if self.is_born and any(metric.name == REBIRTH and metric.value is True for metric in metrics):
            events.append(RebirthRequested())
        others = [metric for metric in metrics if metric.name != REBIRTH]
        if others:
            events.append(NodeCommand(others))
        return events

    def _require_born(self, device: str | None) -> None:
        if not self.is_born:
            raise NotBorn(f"edge node {self._edge_node!r}: no birth on this connection yet")
        if device is not None and device not in self._devices:
            raise NotBorn(f"device {device!r}: no birth on this connection, or a death since")

    def _aliased(self, device: str | None, metrics: Iterable[MetricValue]) -> list[MetricValue]:
        try:
            return [self._aliases.shorten(device, metric) for metric in metrics]
        except KeyError as error:
            raise NotBorn(
                f"metric {error.args[0]!r} of {device or self._edge_node!r}: not in its birth"
            ) from error

    def _publish(
        self, kind: MessageType, device: str | None, metrics: list[MetricValue], now_ms: int
    ) -> Outgoing:
        is_birth = kind in (MessageType.NBIRTH, MessageType.DBIRTH)
        body = encode(Payload(now_ms, metrics, self._seq), with_datatypes=is_birth)
        self._seq = (self._seq + 1) % 256
        return Outgoing(str(Topic(self._group, kind, self._edge_node, device)), body, qos=0, retain=False)

    def _death(self, now_ms: int) -> Outgoing:
        metric = MetricValue(BD_SEQ, None, DataType.INT64, self._bd_seq, now_ms)
        topic = Topic(self._group, MessageType.NDEATH, self._edge_node)
        return Outgoing(str(topic), encode(Payload(now_ms, [metric])), qos=1, retain=False)
