"""One gateway process: its gateways, the status page for the crew, and the beat for systemd."""

import asyncio
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from edge.config.settings import GatewayConfig, StatusConfig
from edge.gateway import run_gateways
from edge.status import GatewayCollector, StatusPages, StatusSnapshot, serve_status
from edge.status.line_metrics import LineCollector
from edge.supervision.systemd import Watchdog
from protocols.clock import Clock


async def run_process(
    configs: Sequence[GatewayConfig],
    clock: Clock,
    environment: Mapping[str, str],
    *,
    simulated: bool = False,
) -> None:
    """Run until cancelled; a `simulated` clock may begin anywhere."""
    board = StatusSnapshot(clock)
    counters = LineCollector()
    registry = CollectorRegistry()
    for collector in (counters, GatewayCollector(board)):
        registry.register(collector)
    ProcessCollector(registry=registry)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_gateways(configs, clock, counters, board, simulated=simulated))
        tasks.create_task(serve_status(StatusPages(board, registry), _address(configs)))
        tasks.create_task(Watchdog(environment, board.pulses).run())


def _address(configs: Sequence[GatewayConfig]) -> StatusConfig:
    return next((each.status for each in configs if each.status is not None), StatusConfig())
