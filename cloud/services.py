"""What routes work with: made once for a process, by `cloud.app`."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import sqlalchemy as sa
import structlog
from fastapi import Depends, Request

from cloud.access.service import AccessService
from cloud.alarms.service import AlarmService
from cloud.commands.service import CommandService
from cloud.config import LIVE_TOPIC, CloudConfig
from cloud.fleet.night import NightService
from cloud.fleet.service import InventoryService
from cloud.inventory.store import InventoryStore
from cloud.live.feed import BrokerUnreachableError, LiveFeed
from cloud.live.model import LiveUpdate
from cloud.plans.service import PlanService
from cloud.telemetry.store import TelemetryStore
from protocols.clock import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases of every concern, and what they stand on."""

    config: CloudConfig
    clock: Clock
    engine: sa.Engine
    telemetry: TelemetryStore
    feed: LiveFeed
    access: AccessService
    inventory_store: InventoryStore
    inventory: InventoryService
    control: CommandService
    night: NightService
    planning: PlanService
    alarms: AlarmService

    async def announce(self, update: LiveUpdate) -> None:
        """Tell every open map what this process changed; a map that misses it sees it at its next look."""
        try:
            await self.feed.publish(LIVE_TOPIC, msgspec.json.encode(update))
        except BrokerUnreachableError as error:
            log.warning("live update not sent", error=str(error))

    def close(self) -> None:
        """Let go of connections."""
        self.telemetry.close()
        self.engine.dispose()


def services_of(request: Request) -> Services:
    """The services of the application that got `request`."""
    services = request.app.state.services
    if not isinstance(services, Services):
        raise TypeError(f"app.state.services is {type(services).__name__}, expected Services")
    return services


ServicesOf = Annotated[Services, Depends(services_of)]
