"""A host application's side of Sparkplug: births, the order of messages, names. No I/O, no clock."""

from dataclasses import dataclass, field

from protocols.sparkplug.host_events import (
    DeviceBorn,
    DeviceData,
    DeviceDied,
    HostEvent,
    MalformedMessage,
    NodeBorn,
    NodeData,
    NodeDied,
    RebirthNeeded,
    StateContested,
)
from protocols.sparkplug.messages import BD_SEQ, Outgoing, decode_state, state_message
from protocols.sparkplug.names import NameTable, Unknown
from protocols.sparkplug.payload import MalformedPayload, MetricValue, Payload, decode
from protocols.sparkplug.topics import MalformedTopic, MessageType, Topic, check_id, state_host, state_topic

REBIRTH_PAUSE_MS = 5000
"""Between two rebirth requests to a node. Our choice: births of 100 lamps on a slow link take seconds."""


@dataclass(slots=True)
class _Waiting:
    """A message that arrived before its turn."""

    topic: Topic
    payload: Payload
    since_ms: int


@dataclass(slots=True)
class _Node:
    """The state of one edge node."""

    is_born: bool = False
    is_quarantined: bool = False
    bd_seq: int | None = None
    next_seq: int = 0
    names: NameTable = field(default_factory=NameTable)
    waiting: dict[int, _Waiting] = field(default_factory=dict)
    stalled_since_ms: int | None = None
    rebirth_requested_ms: int | None = None


