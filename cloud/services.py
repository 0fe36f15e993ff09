"""The services of a process: the use cases of every concern, and the stores below them."""

from dataclasses import dataclass

import sqlalchemy as sa

from cloud.access.service import AccessService
from cloud.alarms.store import AlarmStore
from cloud.commands.service import CommandService
from cloud.config import CloudConfig
from cloud.fleet.night import NightService
from cloud.fleet.service import FleetService
from cloud.inventory.store import InventoryStore
from cloud.live.feed import LiveFeed
from cloud.plans.service import PlanService
from cloud.telemetry.store import TelemetryStore
from protocols.clock import Clock


@dataclass(frozen=True, slots=True)
class Services:
    """Made once for a process by `cloud.wiring`; `cloud.app` passes each route what it needs."""

    config: CloudConfig
    clock: Clock
    engine: sa.Engine
    telemetry: TelemetryStore
    feed: LiveFeed
    access: AccessService
    inventory: InventoryStore
    fleet: FleetService
    commands: CommandService
    night: NightService
    plans: PlanService
    alarms: AlarmStore

    def close(self) -> None:
        """Close connections to the stores."""
        self.telemetry.close()
        self.engine.dispose()
