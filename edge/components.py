"""What runs for a gateway and for each of its lines, once it is built."""

from collections.abc import Iterator
from dataclasses import dataclass

from edge.clock.events import ClockEventReporter
from edge.clock.timekeeper import Timekeeper
from edge.control.command_executor import CommandExecutor
from edge.control.contactor import Contactor
from edge.control.controller_watchdog import ControllerWatchdog
from edge.control.dimmer import Dimmer
from edge.control.levels import Levels
from edge.control.photocell import Photocells
from edge.control.plan_follower import PlanFollower
from edge.devices.device import Device
from edge.line import Line
from edge.outbox import Outbox
from edge.polling.poller import Poller
from edge.polling.presence import Presence
from edge.polling.reader import Reader
from edge.storage.state import StateStore
from edge.uplink.uplink import Uplink


@dataclass(frozen=True, slots=True)
class LineComponents:
    """What runs for one line."""

    line: Line
    reader: Reader
    poller: Poller
    dimmer: Dimmer
    controller_watchdog: ControllerWatchdog
    contactors: tuple[Contactor, ...]
    devices: tuple[Device, ...]

    def presences(self) -> Iterator[tuple[Device, Presence]]:
        """Yield each device with its presence."""
        for device in self.devices:
            yield device, self.reader.presence(device)


@dataclass(frozen=True, slots=True)
class GatewayComponents:
    """All that runs for one gateway."""

    outbox: Outbox
    memory: StateStore
    lines: tuple[LineComponents, ...]
    commander: CommandExecutor
    uplink: Uplink
    levels: Levels
    plan: PlanFollower
    keeper: Timekeeper
    news: ClockEventReporter
    photocells: Photocells

    @property
    def devices(self) -> list[Device]:
        """The devices of all lines."""
        return [device for parts in self.lines for device in parts.devices]