class HostSession:
    """The protocol state of a host application towards all edge nodes.

    Times are wall time in Unix ms. Where a gap in the messages of a node does not close within the reorder
    timeout, its data is dropped until its next birth, because its aliases may have changed meanwhile. The
    node sends that data again, since it is not acknowledged.
    """

    def __init__(self, host_id: str, reorder_timeout_ms: int = 2000) -> None:
        self._host_id = check_id(host_id, "host")
        self._reorder_timeout_ms = reorder_timeout_ms
        self._nodes: dict[tuple[str, str], _Node] = {}
        self._stalled: set[tuple[str, str]] = set()
        self._online_since_ms: int | None = None

    def will(self, timestamp_ms: int) -> Outgoing:
        """Return the death certificate to set as will on CONNECT; `online` needs the same timestamp."""
        return state_message(self._host_id, online=False, timestamp_ms=timestamp_ms)

    def online(self, timestamp_ms: int) -> Outgoing:
        """Return the birth certificate: the first message, after the subscriptions."""
        self._online_since_ms = timestamp_ms
        return state_message(self._host_id, online=True, timestamp_ms=timestamp_ms)

    def offline(self, timestamp_ms: int) -> Outgoing:
        """Return the death certificate to publish before an intended disconnect."""
        self._online_since_ms = None
        return state_message(self._host_id, online=False, timestamp_ms=timestamp_ms)

    def subscriptions(self) -> list[tuple[str, int]]:
        """Return topic filters with QoS: our state, and all that nodes and devices publish."""
        nodes = (MessageType.NBIRTH, MessageType.NDEATH, MessageType.NDATA)
        devices = (MessageType.DBIRTH, MessageType.DDEATH, MessageType.DDATA)
        return [
            (state_topic(self._host_id), 1),
            *((f"spBv1.0/+/{kind}/+", 1) for kind in nodes),
            *((f"spBv1.0/+/{kind}/+/+", 1) for kind in devices),
        ]

    def receive(self, topic: str, body: bytes, now_ms: int) -> list[HostEvent]:
        """Return what a message on one of the subscriptions means; several events when it closes a gap."""
        try:
            host = state_host(topic)
            if host is not None:
                return self._receive_state(host, body)
            parsed = Topic.parse(topic)
            if parsed.type in (MessageType.NCMD, MessageType.DCMD):
                return []
        except (MalformedTopic, MalformedPayload) as error:
            return [MalformedMessage(topic, str(error))]
        try:
            payload = decode(body)
        except MalformedPayload as error:
            return self._receive_broken(parsed, error, now_ms)
        return self._receive_message(parsed, payload, now_ms)

    def tick(self, now_ms: int) -> list[HostEvent]:
        """Give up on gaps that have been open for the reorder timeout; call about once a second."""
        events: list[HostEvent] = []
        for key in list(self._stalled):
            node = self._nodes[key]
            since_ms = node.stalled_since_ms
            if since_ms is not None and now_ms - since_ms >= self._reorder_timeout_ms:
                events += self._distrust(key, node, f"no message with seq {node.next_seq} arrived", now_ms)
        return events

    def _receive_state(self, host: str, body: bytes) -> list[HostEvent]:
        if host != self._host_id or self._online_since_ms is None:
            return []
        try:
            state = decode_state(body)
        except MalformedPayload as error:
            # Retained, it would take the place of ours for every node that connects from now on.
            return [MalformedMessage(state_topic(host), str(error)), StateContested(self._online_since_ms)]
        if state.online:
            return []
        # Nodes ignore a state that is older than the last one they received.
        self._online_since_ms = max(self._online_since_ms, state.timestamp)
        return [StateContested(self._online_since_ms)]

    def _receive_broken(self, topic: Topic, error: MalformedPayload, now_ms: int) -> list[HostEvent]:
        """Report what cannot be read; its sequence number counts as received, so that no gap follows."""
        events: list[HostEvent] = [MalformedMessage(str(topic), str(error))]
        key = (topic.group, topic.edge_node)
        node = self._nodes.get(key)
        if node is not None and node.is_born and error.seq == node.next_seq:
            node.next_seq = (node.next_seq + 1) % 256
            events += self._drain(key, node, now_ms)
        return events

    def _receive_message(self, topic: Topic, payload: Payload, now_ms: int) -> list[HostEvent]:
        key = (topic.group, topic.edge_node)
        node = self._nodes.setdefault(key, _Node())
        if topic.type is MessageType.NBIRTH:
            return self._node_born(key, node, payload)
        if topic.type is MessageType.NDEATH:
            return self._node_died(key, node, payload)
        if payload.seq is None:
            return [MalformedMessage(str(topic), f"no seq, expected one on {topic.type}")]
        if not node.is_born:
            return self._ask_rebirth(key, node, f"{topic.type} before its NBIRTH", now_ms)
        if payload.seq != node.next_seq:
            return self._out_of_turn(key, node, topic, payload, now_ms)
        return [*self._in_turn(key, node, topic, payload, now_ms), *self._drain(key, node, now_ms)]

    def _node_born(self, key: tuple[str, str], node: _Node, payload: Payload) -> list[HostEvent]:
        bd_seq = _bd_seq(payload.metrics)
        if bd_seq is None or payload.seq is None:
            missing = BD_SEQ if bd_seq is None else "seq"
            topic = Topic(key[0], MessageType.NBIRTH, key[1])
            return [MalformedMessage(str(topic), f"no {missing}, expected one in an NBIRTH")]
        node.names.clear()
        node.names.introduce(None, payload.metrics)
        node.is_born, node.is_quarantined, node.bd_seq = True, False, bd_seq
        node.next_seq = (payload.seq + 1) % 256
        self._clear_gap(key, node)
        return [NodeBorn(*key, payload.metrics, bd_seq)]

    def _node_died(self, key: tuple[str, str], node: _Node, payload: Payload) -> list[HostEvent]:
        bd_seq = _bd_seq(payload.metrics)
        if bd_seq is None:
            topic = Topic(key[0], MessageType.NDEATH, key[1])
            return [MalformedMessage(str(topic), f"no {BD_SEQ}, expected one in an NDEATH")]
        if node.is_quarantined or (node.bd_seq is not None and bd_seq != node.bd_seq):
            return []  # a duplicate, or the will of a connection that a newer birth has already replaced
        node.is_born, node.is_quarantined = False, True
        node.names.clear()
        self._clear_gap(key, node)
        return [NodeDied(*key)]

    def _out_of_turn(
        self, key: tuple[str, str], node: _Node, topic: Topic, payload: Payload, now_ms: int
    ) -> list[HostEvent]:
        """Keep what came early; what is late is a duplicate, or follows a birth that was not received."""
        assert payload.seq is not None  # noqa: S101
        if node.stalled_since_ms is None:
            node.stalled_since_ms = now_ms
            self._stalled.add(key)
        if (payload.seq - node.next_seq) % 256 < 128:
            node.waiting[payload.seq] = _Waiting(topic, payload, now_ms)
        elif topic.type is MessageType.DBIRTH:
            return self._distrust(key, node, f"{topic} without its NBIRTH", now_ms)
        if now_ms - node.stalled_since_ms >= self._reorder_timeout_ms:
            return self._distrust(key, node, f"no message with seq {node.next_seq} arrived", now_ms)
        return []

    def _drain(self, key: tuple[str, str], node: _Node, now_ms: int) -> list[HostEvent]:
        """Process the messages whose turn has come; the gap counts from the oldest that still waits."""
        if node.stalled_since_ms is None:
            return []
        events: list[HostEvent] = []
        while (held := node.waiting.pop(node.next_seq, None)) is not None:
            events += self._in_turn(key, node, held.topic, held.payload, now_ms)
        if node.waiting:
            node.stalled_since_ms = min(held.since_ms for held in node.waiting.values())
        else:
            self._clear_gap(key, node)
        return events

    def _clear_gap(self, key: tuple[str, str], node: _Node) -> None:
        node.waiting.clear()
        node.stalled_since_ms = None
        self._stalled.discard(key)

    def _in_turn(
        self, key: tuple[str, str], node: _Node, topic: Topic, payload: Payload, now_ms: int
    ) -> list[HostEvent]:
        node.next_seq = (node.next_seq + 1) % 256
        device = topic.device
        if topic.type is MessageType.DBIRTH and device is not None:
            node.names.introduce(device, payload.metrics)
            return [DeviceBorn(*key, device, payload.metrics)]
        if topic.type is MessageType.DDEATH and device is not None:
            node.names.forget(device)
            return [DeviceDied(*key, device)]
        try:
            node.names.resolve(device, payload.metrics)
        except Unknown as error:
            return self._ask_rebirth(key, node, f"{topic.type} with {error}", now_ms)
        except MalformedPayload as error:
            return [MalformedMessage(str(topic), str(error))]
        if device is None:
            return [NodeData(*key, payload.metrics, payload.timestamp_ms)]
        return [DeviceData(*key, device, payload.metrics, payload.timestamp_ms)]

    def _distrust(self, key: tuple[str, str], node: _Node, why: str, now_ms: int) -> list[HostEvent]:
        node.is_born = False
        self._clear_gap(key, node)
        return self._ask_rebirth(key, node, why, now_ms)

    def _ask_rebirth(self, key: tuple[str, str], node: _Node, why: str, now_ms: int) -> list[HostEvent]:
        requested_ms = node.rebirth_requested_ms
        if requested_ms is not None and now_ms - requested_ms < REBIRTH_PAUSE_MS:
            return []
        node.rebirth_requested_ms = now_ms
        return [RebirthNeeded(*key, why)]


def _bd_seq(metrics: list[MetricValue]) -> int | None:
    value = next((metric.value for metric in metrics if metric.name == BD_SEQ), None)
    return value if isinstance(value, int) else None
