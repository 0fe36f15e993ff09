"""What runs for a gateway and for each of its lines, once it is built."""

from dataclasses import dataclass

from edge.commander import Commander
from edge.contactor import Contactor
from edge.device import Device
from edge.dimmer import Dimmer
from edge.fallback import Fallback
from edge.levels import Levels
from edge.line import Line
from edge.memory import Memory
from edge.outbox import Outbox
from edge.photocell import Photocells
from edge.planning import PlanFollower
from edge.poller import Poller
from edge.timekeeping import Timekeeper
from edge.timenews import TimeNews
from edge.uplink import Uplink


@dataclass(frozen=True, slots=True)
class LineParts:
    """What runs for one line."""

    line: Line
    poller: Poller
    dimmer: Dimmer
    fallback: Fallback
    contactors: tuple[Contactor, ...]
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """All that runs for one gateway."""

    outbox: Outbox
    memory: Memory
    lines: tuple[LineParts, ...]
    commander: Commander
    uplink: Uplink
    levels: Levels
    plan: PlanFollower
    keeper: Timekeeper
    news: TimeNews
    photocells: Photocells

    @property
    def devices(self) -> list[Device]:
        """The devices of all lines."""
        return [device for parts in self.lines for device in parts.devices]
