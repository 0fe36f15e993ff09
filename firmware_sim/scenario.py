"""A night with faults: planned from a seed, and injected at their times."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from firmware_sim.faults import FaultType
from firmware_sim.world import World
from protocols.clock import wall_seconds_until

log = structlog.get_logger(__name__)

NIGHT = timedelta(hours=12)
_SHARES = {
    FaultType.LAMP_OUT: 30,
    FaultType.SILENT: 20,
    FaultType.RELAY_STUCK_ON: 12,
    FaultType.CYCLING: 10,
    FaultType.DRIVER_FAILURE: 10,
    FaultType.DIMMING_IGNORED: 8,
    FaultType.SUPPLY_LOSS: 5,
    FaultType.REBOOT: 5,
}
"""Share of each fault in percent. Our choice: light sources and communication fail most often."""


@dataclass(frozen=True, slots=True)
class ScheduledFault:
    """A fault and when it begins; it lasts until it is ended through the API."""

    at: datetime
    lamp_id: str
    type: FaultType


def plan_night(lamp_ids: Sequence[str], start: datetime, seed: int, per_1000: float) -> list[ScheduledFault]:
    """Return the faults of the twelve hours from `start`, in order, the same for the same arguments."""
    rng = random.Random(f"{seed}:night")
    count = min(len(lamp_ids), round(len(lamp_ids) * per_1000 / 1000))
    types = rng.choices(list(_SHARES), weights=list(_SHARES.values()), k=count)
    faults = [
        ScheduledFault(start + NIGHT * rng.random(), lamp_id, fault_type)
        for lamp_id, fault_type in zip(rng.sample(sorted(lamp_ids), count), types, strict=True)
    ]
    return sorted(faults, key=lambda fault: (fault.at, fault.lamp_id))


async def play(night: Sequence[ScheduledFault], world: World) -> None:
    """Inject each fault at its time."""
    for fault in night:
        await asyncio.sleep(wall_seconds_until(world.clock, fault.at))
        world.inject(fault.lamp_id, fault.type)
        log.info("fault_injected", device=fault.lamp_id, fault=fault.type.value)
