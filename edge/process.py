"""One gateway process: its gateways, the status page, and the keep-alives for systemd."""

import asyncio
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from edge.config.settings import GatewayConfig, StatusConfig
from edge.gateway import run_gateways
from edge.status import GatewayCollector, StatusPages, StatusSnapshot, serve_status
from edge.status.line_metrics import LineCollector
from edge.supervision.systemd import SystemdNotifier
from protocols.clock import Clock


async def run_process(
    configs: Sequence[GatewayConfig],
    clock: Clock,
    environment: Mapping[str, str],
    *,
    simulated: bool = False,
) -> None:
    """Run until cancelled; a `simulated` clock may begin anywhere, also before an earlier run."""
    snapshot = StatusSnapshot(clock)
    counters = LineCollector()
    registry = CollectorRegistry()
    for collector in (counters, GatewayCollector(snapshot)):
        registry.register(collector)
    ProcessCollector(registry=registry)
    address = next((each.status for each in configs if each.status is not None), StatusConfig())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_gateways(configs, clock, counters, snapshot, simulated=simulated))
        tasks.create_task(serve_status(StatusPages(snapshot, registry), address))
        tasks.create_task(SystemdNotifier(environment, snapshot.progress).run())
