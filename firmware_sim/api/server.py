"""Runs a simulator: its lines, its faults and its HTTP API, until it is cancelled."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from firmware_sim.api.routes import OnNetwork, create_app
from firmware_sim.config import SimulatorConfig
from firmware_sim.scenario import plan_night, play
from firmware_sim.wire.ports import pseudo_terminal, serve_tcp
from firmware_sim.wire.timing import WireTimer
from firmware_sim.world import World, build_world
from protocols.clock import Clock
from protocols.inventory.model import Inventory
from runtime.serve import serve

log = structlog.get_logger(__name__)


async def run_simulator(
    config: SimulatorConfig,
    inventory: Inventory,
    clock: Clock,
    *,
    on_ready: Callable[[str], None] | None = None,
    on_network: OnNetwork | None = None,
) -> None:
    """Simulate every lamp of `inventory` until cancelled.

    `on_ready` gets the API's base URL once lines and API work; `on_network` is awaited when the API cuts
    or restores a gateway's uplink.
    """
    timer = WireTimer(asyncio.get_running_loop())
    world = build_world(config, inventory, clock, timer)
    night = plan_night(list(world.lamps), clock.now(), config.seed, config.faults_per_1000_lamps)
    with contextlib.closing(timer), socket.create_server((config.http_host, config.http_port)) as listener:
        timer.start()
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            ports = await _open_lines(config, world, stack)
            app = create_app(world, ports, on_network)
            group.create_task(play(night, world))
            group.create_task(serve(app, listener, grace_s=1))
            url = f"http://{config.http_host}:{listener.getsockname()[1]}"
            log.info("simulator_ready", lamps=len(world.lamps), lines=len(world.lines), url=url)
            if on_ready is not None:
                on_ready(url)


async def _open_lines(config: SimulatorConfig, world: World, stack: AsyncExitStack) -> dict[str, int]:
    """Connect every line to its ports; return the TCP ports by line name."""
    # A large inventory needs more descriptors than a shell allows by default.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 256 + 4 * len(world.lines)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    ports: dict[str, int] = {}
    for number, line in enumerate(world.lines):
        stack.enter_context(pseudo_terminal(line, config.run_dir / "lines" / line.name))
        if config.tcp_first_port is not None:
            port = config.tcp_first_port + number if config.tcp_first_port else 0
            served = serve_tcp(line, config.tcp_host, port, config.tcp_framing)
            ports[line.name] = await stack.enter_async_context(served)
    return ports
