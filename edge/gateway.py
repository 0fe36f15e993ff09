"""Builds the parts of a gateway and runs them in one task group; many gateways may share a process."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from math import ceil
from zoneinfo import ZoneInfo

import structlog

from edge.clock.events import ClockEventReporter, keep_time
from edge.clock.timekeeper import EARLIEST, Timekeeper, steady_clock
from edge.components import GatewayComponents, LineComponents
from edge.config.line_settings import LineConfig
from edge.config.settings import GatewayConfig, IdentityConfig
from edge.control.command_executor import Actuator, CommandExecutor
from edge.control.contactor import contactors_of
from edge.control.controller_watchdog import LONGEST_TIMEOUT_S, ControllerWatchdog, ControllerWatchdogSettings
from edge.control.dimmer import Dimmer
from edge.control.level_writer import LevelWriter
from edge.control.levels import Levels
from edge.control.photocell import Photocells
from edge.control.plan_keeper import PlanFollower
from edge.devices.device import Device, configured
from edge.line import Line, LineSettings, open_line
from edge.outbox import Limit, Outbox, Record, StoredRecord
from edge.polling.poller import Poller
from edge.polling.reader import Reader
from edge.status.line_metrics import LineCollector
from edge.status.snapshot import StatusSnapshot
from edge.storage.state import StateStore
from edge.uplink.uplink import Uplink
from protocols.cabinet import DeviceReading
from protocols.clock import Clock, to_unix_ms
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult
from protocols.lighting.plan import DEFAULT_PLAN
from protocols.lighting.priority import Override
from protocols.lighting.program import Place
from runtime.cancellation import raise_if_cancelled

log = structlog.get_logger(__name__)

MakeLine = Callable[[LineSettings], Line]

_KEEP_BOOTS_EVERY_S = 30.0
_FIRST_RESTART_S = 1.0
_LONGEST_RESTART_S = 60.0


async def run_gateways(
    configs: Sequence[GatewayConfig],
    clock: Clock,
    metrics: LineCollector | None = None,
    board: StatusSnapshot | None = None,
    *,
    simulated: bool = False,
) -> None:
    """Run many gateways until cancelled; one that fails is started again and disturbs no other.

    What they count is shown by `metrics`, how they are by `board`. A `simulated` clock may begin anywhere,
    also before the time that an earlier run has kept.
    """
    async with asyncio.TaskGroup() as tasks:
        for config in configs:
            tasks.create_task(_supervise(config, clock, metrics, board, simulated=simulated))


async def _supervise(
    config: GatewayConfig,
    clock: Clock,
    metrics: LineCollector | None,
    board: StatusSnapshot | None,
    *,
    simulated: bool,
) -> None:
    pause_s = _FIRST_RESTART_S
    failure: str | None = None
    while True:
        began = time.monotonic()
        recovery = None if failure is None else _say_when_it_runs(config.gateway.id)
        try:
            await run_gateway(config, clock, metrics, board, simulated=simulated)
        except Exception as error:  # the one supervisor: whatever a gateway died of, its lamps need it back
            if time.monotonic() - began > _LONGEST_RESTART_S:
                pause_s, failure = _FIRST_RESTART_S, None
            if repr(error) != failure:
                failure = repr(error)
                log.exception("gateway failed and is started again and again", gateway=config.gateway.id)
        finally:
            if recovery is not None:
                recovery.cancel()
        raise_if_cancelled()
        await asyncio.sleep(random.uniform(0.5, 1.0) * pause_s)
        pause_s = min(2 * pause_s, _LONGEST_RESTART_S)


def _say_when_it_runs(gateway_id: str) -> asyncio.TimerHandle:
    """A gateway that has failed counts as running once it has run for a while."""
    report = partial(log.info, "gateway runs again", gateway=gateway_id)
    return asyncio.get_running_loop().call_later(_LONGEST_RESTART_S, report)


async def run_gateway(
    config: GatewayConfig,
    clock: Clock,
    metrics: LineCollector | None = None,
    board: StatusSnapshot | None = None,
    *,
    steady: Clock | None = None,
    make_line: MakeLine = open_line,
    simulated: bool = False,
) -> None:
    """Run one gateway until cancelled; `steady` is a clock that nobody sets."""
    keeper = Timekeeper(clock, steady or steady_clock(clock), config.clock.synchronized_file)
    outbox = Outbox(config.outbox.path, _new_epoch, _limit(config))
    memory = StateStore(config.outbox.state_path)
    try:
        await memory.open()
        parts = build(config, keeper, outbox, memory, await memory.overrides(), make_line=make_line)
        keeper.start(None if simulated else memory.last_known, memory.last_seen)
        await parts.plan.start()
        parts.news.started(config.gateway.default_level)
        boots = await memory.boot_counters()
        for device in parts.devices:
            device.boot_counter = boots.get(device.id)
        counters = {(config.gateway.id, each.line.name): each.line.counters for each in parts.lines}
        with ExitStack() as shown:
            if metrics is not None:
                shown.enter_context(metrics.registered(counters, {config.gateway.id: outbox}))
            if board is not None:
                shown.enter_context(board.registered(config, parts))
            await _run_parts(config.gateway.id, parts)
    finally:
        await outbox.close()
        await memory.close()


def _new_epoch() -> int:
    """Another than any outbox of this gateway ever had, though each start may show the same wrong time."""
    now_ms, earliest_ms = time.time_ns() // 1_000_000, to_unix_ms(EARLIEST)
    return now_ms if now_ms >= earliest_ms else earliest_ms + random.randrange(86_400_000)


def _limit(config: GatewayConfig) -> Limit:
    return Limit(int(config.outbox.max_megabytes * 1_000_000), config.outbox.max_records)


async def _run_parts(gateway_id: str, parts: GatewayComponents) -> None:
    async with asyncio.TaskGroup() as tasks:
        on_corrected = partial(_times_are_right, parts)
        tasks.create_task(
            parts.outbox.run(
                partial(_durable, parts), on_corrected, partial(_outbox_damaged, gateway_id, parts)
            )
        )
        tasks.create_task(parts.memory.run())
        for each in parts.lines:
            tasks.create_task(each.line.run())
            tasks.create_task(each.dimmer.run())
            tasks.create_task(each.fallback.run())
            tasks.create_task(each.poller.run())
            for contactor in each.contactors:
                tasks.create_task(contactor.run())
        tasks.create_task(parts.photocells.run(partial(_wake, parts)))
        tasks.create_task(parts.commander.run())
        tasks.create_task(parts.uplink.run())
        tasks.create_task(parts.keeper.run())
        tasks.create_task(keep_time(parts.keeper, parts.memory))
        tasks.create_task(parts.plan.run())
        await _keep_boot_counters(parts)


def build(
    config: GatewayConfig,
    keeper: Timekeeper,
    outbox: Outbox,
    memory: StateStore,
    overrides: Mapping[str, Override],
    *,
    make_line: MakeLine = open_line,
) -> GatewayComponents:
    """The parts of a gateway, wired and not yet running."""
    gateway = config.gateway

    def record(record: Record) -> None:
        outbox.append(record, timed=keeper.is_known)

    photocells = Photocells(keeper, record)
    levels = _levels(gateway, overrides, keeper, photocells)
    lines = tuple(
        _build_line(
            line,
            gateway_id=gateway.id,
            interval=timedelta(seconds=gateway.poll_interval_s),
            levels=levels,
            keeper=keeper,
            photocells=photocells,
            record=record,
            make_line=make_line,
            fallback=_fallback_of(config),
        )
        for line in config.lines
    )
    executor = CommandExecutor(_commanded(lines), levels, memory, keeper, record)
    devices = [device for each in lines for device in each.devices]
    plan = PlanFollower(gateway.id, memory, levels)
    uplink = Uplink(
        config,
        outbox=outbox,
        memory=memory,
        commander=executor,
        plan=plan,
        answering=partial(_answering, devices),
        clock=keeper,
        on_time=keeper.told,
    )
    news = ClockEventReporter(gateway.id, keeper, outbox)
    parts = GatewayComponents(outbox, memory, lines, executor, uplink, levels, plan, keeper, news, photocells)
    plan.add_observer(partial(_wake, parts), uplink.tell_plan)
    on_doubt = partial(news.doubted, uplink.ask_time)
    keeper.add_observer(partial(_time_is_known, parts), partial(_wake, parts), on_doubt)
    return parts


def _levels(
    gateway: IdentityConfig,
    overrides: Mapping[str, Override],
    keeper: Timekeeper,
    photocells: Photocells,
) -> Levels:
    """The levels of a gateway's lamps, by plan, and by photocell while the time is not known."""
    return Levels(
        DEFAULT_PLAN,
        Place(gateway.latitude, gateway.longitude, ZoneInfo(gateway.time_zone)),
        gateway.default_level,
        overrides,
        time_is_known=lambda: keeper.is_known,
        is_dark=photocells.is_dark,
    )


