"""Records gathered until they are stored together. Pure; a batch that is lost, gateways send again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from cloud.alarms.model import ReportedEvent
from protocols.cabinet import CabinetReading
from protocols.lamp import CommandResult, LampReading
from protocols.mapping import PlanState
from protocols.sparkplug.host_events import NodeBorn, NodeDied

Node = tuple[str, str]
"""Sparkplug group and edge node: area and gateway."""

WholeRecord = LampReading | CabinetReading | ReportedEvent | CommandResult

_READINGS = ("readings", "cabinets")

_MAPPINGS = ("nodes", "plans", "devices")


@dataclass(frozen=True, slots=True)
class OutboxId:
    """The outbox that positions belong to; a gateway whose disk was wiped starts a new epoch."""

    node: Node
    epoch: int


@dataclass(frozen=True, slots=True)
class DevicePresence:
    """Whether a lamp or a cabinet answers its gateway."""

    node: Node
    online: bool


@dataclass(frozen=True, slots=True)
class MalformedRecord:
    """What a gateway sent as a record and is none, as JSON; `device_id` is empty for the gateway's own."""

    gateway_id: str
    device_id: str
    error: str
    content: str


@dataclass(slots=True)
class Batch:
    """Records to store together, and the births and deaths seen; of presences the newest counts.

    `sources` is the node that sent the readings of each device, `positions` what is acknowledged once the
    batch is stored, `lost` the gateways that did not come back in time, `size` the number of messages.
    """

    readings: list[LampReading] = field(default_factory=list)
    cabinets: list[CabinetReading] = field(default_factory=list)
    events: list[ReportedEvent] = field(default_factory=list)
    results: list[CommandResult] = field(default_factory=list)
    foreign: list[tuple[WholeRecord, str]] = field(default_factory=list)
    """Records about devices of another gateway, with the id of the one that sent them: dead letters."""
    malformed: list[MalformedRecord] = field(default_factory=list)
    """Records that cannot be read and have a position, which is acknowledged: dead letters."""
    positions: dict[OutboxId, list[int]] = field(default_factory=lambda: defaultdict(list))
    nodes: dict[Node, NodeBorn | NodeDied] = field(default_factory=dict)
    devices: dict[str, DevicePresence] = field(default_factory=dict)
    plans: dict[Node, PlanState] = field(default_factory=dict)
    lost: list[Node] = field(default_factory=list)
    sources: dict[str, Node] = field(default_factory=dict)
    size: int = 0

    def add_node(self, event: NodeBorn | NodeDied) -> None:
        """Add the birth or death of a node: its devices are offline until each is born again."""
        node = (event.group, event.node)
        self.nodes[node] = event
        # What was added before is void, and a batch keeps no order between births and the rest.
        self.lost = [one for one in self.lost if one != node]
        self.devices = {device: seen for device, seen in self.devices.items() if seen.node != node}
        self.size += 1


def halves(batch: Batch) -> tuple[Batch, Batch] | None:
    """Return the batch in two, to be committed in this order; None where it cannot be divided.

    Both refer to all positions and sources of the batch, so it may be acknowledged only after both commits.
    """
    atoms = list(_atoms(batch))
    if len(atoms) < 2:
        return None
    middle = len(atoms) // 2
    return _gathered(batch, atoms[:middle]), _gathered(batch, atoms[middle:])


def _atoms(batch: Batch) -> Iterator[tuple[str, object]]:
    # Readings by their time and then births and deaths: the order in which a whole batch is assessed.
    for name in _READINGS:
        readings: list[LampReading | CabinetReading] = getattr(batch, name)
        yield from ((name, one) for one in sorted(readings, key=lambda one: one.time.timestamp()))
    for name in ("events", "results", *_MAPPINGS, "lost", "foreign", "malformed"):
        held = getattr(batch, name)
        yield from ((name, one) for one in (held.items() if name in _MAPPINGS else held))


def _gathered(batch: Batch, atoms: Iterable[tuple[str, object]]) -> Batch:
    part = Batch(positions=batch.positions, sources=batch.sources)
    for name, one in atoms:
        held = getattr(part, name)
        if name in _MAPPINGS:
            held.update([cast("tuple[Any, Any]", one)])
        else:
            held.append(one)
    return part
