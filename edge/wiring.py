"""Builds the components of a gateway, in the order in which they need one another, and connects them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from zoneinfo import ZoneInfo

from edge.clock.events import ClockEventReporter, TimestampedOutbox
from edge.clock.timekeeper import Timekeeper
from edge.components import GatewayComponents, LineComponents, LineReadings
from edge.config.line_settings import LineConfig
from edge.config.settings import GatewayConfig, IdentityConfig
from edge.control.command_executor import CommandExecutor
from edge.control.commanded_state import CommandedState
from edge.control.contactor import contactors_of
from edge.control.controller_watchdog import LONGEST_TIMEOUT_S, ControllerWatchdog, ControllerWatchdogSettings
from edge.control.dimmer import Dimmer
from edge.control.level_writer import LevelWriter
from edge.control.levels import Levels
from edge.control.photocell import Photocells
from edge.control.plan_follower import PlanFollower
from edge.control.ports import Actuator
from edge.devices.device import Device, broadcast_blocker, device_from_config, units_of
from edge.line import Line, LineSettings, open_line
from edge.observers import GatewayEvents, LevelUpdates, PortEventReporter, RecordDelivery
from edge.outbox import Outbox, RecordSink
from edge.polling.poller import Poller
from edge.polling.reader import DeviceReader
from edge.storage.state import StateStore
from edge.uplink.uplink import Uplink
from protocols.lighting.plan import DEFAULT_PLAN
from protocols.lighting.priority import Override
from protocols.lighting.program import Place

MakeLine = Callable[[LineSettings], Line]


def build(
    config: GatewayConfig,
    timekeeper: Timekeeper,
    outbox: Outbox,
    state: StateStore,
    overrides: Mapping[str, Override],
    *,
    make_line: MakeLine = open_line,
) -> GatewayComponents:
    """Return the components of a gateway, connected and not yet running."""
    records = TimestampedOutbox(outbox, timekeeper)
    photocells = Photocells(timekeeper, records)
    levels = _build_levels(config.gateway, overrides, timekeeper, photocells)

    # Readings upward: line, reader, poller, outbox, uplink.
    events = GatewayEvents(config.gateway.id, records, timekeeper)
    shared = _Shared(config, timekeeper, records, events, levels, photocells, make_line)
    lines = tuple(_build_line(line, shared) for line in config.lines)

    # Commands downward: uplink, executor, actuator, line.
    executor = CommandExecutor(_actuators(lines), levels, state, timekeeper, records)
    plan = PlanFollower(config.gateway.id, state, levels)
    uplink = Uplink(
        config,
        outbox=outbox,
        state=state,
        commands=executor,
        plan=plan,
        time=timekeeper,
        devices=LineReadings(lines),
        clock=timekeeper,
    )

    clock_events = ClockEventReporter(config.gateway.id, timekeeper, outbox, uplink)
    level_updates = LevelUpdates(executor, [each for line in lines for each in line.actuators])
    _register_observers(timekeeper, plan, uplink, clock_events, level_updates)
    return GatewayComponents(
        timekeeper,
        outbox,
        state,
        photocells,
        levels,
        lines,
        executor,
        plan,
        uplink,
        clock_events,
        level_updates,
        RecordDelivery(uplink, executor, clock_events, events),
    )


def _register_observers(
    timekeeper: Timekeeper,
    plan: PlanFollower,
    uplink: Uplink,
    clock_events: ClockEventReporter,
    level_updates: LevelUpdates,
) -> None:
    # Provisional times are corrected before a change of level is recorded with the new time.
    timekeeper.observers += [clock_events, level_updates]
    plan.add_observer(level_updates.wake, uplink.sender.request_plan_state)


def _build_levels(
    gateway: IdentityConfig,
    overrides: Mapping[str, Override],
    timekeeper: Timekeeper,
    photocells: Photocells,
) -> Levels:
    return Levels(
        DEFAULT_PLAN,
        Place(gateway.latitude, gateway.longitude, ZoneInfo(gateway.time_zone)),
        gateway.default_level,
        overrides,
        time_is_known=lambda: timekeeper.is_known,
        is_dark=photocells.is_dark,
    )


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the lines of a gateway have in common."""

    config: GatewayConfig
    timekeeper: Timekeeper
    records: RecordSink
    events: GatewayEvents
    levels: Levels
    photocells: Photocells
    make_line: MakeLine


def _build_line(config: LineConfig, shared: _Shared) -> LineComponents:
    """Return the components of one line, with those that observe its readings registered."""
    gateway, timekeeper, records = shared.config.gateway, shared.timekeeper, shared.records
    line = shared.make_line(
        LineSettings(config.port, config.baud, config.parity, config.stop_bits, config.response_timeout_s)
    )
    devices = tuple(device_from_config(each) for each in config.devices)
    states = {device: CommandedState() for device in devices if device.dimmable}
    reader = DeviceReader(line, timekeeper, records, devices, targets=states)

    may_broadcast = broadcast_blocker(units_of(devices)) is None
    writer = LevelWriter(line, reader, states, may_broadcast=may_broadcast)
    reader.state_loss_observers.append(writer)
    dimmer = Dimmer(writer, shared.levels, timekeeper, records)
    reader.lamp_observers.append(dimmer)
    watchdog = ControllerWatchdog(line, reader, writer, devices, _watchdog_settings(shared.config))
    reader.lamp_observers.append(watchdog)

    pairs = tuple(zip(config.devices, devices, strict=True))
    shared.photocells.watch(reader, (device for each, device in pairs if each.photocell))
    contactors = contactors_of(
        pairs, line, reader, levels=shared.levels, timekeeper=timekeeper, records=records
    )

    port_events = PortEventReporter(config.port, shared.events)
    # By the steady clock: polls keep their cadence when the time is set.
    interval = timedelta(seconds=gateway.poll_interval_s)
    poller = Poller(reader, timekeeper.steady, interval, devices, port_events.port_changed)
    return LineComponents(line, reader, poller, dimmer, watchdog, contactors, devices)


def _watchdog_settings(config: GatewayConfig) -> ControllerWatchdogSettings:
    timeout_s, level = config.controller_watchdog.timeout_s, config.controller_watchdog.level
    if timeout_s:
        # Else a controller would switch to its watchdog level between two polls.
        timeout_s = min(max(timeout_s, 3 * ceil(config.gateway.poll_interval_s)), LONGEST_TIMEOUT_S)
    return ControllerWatchdogSettings(timeout_s, config.gateway.default_level if level is None else level)


def _actuators(lines: Sequence[LineComponents]) -> dict[str, tuple[Device, Actuator]]:
    """Return the devices that accept commands, by id, each with its actuator."""
    actuators: dict[str, tuple[Device, Actuator]] = {}
    for each in lines:
        actuators |= {device.id: (device, each.dimmer) for device in each.devices if device.dimmable}
        actuators |= {contactor.device.id: (contactor.device, contactor) for contactor in each.contactors}
    return actuators
