"""Runs gateways: each in one task group, restarted when it fails; many may share a process."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import structlog
from structlog.contextvars import bound_contextvars

from edge.clock.events import save_time
from edge.clock.timekeeper import EARLIEST, Timekeeper, steady_clock
from edge.components import GatewayComponents
from edge.config.settings import GatewayConfig
from edge.line import open_line
from edge.outbox import Limit, Outbox
from edge.status.line_metrics import LineCollector
from edge.status.snapshot import StatusSnapshot
from edge.storage.state import StateStore
from edge.wiring import MakeLine, build
from protocols.clock import Clock, to_unix_ms
from runtime.cancellation import raise_if_cancelled

log = structlog.get_logger(__name__)

_SAVE_BOOT_COUNTERS_EVERY_S = 30.0
_FIRST_RESTART_S = 1.0
_LONGEST_RESTART_S = 60.0


async def run_gateways(
    configs: Sequence[GatewayConfig],
    clock: Clock,
    metrics: LineCollector | None = None,
    snapshot: StatusSnapshot | None = None,
    *,
    simulated: bool = False,
) -> None:
    """Run gateways until cancelled; one that fails is restarted and does not affect the others.

    Their counters appear in `metrics`, their status in `snapshot`. A `simulated` clock may begin anywhere,
    also before the last time known in an earlier run.
    """
    async with asyncio.TaskGroup() as tasks:
        for config in configs:
            tasks.create_task(_supervise(config, clock, metrics, snapshot, simulated=simulated))


async def _supervise(
    config: GatewayConfig,
    clock: Clock,
    metrics: LineCollector | None,
    snapshot: StatusSnapshot | None,
    *,
    simulated: bool,
) -> None:
    pause_s = _FIRST_RESTART_S
    failure: str | None = None
    # Every line logged by the gateway's components carries its id.
    with bound_contextvars(gateway=config.gateway.id):
        while True:
            started = time.monotonic()
            recovery: asyncio.TimerHandle | None = None
            if failure is not None:
                # It has recovered once it has run for longer than the longest pause between restarts.
                recovery = asyncio.get_running_loop().call_later(
                    _LONGEST_RESTART_S, partial(log.info, "gateway_recovered", gateway=config.gateway.id)
                )
            try:
                await run_gateway(config, clock, metrics, snapshot, simulated=simulated)
            except Exception as error:  # whatever ended the gateway, its lamps need it again
                if time.monotonic() - started > _LONGEST_RESTART_S:
                    pause_s, failure = _FIRST_RESTART_S, None
                if repr(error) != failure:
                    failure = repr(error)
                    log.exception("gateway_failed", gateway=config.gateway.id, error=failure)
            finally:
                if recovery is not None:
                    recovery.cancel()
            raise_if_cancelled()
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause_s)
            pause_s = min(2 * pause_s, _LONGEST_RESTART_S)


async def run_gateway(
    config: GatewayConfig,
    clock: Clock,
    metrics: LineCollector | None = None,
    snapshot: StatusSnapshot | None = None,
    *,
    steady: Clock | None = None,
    make_line: MakeLine = open_line,
    simulated: bool = False,
) -> None:
    """Run one gateway until cancelled; any failure ends it and is raised.

    `steady` is a clock that is never set, by default the one that belongs to `clock`.
    """
    timekeeper = Timekeeper(clock, steady or steady_clock(clock), config.clock.synchronized_file)
    limit = Limit(int(config.outbox.max_megabytes * 1_000_000), config.outbox.max_records)
    outbox = Outbox(config.outbox.path, _new_epoch, limit)
    state = StateStore(config.outbox.state_path)
    try:
        await state.open()
        components = build(config, timekeeper, outbox, state, await state.overrides(), make_line=make_line)
        timekeeper.start(None if simulated else state.last_known, state.last_seen)
        await components.plan.start()
        components.clock_events.report_start(config.gateway.default_level)
        boot_counters = await state.boot_counters()
        for each in components.lines:
            each.reader.restore_boot_counters(boot_counters)
        counters = {(config.gateway.id, each.line.name): each.line.counters for each in components.lines}
        with ExitStack() as registrations:
            if metrics is not None:
                registrations.enter_context(metrics.registered(counters, {config.gateway.id: outbox}))
            if snapshot is not None:
                registrations.enter_context(snapshot.registered(config, components))
            await _run_components(components, boot_counters)
    finally:
        await outbox.close()
        await state.close()


async def _run_components(components: GatewayComponents, boot_counters: Mapping[str, int]) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(components.outbox.run(components.delivery))
        tasks.create_task(components.state.run())
        for each in components.lines:
            tasks.create_task(each.line.run())
            tasks.create_task(each.dimmer.run())
            tasks.create_task(each.controller_watchdog.run())
            tasks.create_task(each.poller.run())
            for contactor in each.contactors:
                tasks.create_task(contactor.run())
        tasks.create_task(components.photocells.run(components.level_updates.wake))
        tasks.create_task(components.executor.run())
        tasks.create_task(components.uplink.run())
        tasks.create_task(components.timekeeper.run())
        tasks.create_task(save_time(components.timekeeper, components.state))
        tasks.create_task(components.plan.run())
        await _save_boot_counters(components, boot_counters)


async def _save_boot_counters(components: GatewayComponents, saved: Mapping[str, int]) -> None:
    """Save changed boot counters until cancelled, so that a restart of a controller meanwhile is noticed."""
    while True:
        await asyncio.sleep(_SAVE_BOOT_COUNTERS_EVERY_S)
        present = {
            device.id: presence.boot_counter
            for each in components.lines
            for device, presence in each.presences()
            if presence.boot_counter is not None
        }
        changed = {device_id: count for device_id, count in present.items() if saved.get(device_id) != count}
        if changed:
            await components.state.save_boot_counters(changed)
            saved = {**saved, **changed}


def _new_epoch() -> int:
    """Return an epoch that no outbox of this gateway has had before."""
    # Where the clock is not set each start may show the same wrong time, hence the random part.
    now_ms, earliest_ms = time.time_ns() // 1_000_000, to_unix_ms(EARLIEST)
    return now_ms if now_ms >= earliest_ms else earliest_ms + random.randrange(86_400_000)
