"""Messages that need no session: host state and commands; and the form of every outgoing message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from protocols.decoding import UndecodableError, decode_json
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MalformedPayload, MetricValue, Payload, encode
from protocols.sparkplug.topics import MessageType, Topic, state_topic

REBIRTH: Final = "Node Control/Rebirth"
BD_SEQ: Final = "bdSeq"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One MQTT message to publish, or to set as the will of a connection."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class HostState(msgspec.Struct, frozen=True):
    """What a host application publishes on its STATE topic; `timestamp` is Unix ms."""

    online: bool
    timestamp: int


def state_message(host_id: str, *, online: bool, timestamp_ms: int) -> Outgoing:
    """Return a host's birth or death certificate: retained JSON with QoS 1."""
    body = msgspec.json.encode(HostState(online, timestamp_ms))
    return Outgoing(state_topic(host_id), body, qos=1, retain=True)


def decode_state(body: bytes) -> HostState:
    """Read a STATE payload.

    Raises:
        MalformedPayload: it is not the JSON that Sparkplug 3.0 defines.
    """
    try:
        return decode_json(body, HostState)
    except UndecodableError as error:
        raise MalformedPayload(
            f'STATE {body[:80]!r}: {error}, expected {{"online":bool,"timestamp":ms}}'
        ) from error


def node_command(group: str, edge_node: str, metrics: Sequence[MetricValue], now_ms: int) -> Outgoing:
    """Return an NCMD; metrics are sent by name, so that it needs no birth of the node."""
    topic = Topic(group, MessageType.NCMD, edge_node)
    return Outgoing(str(topic), encode(Payload(now_ms, list(metrics))), qos=0, retain=False)


def device_command(
    group: str, edge_node: str, device: str, metrics: Sequence[MetricValue], now_ms: int
) -> Outgoing:
    """Return a DCMD; metrics are sent by name, so that it needs no birth of the device."""
    topic = Topic(group, MessageType.DCMD, edge_node, device)
    return Outgoing(str(topic), encode(Payload(now_ms, list(metrics))), qos=0, retain=False)


def rebirth_request(group: str, edge_node: str, now_ms: int) -> Outgoing:
    """Return the NCMD that requests an edge node to publish its births again."""
    metric = MetricValue(name=REBIRTH, datatype=DataType.BOOLEAN, value=True, timestamp_ms=now_ms)
    return node_command(group, edge_node, [metric], now_ms)
