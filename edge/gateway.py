"""Builds the parts of a gateway and runs them in one task group; many gateways may share a process."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from edge.cancelled import raise_if_cancelled
from edge.commander import Commander
from edge.config import DeviceConfig, GatewayConfig, LineConfig
from edge.device import Device, device_of, part_of
from edge.dimmer import Dimmer
from edge.levels import Levels
from edge.line import Line, LineSettings, open_line
from edge.memory import Memory
from edge.metrics import LineCollector
from edge.outbox import Outbox
from edge.poller import Poller
from edge.profiles import load_profile, load_profile_at
from edge.reader import Reader
from edge.shelf import Limit
from edge.status.board import Board
from edge.teller import Teller
from edge.uplink import Uplink
from protocols.cabinet import DeviceReading
from protocols.clock import Clock
from protocols.events import DeviceEvent, EventType
from protocols.lighting.priority import Override
from protocols.lighting.program import ASTRO_DEFAULT, Place

log = structlog.get_logger(__name__)

_KEEP_BOOTS_EVERY_S = 10.0
_FIRST_RESTART_S = 1.0
_LONGEST_RESTART_S = 60.0


@dataclass(frozen=True, slots=True)
class LineParts:
    """What runs for one line."""

    line: Line
    poller: Poller
    dimmer: Dimmer
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

    @property
    def devices(self) -> list[Device]:
        """The devices of all lines."""
        return [device for parts in self.lines for device in parts.devices]


async def run_gateways(
    configs: Sequence[GatewayConfig],
    clock: Clock,
    metrics: LineCollector | None = None,
    board: Board | None = None,
) -> None:
    """Run many gateways until cancelled; one that fails is started again and disturbs no other.

    What they count is shown by `metrics`, how they are by `board`.
    """
    async with asyncio.TaskGroup() as tasks:
        for config in configs:
            tasks.create_task(_supervise(config, clock, metrics, board))


async def _supervise(
    config: GatewayConfig, clock: Clock, metrics: LineCollector | None, board: Board | None
) -> None:
    pause_s = _FIRST_RESTART_S
    while True:
        began = time.monotonic()
        try:
            await run_gateway(config, clock, metrics, board)
        except Exception:  # the one supervisor: whatever a gateway died of, its lamps need it back
            log.exception("gateway failed and is started again", gateway=config.gateway.id, pause_s=pause_s)
        raise_if_cancelled()
        if time.monotonic() - began > _LONGEST_RESTART_S:
            pause_s = _FIRST_RESTART_S
        await asyncio.sleep(random.uniform(0.5, 1.0) * pause_s)
        pause_s = min(2 * pause_s, _LONGEST_RESTART_S)


async def run_gateway(
    config: GatewayConfig,
    clock: Clock,
    metrics: LineCollector | None = None,
    board: Board | None = None,
) -> None:
    """Run one gateway until cancelled."""
    outbox = Outbox(config.outbox.path, lambda: time.time_ns() // 1_000_000, _limit(config))
    memory = Memory(config.outbox.memory_path)
    try:
        await memory.open()
        parts = build(config, clock, outbox, memory, await memory.overrides())
        boots = await memory.boot_counters()
        for device in parts.devices:
            device.boot_counter = boots.get(device.id)
        counters = {(config.gateway.id, each.line.name): each.line.counters for each in parts.lines}
        with ExitStack() as shown:
            if metrics is not None:
                shown.enter_context(metrics.watching(counters, {config.gateway.id: outbox}))
            if board is not None:
                shown.enter_context(board.watching(config, parts))
            await _run_parts(parts)
    finally:
        await outbox.close()
        await memory.close()


def _limit(config: GatewayConfig) -> Limit:
    return Limit(int(config.outbox.max_megabytes * 1_000_000), config.outbox.max_records)


async def _run_parts(parts: GatewayParts) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(parts.outbox.run(parts.uplink.offer, parts.uplink.look_again))
        tasks.create_task(parts.memory.run())
        for each in parts.lines:
            tasks.create_task(each.line.run())
            tasks.create_task(each.dimmer.run())
            tasks.create_task(each.poller.run())
        tasks.create_task(parts.commander.run())
        tasks.create_task(parts.uplink.run())
        await _keep_boot_counters(parts)


def build(
    config: GatewayConfig, clock: Clock, outbox: Outbox, memory: Memory, overrides: Mapping[str, Override]
) -> GatewayParts:
    """The parts of a gateway, wired and not yet running."""
    gateway = config.gateway
    place = Place(gateway.latitude, gateway.longitude, ZoneInfo(gateway.time_zone))
    levels = Levels(ASTRO_DEFAULT, place, gateway.default_level, overrides)
    interval = timedelta(seconds=gateway.poll_interval_s)
    lines = tuple(
        _build_line(
            line,
            gateway_id=gateway.id,
            interval=interval,
            levels=levels,
            clock=clock,
            outbox=outbox,
        )
        for line in config.lines
    )
    lamps = {device.id: (device, each.dimmer) for each in lines for device in each.devices if device.dimmable}
    commander = Commander(lamps, levels, memory, clock, outbox.append)
    devices = [device for each in lines for device in each.devices]
    uplink = Uplink(
        config,
        outbox=outbox,
        memory=memory,
        commander=commander,
        answering=partial(_answering, devices),
        clock=clock,
    )
    return GatewayParts(outbox, memory, lines, commander, uplink, levels)


def _build_line(
    config: LineConfig,
    *,
    gateway_id: str,
    interval: timedelta,
    levels: Levels,
    clock: Clock,
    outbox: Outbox,
) -> LineParts:
    settings = LineSettings(
        config.port, config.baud, config.parity, config.stop_bits, config.response_timeout_s
    )
    line = open_line(settings)
    devices = tuple(_device(each) for each in config.devices)
    reader = Reader(line, clock, outbox.append)
    teller = Teller(line, reader, [device for device in devices if device.dimmable])
    dimmer = Dimmer(teller, levels, devices, clock, outbox.append)
    reader.add_observer(dimmer.observe)

    def on_port(why: str | None) -> None:
        if why is not None:
            _forget(devices)
        outbox.append(
            DeviceEvent(
                gateway_id, EventType.COMMUNICATION_FAILURE, clock.now(), why is not None, why or config.port
            )
        )

    return LineParts(line, Poller(reader, clock, interval, devices, on_port), dimmer, devices)


def _device(config: DeviceConfig) -> Device:
    profile = load_profile_at(config.profile, config.bus, config.address)
    contacts = config.contacts
    parts = [] if contacts is None else [part_of(contacts.unit, load_profile(contacts.profile))]
    return device_of(config.id, config.unit, profile, *parts)


def _forget(devices: Sequence[Device]) -> None:
    """Nothing is known of devices behind a port that is gone, and nothing is their fault."""
    for device in devices:
        device.answering = None
        device.told_level_percent = None


def _answering(devices: Sequence[Device]) -> dict[str, DeviceReading]:
    return {
        device.id: device.last_reading
        for device in devices
        if device.answering and device.last_reading is not None
    }


async def _keep_boot_counters(parts: GatewayParts) -> None:
    kept = {device.id: device.boot_counter for device in parts.devices}
    while True:
        await asyncio.sleep(_KEEP_BOOTS_EVERY_S)
        changed = {
            device.id: device.boot_counter
            for device in parts.devices
            if device.boot_counter is not None and device.boot_counter != kept[device.id]
        }
        if changed:
            await parts.memory.keep_boot_counters(changed)
            kept.update(changed)
