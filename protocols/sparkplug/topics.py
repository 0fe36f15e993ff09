"""Sparkplug B topics: `spBv1.0/<group>/<type>/<edge node>[/<device>]` and `spBv1.0/STATE/<host>`."""

from dataclasses import dataclass
from enum import StrEnum

from protocols.identifiers import forbidden_character

NAMESPACE = "spBv1.0"


class MalformedTopic(ValueError):  # noqa: N818 - named for the condition
    """A topic, or an id in one, that Sparkplug does not allow; the message names the part and the reason."""


class MessageType(StrEnum):
    """The message types of the Sparkplug namespace."""

    NBIRTH = "NBIRTH"
    NDEATH = "NDEATH"
    DBIRTH = "DBIRTH"
    DDEATH = "DDEATH"
    NDATA = "NDATA"
    DDATA = "DDATA"
    NCMD = "NCMD"
    DCMD = "DCMD"
    STATE = "STATE"

    @property
    def is_device(self) -> bool:
        """Whether the topic ends in a device id."""
        return self.value[0] == "D"


_BY_VERB = {kind.value: kind for kind in MessageType if kind is not MessageType.STATE}


@dataclass(frozen=True, slots=True)
class Topic:
    """The sender or receiver of a message; `device` is None on the edge node's own messages."""

    group: str
    type: MessageType
    edge_node: str
    device: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Topic":
        """Read a topic of an edge node or a device.

        Raises:
            MalformedTopic: it is another topic, or an id in it is not allowed.
        """
        namespace, _, rest = text.partition("/")
        parts = rest.split("/")
        if namespace != NAMESPACE or not 3 <= len(parts) <= 4:
            raise MalformedTopic(
                f"topic {text!r}: expected {NAMESPACE}/<group>/<type>/<edge node>[/<device>]"
            )
        kind = _BY_VERB.get(parts[1])
        if kind is None:
            raise MalformedTopic(f"topic {text!r}: type {parts[1]!r}, expected one of {', '.join(_BY_VERB)}")
        if kind.is_device != (len(parts) == 4):
            wanted = "a device id" if kind.is_device else "no device id"
            raise MalformedTopic(f"topic {text!r}: expected {wanted} on a {kind}")
        for identifier in (parts[0], *parts[2:]):
            check_id(identifier, f"topic {text!r}")
        return cls(parts[0], kind, parts[2], parts[3] if len(parts) == 4 else None)

    def __str__(self) -> str:
        head = f"{NAMESPACE}/{self.group}/{self.type}/{self.edge_node}"
        return head if self.device is None else f"{head}/{self.device}"


def check_id(identifier: str, where: str) -> str:
    """Return the id itself when it may be a topic level.

    Raises:
        MalformedTopic: it is empty or has a character that MQTT forbids; the message begins with `where`.
    """
    expected = forbidden_character(identifier) if identifier else "at least one character"
    if expected is not None:
        raise MalformedTopic(f"{where}: id {identifier!r}, expected {expected}")
    return identifier


def state_topic(host_id: str) -> str:
    """Return the topic on which a host application publishes whether it is online.

    Raises:
        MalformedTopic: the host's id cannot be a topic level.
    """
    return f"{NAMESPACE}/{MessageType.STATE}/{check_id(host_id, 'host')}"


def state_host(topic: str) -> str | None:
    """Return the host id of a STATE topic; None for any other topic."""
    prefix = f"{NAMESPACE}/{MessageType.STATE}/"
    host_id = topic.removeprefix(prefix)
    return host_id if host_id != topic and host_id and "/" not in host_id else None
