"""What gateways sent, gathered until it is stored: pure, and forgotten without harm, for it is sent again."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from cloud.alarms.model import ReportedEvent
from cloud.ingest.metrics import FOREIGN
from protocols.cabinet import CabinetReading
from protocols.events import DeviceEvent
from protocols.lamp import CommandResult, LampReading
from protocols.mapping import (
    InvalidReading,
    InvalidRecord,
    PlanState,
    cabinet_from,
    epoch_from,
    event_from,
    is_cabinet_data,
    plan_state_from,
    position_from,
    reading_from,
    result_from,
)
from protocols.sparkplug.host_events import (
    DeviceBorn,
    DeviceData,
    DeviceDied,
    NodeBorn,
    NodeData,
    NodeDied,
)
from protocols.sparkplug.payload import MetricValue
from protocols.transfer.records import Record

Node = tuple[str, str]
"""Sparkplug group and edge node: area and gateway."""

WholeRecord = LampReading | CabinetReading | ReportedEvent | CommandResult

DataEvent = NodeBorn | DeviceBorn | NodeData | DeviceData | NodeDied | DeviceDied

log = structlog.get_logger(__name__)

_LARGEST_INT32 = 2**31 - 1
_LARGEST_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Outbox:
    """Whose record positions are meant; a wiped gateway starts a new epoch."""

    node: Node
    epoch: int


@dataclass(frozen=True, slots=True)
class DevicePresence:
    """Whether a lamp or a cabinet answers its gateway."""

    node: Node
    online: bool


@dataclass(slots=True)
class Batch:
    """Records to store together, and who was seen to come and go. Of presences the last word counts."""

    readings: list[LampReading] = field(default_factory=list)
    cabinets: list[CabinetReading] = field(default_factory=list)
    events: list[ReportedEvent] = field(default_factory=list)
    results: list[CommandResult] = field(default_factory=list)
    foreign: list[tuple[WholeRecord, str]] = field(default_factory=list)
    """Records about devices of another gateway, with the gateway that sent them: only kept aside."""
    positions: dict[Outbox, list[int]] = field(default_factory=lambda: defaultdict(list))
    nodes: dict[Node, NodeBorn | NodeDied] = field(default_factory=dict)
    devices: dict[str, DevicePresence] = field(default_factory=dict)
    plans: dict[Node, PlanState] = field(default_factory=dict)
    lost: list[Node] = field(default_factory=list)
    sources: dict[str, Node] = field(default_factory=dict)
    size: int = 0

    def node_turned(self, event: NodeBorn | NodeDied) -> None:
        """A node was born or died: its devices are offline until each is born again."""
        node = (event.group, event.node)
        self.nodes[node] = event
        self.lost = [one for one in self.lost if one != node]
        self.devices = {device: seen for device, seen in self.devices.items() if seen.node != node}
        self.size += 1


class Collector:
    """Turns Sparkplug events into records of a batch; knows the outbox epoch of every node.

    `owner` tells which node speaks for a device or gateway; None where anyone may.
    """

    def __init__(self, owner: Callable[[str], Node | None] = lambda _device_id: None) -> None:
        self._owner = owner
        self._epochs: dict[Node, int | None] = {}
        self._strangers: set[Node] = set()

    def is_impostor(self, node: Node) -> bool:
        """Whether the gateway of that id is known and belongs to another area."""
        return self._owner(node[1]) not in (None, node)

    def add(self, batch: Batch, event: DataEvent) -> None:
        """Add what `event` says; raises InvalidMetrics where it is no record, its position settled."""
        node = (event.group, event.node)
        if isinstance(event, DeviceData):
            self._add_reading(batch, event)
        elif isinstance(event, NodeData):
            self._add_record(batch, event)
        elif isinstance(event, DeviceBorn | DeviceDied):
            if not self._is_foreign(event.device, node):
                batch.devices[event.device] = DevicePresence(node, isinstance(event, DeviceBorn))
                batch.size += 1
        else:
            if isinstance(event, NodeBorn):
                self._epochs[node] = _stored_integer(epoch_from(event.metrics))
            if not self._is_foreign(event.node, node):
                batch.node_turned(event)
                if isinstance(event, NodeBorn):
                    _note_plan(batch, node, event.metrics)

    def add_carried(self, batch: Batch, outbox: Outbox, position: int, record: Record) -> None:
        """Add a record that was carried here in a file; raises InvalidMetrics where no store takes it."""
        batch.positions[outbox].append(position)
        batch.size += 1
        if isinstance(record, DeviceEvent):
            _check_text(record.device_id, record.info)
            reported = ReportedEvent(outbox.node[1], outbox.epoch, position, record)
            if self._may_speak(batch, record.device_id, outbox.node, reported):
                batch.events.append(reported)
        elif isinstance(record, CommandResult):
            _check_text(record.command_id, record.device_id, record.detail)
            if self._may_speak(batch, record.device_id, outbox.node, record):
                batch.results.append(record)
        elif isinstance(record, CabinetReading):
            if self._may_speak(batch, record.device_id, outbox.node, record):
                batch.cabinets.append(record)
                batch.sources[record.device_id] = outbox.node
        else:
            self._add_carried_reading(batch, outbox.node, record)

    def _add_carried_reading(self, batch: Batch, node: Node, reading: LampReading) -> None:
        _check_reading(reading)
        if self._may_speak(batch, reading.device_id, node, reading):
            batch.readings.append(reading)
            batch.sources[reading.device_id] = node

    def _add_reading(self, batch: Batch, event: DeviceData) -> None:
        node = (event.group, event.node)
        self._settle(batch, node, event.metrics)
        if not event.device.isprintable():
            raise InvalidReading(f"device id {event.device!r}, expected printable characters")
        batch.size += 1
        if is_cabinet_data(event.metrics):
            cabinet = cabinet_from(event.device, event.metrics, event.timestamp_ms)
            if self._may_speak(batch, event.device, node, cabinet):
                batch.cabinets.append(cabinet)
                batch.sources[event.device] = node
            return
        reading = reading_from(event.device, event.metrics, event.timestamp_ms)
        _check_reading(reading)
        if self._may_speak(batch, event.device, node, reading):
            batch.readings.append(reading)
            batch.sources[event.device] = node

    def _add_record(self, batch: Batch, event: NodeData) -> None:
        node = (event.group, event.node)
        place = self._settle(batch, node, event.metrics)
        if not self.is_impostor(node):
            _note_plan(batch, node, event.metrics)
        happened, result = event_from(event.metrics), result_from(event.metrics)
        if happened is not None and place is not None:
            _check_text(happened.device_id, happened.info)
            outbox, position = place
            reported = ReportedEvent(event.node, outbox.epoch, position, happened)
            if self._may_speak(batch, happened.device_id, node, reported):
                batch.events.append(reported)
        if result is not None:
            _check_text(result.command_id, result.device_id, result.detail)
            if self._may_speak(batch, result.device_id, node, result):
                batch.results.append(result)
        batch.size += 1

    def _may_speak(self, batch: Batch, device_id: str, node: Node, record: WholeRecord) -> bool:
        """Whether the record counts; else it is put with what is only kept aside."""
        if not self._is_foreign(device_id, node):
            return True
        batch.foreign.append((record, node[1]))
        return False

    def _is_foreign(self, device_id: str, node: Node) -> bool:
        owner = self._owner(device_id)
        if owner in (None, node) and not self.is_impostor(node):
            return False
        FOREIGN.inc()
        if node not in self._strangers:
            self._strangers.add(node)
            log.warning("speaks for a device of another gateway, kept aside", node=node, device=device_id)
        return True

    def _settle(self, batch: Batch, node: Node, metrics: list[MetricValue]) -> tuple[Outbox, int] | None:
        """Note the record's position, to be acknowledged whatever else is wrong with it; None without one."""
        position, epoch = _stored_integer(position_from(metrics)), self._epochs.get(node)
        if position is None or epoch is None:
            return None
        outbox = Outbox(node, epoch)
        batch.positions[outbox].append(position)
        return outbox, position


def _note_plan(batch: Batch, node: Node, metrics: list[MetricValue]) -> None:
    state = plan_state_from(metrics)
    if state is not None:
        _check_text(state.hash, state.problem)
        batch.plans[node] = state


def _stored_integer(value: int | None) -> int | None:
    if value is not None and not 0 <= value <= _LARGEST_INT64:
        raise InvalidRecord(f"outbox position or epoch: {value}, expected 0..{_LARGEST_INT64}")
    return value


def _check_reading(reading: LampReading) -> None:
    """Raise InvalidReading where a whole number is larger than any store's column."""
    for name, limit in _LIMITS.items():
        value = getattr(reading, name)
        if value is not None and not 0 <= value <= limit:
            raise InvalidReading(f"{reading.device_id} {name}: {value}, expected 0..{limit}")


_LIMITS = {
    "target_level_percent": 100,
    "feedback_level_percent": 100,
    "switch_on_counter": _LARGEST_INT32 * 2 + 1,
}


def _check_text(*texts: str) -> None:
    for text in texts:
        if "\0" in text:
            raise InvalidRecord(f"text {text!r}, expected no NUL character")
