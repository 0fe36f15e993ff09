"""The components of a gateway and of each of its lines, once they are built."""

from collections.abc import Iterator, Mapping, Sequence
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
from edge.control.ports import Actuator
from edge.devices.device import Device
from edge.line import Line
from edge.observers import LevelUpdates, RecordDelivery
from edge.outbox import Outbox
from edge.polling.poller import Poller
from edge.polling.presence import Presence
from edge.polling.reader import DeviceReader
from edge.storage.state import StateStore
from edge.uplink.uplink import Uplink
from protocols.cabinet import DeviceReading


@dataclass(frozen=True, slots=True)
class LineComponents:
    """The components of one line."""

    line: Line
    reader: DeviceReader
    poller: Poller
    dimmer: Dimmer
    controller_watchdog: ControllerWatchdog
    contactors: tuple[Contactor, ...]
    devices: tuple[Device, ...]

    @property
    def actuators(self) -> tuple[Actuator, ...]:
        """The actuators of all devices of the line that have a level."""
        return (self.dimmer, *self.contactors)

    def presences(self) -> Iterator[tuple[Device, Presence]]:
        """Yield each device with its presence."""
        for device in self.devices:
            yield device, self.reader.presences[device]


class LineReadings:
    """The uplink's `ResponsiveDevices`: the last readings on all lines."""

    def __init__(self, lines: Sequence[LineComponents]) -> None:
        self._lines = lines

    def last_readings(self) -> Mapping[str, DeviceReading]:
        """Return the last reading of every device that responds, by its id."""
        return {
            device.id: presence.last_reading
            for line in self._lines
            for device, presence in line.presences()
            if presence.is_responsive and presence.last_reading is not None
        }


@dataclass(frozen=True, slots=True)
class GatewayComponents:
    """The components of one gateway."""

    timekeeper: Timekeeper
    outbox: Outbox
    state: StateStore
    photocells: Photocells
    levels: Levels
    lines: tuple[LineComponents, ...]
    executor: CommandExecutor
    plan: PlanFollower
    uplink: Uplink
    clock_events: ClockEventReporter
    level_updates: LevelUpdates
    delivery: RecordDelivery

    @property
    def devices(self) -> list[Device]:
        """The devices of all lines."""
        return [device for line in self.lines for device in line.devices]
