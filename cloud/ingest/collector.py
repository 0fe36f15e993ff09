"""Sparkplug events and transferred records turned into the records of a batch. Pure."""

from collections.abc import Callable

import msgspec

from cloud.alarms.model import ReportedEvent
from cloud.ingest.batch import Batch, DevicePresence, MalformedRecord, Node, OutboxId, WholeRecord
from protocols.events import DeviceEvent
from protocols.identifiers import forbidden_character
from protocols.lamp import CommandResult, LampReading
from protocols.mapping import (
    InvalidMetrics,
    InvalidReading,
    InvalidRecord,
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

DataEvent = NodeBorn | DeviceBorn | NodeData | DeviceData | NodeDied | DeviceDied

_LARGEST_INT64 = 2**63 - 1
_LIMITS = {
    "target_level_percent": 100,
    "feedback_level_percent": 100,
    "switch_on_counter": 2**32 - 1,  # a UInt32 on the wire
}


class Collector:
    """Adds what gateways send to a batch; holds the outbox epoch of every node.

    `owner` returns the node that a device or gateway belongs to; None where any node may report it.
    `on_foreign` is called with the sender and the device of every message about another gateway's device.
    """

    def __init__(self, owner: Callable[[str], Node | None], on_foreign: Callable[[Node, str], None]) -> None:
        self._owner = owner
        self._on_foreign = on_foreign
        self._epochs: dict[Node, int | None] = {}

    def is_impostor(self, node: Node) -> bool:
        """Return whether the gateway of that id is in the inventory, but in another area."""
        return self._owner(node[1]) not in (None, node)

    def add(self, batch: Batch, event: DataEvent) -> None:
        """Add what `event` holds.

        Raises:
            InvalidMetrics: it is no record. Its position is registered all the same: sent again it would be
                no better, so it is acknowledged, and kept as it is.
        """
        node = (event.group, event.node)
        if isinstance(event, DeviceData | NodeData):
            self._add_data(batch, node, event)
        elif isinstance(event, DeviceBorn | DeviceDied):
            if self._belongs(event.device, node):
                batch.devices[event.device] = DevicePresence(node, isinstance(event, DeviceBorn))
                batch.size += 1
        else:
            # An impostor's epoch counts too: its records must be acknowledged, or it sends them for ever.
            if isinstance(event, NodeBorn):
                self._epochs[node] = _stored_integer(epoch_from(event.metrics))
            if self._belongs(event.node, node):
                batch.add_node(event)
                if isinstance(event, NodeBorn):
                    _add_plan(batch, node, event.metrics)

    def add_carried(self, batch: Batch, outbox: OutboxId, position: int, record: Record) -> None:
        """Add a record of a transferred bundle.

        Raises:
            InvalidMetrics: no store takes it. Its position is registered and it is kept, as by `add`.
        """
        batch.positions[outbox].append(position)
        batch.size += 1
        try:
            if isinstance(record, DeviceEvent):
                reported = ReportedEvent(outbox.node[1], outbox.epoch, position, record)
                self._append(batch, outbox.node, reported)
            else:
                self._append(batch, outbox.node, record)
        except InvalidMetrics as error:
            content = msgspec.json.encode(record).decode()
            batch.malformed.append(MalformedRecord(outbox.node[1], record.device_id, str(error), content))
            raise

    def _add_data(self, batch: Batch, node: Node, event: DeviceData | NodeData) -> None:
        place = self._place(node, event.metrics)
        try:
            if isinstance(event, DeviceData):
                self._add_reading(batch, node, event)
            else:
                self._add_record(batch, node, event, place)
        except InvalidMetrics as error:
            if place is not None:
                device_id = event.device if isinstance(event, DeviceData) else ""
                content = msgspec.json.encode(event.metrics).decode()
                batch.malformed.append(MalformedRecord(node[1], device_id, str(error), content))
                batch.size += 1
                _register(batch, place)
            raise
        # Last: an unexpected error costs this message, which must then not be acknowledged.
        if place is not None:
            _register(batch, place)

    def _add_reading(self, batch: Batch, node: Node, event: DeviceData) -> None:
        # Ids become tags of line protocol, where control characters can't be escaped.
        expected = forbidden_character(event.device)
        if expected is not None:
            raise InvalidReading(f"device id {event.device!r}, expected {expected}")
        batch.size += 1
        read = cabinet_from if is_cabinet_data(event.metrics) else reading_from
        self._append(batch, node, read(event.device, event.metrics, event.timestamp_ms))

    def _add_record(
        self, batch: Batch, node: Node, event: NodeData, place: tuple[OutboxId, int] | None
    ) -> None:
        if not self.is_impostor(node):
            _add_plan(batch, node, event.metrics)
        happened, result = event_from(event.metrics), result_from(event.metrics)
        # Without a position an event has no key, so a repeat could not be recognised.
        if happened is not None and place is not None:
            outbox, position = place
            self._append(batch, node, ReportedEvent(event.node, outbox.epoch, position, happened))
        if result is not None:
            self._append(batch, node, result)
        batch.size += 1

    def _append(self, batch: Batch, node: Node, record: WholeRecord) -> None:
        """Add a record that `node` sent; one about another gateway's device goes to the foreign ones."""
        device_id = record.event.device_id if isinstance(record, ReportedEvent) else record.device_id
        if isinstance(record, LampReading):
            # A whole number larger than a store's column would stop the batch that it is in.
            for name, limit in _LIMITS.items():
                value = getattr(record, name)
                if value is not None and not 0 <= value <= limit:
                    raise InvalidReading(f"{device_id} {name}: {value}, expected 0..{limit}")
        elif isinstance(record, ReportedEvent):
            _check_text(device_id, record.event.info)
        elif isinstance(record, CommandResult):
            _check_text(record.command_id, device_id, record.detail)
        if not self._belongs(device_id, node):
            batch.foreign.append((record, node[1]))
        elif isinstance(record, ReportedEvent):
            batch.events.append(record)
        elif isinstance(record, CommandResult):
            batch.results.append(record)
        else:
            batch.sources[device_id] = node
            if isinstance(record, LampReading):
                batch.readings.append(record)
            else:
                batch.cabinets.append(record)

    def _belongs(self, device_id: str, node: Node) -> bool:
        if self._owner(device_id) in (None, node) and not self.is_impostor(node):
            return True
        self._on_foreign(node, device_id)
        return False

    def _place(self, node: Node, metrics: list[MetricValue]) -> tuple[OutboxId, int] | None:
        """Return the record's place in the outbox; None for a message without one."""
        position, epoch = _stored_integer(position_from(metrics)), self._epochs.get(node)
        # A position means something only within an epoch, which the gateway states at its birth.
        if position is None or epoch is None:
            return None
        return OutboxId(node, epoch), position


def _register(batch: Batch, place: tuple[OutboxId, int]) -> None:
    """Add a record's position to those to acknowledge."""
    outbox, position = place
    batch.positions[outbox].append(position)


def _add_plan(batch: Batch, node: Node, metrics: list[MetricValue]) -> None:
    state = plan_state_from(metrics)
    if state is not None:
        _check_text(state.hash, state.problem)
        batch.plans[node] = state


def _stored_integer(value: int | None) -> int | None:
    if value is not None and not 0 <= value <= _LARGEST_INT64:
        raise InvalidRecord(f"outbox position or epoch: {value}, expected 0..{_LARGEST_INT64}")
    return value


def _check_text(*texts: str) -> None:
    for text in texts:
        if "\0" in text:  # PostgreSQL stores no NUL in text
            raise InvalidRecord(f"text {text!r}, expected no NUL character")