def _commanded(lines: Sequence[LineComponents]) -> dict[str, tuple[Device, Actuator]]:
    """What takes commands, and what carries them out."""
    hands: dict[str, tuple[Device, Actuator]] = {}
    for each in lines:
        hands |= {device.id: (device, each.dimmer) for device in each.devices if device.dimmable}
        hands |= {contactor.device.id: (contactor.device, contactor) for contactor in each.contactors}
    return hands


def _build_line(
    config: LineConfig,
    *,
    gateway_id: str,
    interval: timedelta,
    levels: Levels,
    keeper: Timekeeper,
    photocells: Photocells,
    record: Callable[[Record], None],
    make_line: MakeLine,
    fallback: ControllerWatchdogSettings,
) -> LineComponents:
    settings = LineSettings(
        config.port, config.baud, config.parity, config.stop_bits, config.response_timeout_s
    )
    line = make_line(settings)
    devices = tuple(configured(each) for each in config.devices)
    reader = Reader(line, keeper, record)
    teller = LevelWriter(line, reader, [device for device in devices if device.dimmable])
    dimmer = Dimmer(teller, levels, devices, keeper, record)
    reader.add_observer(dimmer.observe)
    own_light = ControllerWatchdog(line, devices, fallback)
    reader.add_observer(own_light.observe)
    pairs = tuple(zip(config.devices, devices, strict=True))
    photocells.watch(reader, (device for each, device in pairs if each.photocell))
    contactors = contactors_of(pairs, line, reader, levels=levels, keeper=keeper, record=record)

    def on_port(why: str | None) -> None:
        if why is not None:
            _forget(devices)
        kind, info = EventType.COMMUNICATION_FAILURE, why or config.port
        record(DeviceEvent(gateway_id, kind, keeper.now(), why is not None, info))

    # A cadence goes by a clock that nobody sets.
    poller = Poller(reader, keeper.steady, interval, devices, on_port)
    return LineComponents(line, poller, dimmer, own_light, contactors, devices)


