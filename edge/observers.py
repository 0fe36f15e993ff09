"""What happens in a gateway when records are durable, the time or the plan changes, or a port fails."""

from collections.abc import Sequence

from edge.clock.events import ClockEventReporter
from edge.control.command_executor import CommandExecutor
from edge.control.ports import Actuator
from edge.outbox import RecordSink, StoredRecord
from edge.uplink.uplink import Uplink
from protocols.clock import Clock
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult


class LevelUpdates:
    """Starts a new comparison of all devices with their levels when plan, photocell or time has changed."""

    def __init__(self, executor: CommandExecutor, actuators: Sequence[Actuator]) -> None:
        self._executor = executor
        self._actuators = actuators

    def wake(self) -> None:
        """Check again which commands are due and which level each device should have."""
        self._executor.wake()
        for actuator in self._actuators:
            actuator.wake()

    def clock_synchronised(self, _: object, /) -> None:
        """Follow the plan from now on."""
        self.wake()

    def clock_stepped(self) -> None:
        """Check all levels: another may be due."""
        self.wake()

    def clock_doubted(self, _: object, /) -> None:
        """Do nothing: the time known before is continued."""


class GatewayEvents:
    """Records events of the gateway itself, as of now."""

    def __init__(self, gateway_id: str, records: RecordSink, clock: Clock) -> None:
        self._gateway_id = gateway_id
        self._records = records
        self._clock = clock

    def report(self, kind: EventType, info: str, *, active: bool) -> None:
        """Record that `kind` has begun, or with `active` False that it has ended."""
        self._records.append(DeviceEvent(self._gateway_id, kind, self._clock.now(), active, info))


class RecordDelivery:
    """Observes the outbox: passes durable records on, and reports corrections and damage of stored ones."""

    def __init__(
        self,
        uplink: Uplink,
        executor: CommandExecutor,
        clock_events: ClockEventReporter,
        events: GatewayEvents,
    ) -> None:
        self._uplink = uplink
        self._executor = executor
        self._clock_events = clock_events
        self._events = events

    def records_durable(self, records: Sequence[StoredRecord], /) -> None:
        """Send them; a command whose result is among them is never executed again."""
        self._uplink.sender.offer(records)
        self._executor.results_durable(
            each.record for each in records if isinstance(each.record, CommandResult)
        )

    def times_corrected(self) -> None:
        """Send the records that waited for their times to be corrected."""
        self._uplink.rescan_backlog()
        self._clock_events.report_corrected()

    def damage_found(self, description: str, /) -> None:
        """Report that the file of the outbox was damaged; `description` says what was recovered."""
        self._events.report(EventType.DEVICE_RESET, description, active=True)


class PortEventReporter:
    """Reports when the port of one line fails and when it is open again."""

    def __init__(self, port: str, events: GatewayEvents) -> None:
        self._port = port
        self._events = events

    def port_changed(self, error: str | None) -> None:
        """Report the error of the port, or with None that the port can be used again."""
        self._events.report(EventType.COMMUNICATION_FAILURE, error or self._port, active=error is not None)
