"""`lentera sim`: the simulator and the mobile network of each gateway."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from firmware_sim.api.server import run_simulator
from firmware_sim.config import SimulatorConfig
from firmware_sim.wire.network import GatewayNetwork, Network, serve_uplinks
from protocols.clock import Clock
from protocols.inventory.model import Inventory


async def run_simulation(
    inventory: Inventory,
    clock: Clock,
    *,
    run_dir: Path,
    port: int,
    baud: int,
    seed: int,
    faults_per_1000_lamps: float,
    uplink_ports: Mapping[str, int],
    broker_port: int,
) -> None:
    """Run until cancelled; `uplink_ports` are, by gateway, the loopback ports that lead to the broker."""
    uplinks = {gateway: GatewayNetwork(gateway, ("127.0.0.1", broker_port)) for gateway in uplink_ports}

    async def on_network(gateway_id: str, network: Network) -> None:
        if uplink := uplinks.get(gateway_id):
            uplink.set_network(network)

    config = SimulatorConfig(
        run_dir=run_dir, http_port=port, seed=seed, baud=baud, faults_per_1000_lamps=faults_per_1000_lamps
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_simulator(config, inventory, clock, on_network=on_network))
        tasks.create_task(
            serve_uplinks({uplink_ports[gateway]: uplink for gateway, uplink in uplinks.items()})
        )