def _fallback_of(config: GatewayConfig) -> ControllerWatchdogSettings:
    """A controller that is polled seldom must not take that for the gateway's death."""
    timeout_s, level = config.controller_watchdog.timeout_s, config.controller_watchdog.level
    if timeout_s:
        timeout_s = min(max(timeout_s, 3 * ceil(config.gateway.poll_interval_s)), LONGEST_TIMEOUT_S)
    return ControllerWatchdogSettings(timeout_s, config.gateway.default_level if level is None else level)


def _durable(parts: GatewayComponents, records: Sequence[StoredRecord]) -> None:
    parts.uplink.offer(records)
    parts.commander.answered(each.record for each in records if isinstance(each.record, CommandResult))


def _time_is_known(parts: GatewayComponents, shift: timedelta) -> None:
    parts.outbox.correct_times(shift)
    _wake(parts)


def _times_are_right(parts: GatewayComponents) -> None:
    """Records of a time without a clock, of this start or one before, can be sent: that time is over."""
    parts.uplink.look_again()
    parts.news.are_right()


def _outbox_damaged(gateway_id: str, parts: GatewayComponents, info: str) -> None:
    """It is told by the outbox itself, with what it still holds and takes."""
    event = DeviceEvent(gateway_id, EventType.DEVICE_RESET, parts.keeper.now(), True, info)
    parts.outbox.append(event, timed=parts.keeper.is_known)


def _wake(parts: GatewayComponents) -> None:
    parts.commander.wake()
    for each in parts.lines:
        each.dimmer.wake()
        for contactor in each.contactors:
            contactor.wake()


def _forget(devices: Sequence[Device]) -> None:
    """Nothing is known of devices behind a port that is gone, and nothing is their fault."""
    for device in devices:
        device.answering = None
        device.invalidate_written()


def _answering(devices: Sequence[Device]) -> dict[str, DeviceReading]:
    return {
        device.id: device.last_reading
        for device in devices
        if device.answering and device.last_reading is not None
    }


async def _keep_boot_counters(parts: GatewayComponents) -> None:
    kept = {device.id: device.boot_counter for device in parts.devices}
    while True:
        await asyncio.sleep(_KEEP_BOOTS_EVERY_S)
        changed = {
            device.id: device.boot_counter
            for device in parts.devices
            if device.boot_counter is not None and device.boot_counter != kept[device.id]
        }
        if changed:
            await parts.memory.save_boot_counters(changed)
            kept.update(changed)
