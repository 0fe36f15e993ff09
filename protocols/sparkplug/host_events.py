"""The events that a HostSession derives from messages."""

from dataclasses import dataclass

from protocols.sparkplug.payload import MetricValue


@dataclass(frozen=True, slots=True)
class NodeBorn:
    """An edge node is online; each of its devices is offline until its DeviceBorn follows."""

    group: str
    node: str
    metrics: list[MetricValue]
    bd_seq: int


@dataclass(frozen=True, slots=True)
class DeviceBorn:
    """A device is online, with its current values."""

    group: str
    node: str
    device: str
    metrics: list[MetricValue]


@dataclass(frozen=True, slots=True)
class NodeData:
    """New values of a node; names are resolved. `timestamp_ms` is when it was sent."""

    group: str
    node: str
    metrics: list[MetricValue]
    timestamp_ms: int | None


@dataclass(frozen=True, slots=True)
class DeviceData:
    """New values of a device; names are resolved. `timestamp_ms` is when they were sent."""

    group: str
    node: str
    device: str
    metrics: list[MetricValue]
    timestamp_ms: int | None


@dataclass(frozen=True, slots=True)
class NodeDied:
    """An edge node is offline, and all its devices with it."""

    group: str
    node: str


@dataclass(frozen=True, slots=True)
class DeviceDied:
    """A device does not respond to its edge node."""

    group: str
    node: str
    device: str


@dataclass(frozen=True, slots=True)
class RebirthNeeded:
    """The node must publish its births again: send it `messages.rebirth_request`."""

    group: str
    node: str
    why: str


@dataclass(frozen=True, slots=True)
class MalformedMessage:
    """A message that could not be read; it changed nothing."""

    topic: str
    why: str


@dataclass(frozen=True, slots=True)
class StateContested:
    """Our own late will, or another client, reports us offline: publish `online(timestamp_ms)` again."""

    timestamp_ms: int


HostEvent = (
    NodeBorn
    | DeviceBorn
    | NodeData
    | DeviceData
    | NodeDied
    | DeviceDied
    | RebirthNeeded
    | MalformedMessage
    | StateContested
)
