"""The present state in the ingester's memory, and what a batch changes in it. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cloud.alarms.evaluator import AlarmChanges, AlarmEvaluator
from cloud.alarms.views import AlarmView
from cloud.commands.model import StoredOverride
from cloud.commands.views import CommandView
from cloud.state.model import CabinetState, GatewayState, LampState


@dataclass(frozen=True, slots=True)
class Changes:
    """What a batch does to what is known; nothing of it has happened until it is stored.

    `ahead` counts the readings of the future by the gateway that sent them, `heard` names all gateways that
    sent readings.
    """

    lamps: dict[str, LampState]
    cabinets: dict[str, CabinetState]
    gateways: dict[str, GatewayState]
    alarms: AlarmChanges
    ahead: Counter[str]
    heard: set[str]


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What the stores made of a batch: the alarms and commands it changed, the lamps that look different.

    `overrides` holds those in force on the lamps of `lamps` that report to follow one.
    """

    alarms: list[AlarmView]
    commands: list[CommandView]
    lamps: dict[str, LampState]
    overrides: dict[str, StoredOverride]


@dataclass(slots=True)
class KnownState:
    """The present state of every device as far as it is stored, held in memory by the one ingester."""

    lamps: dict[str, LampState] = field(default_factory=dict)
    cabinets: dict[str, CabinetState] = field(default_factory=dict)
    gateways: dict[str, GatewayState] = field(default_factory=dict)
    alarms: AlarmEvaluator = field(default_factory=AlarmEvaluator)

    def accept(self, changes: Changes) -> None:
        """Take over changes that have been stored."""
        self.lamps |= changes.lamps
        self.cabinets |= changes.cabinets
        self.gateways |= changes.gateways
        self.alarms.accept(changes.alarms)

    def forget(self, device_ids: Iterable[str]) -> None:
        """Drop devices that left the inventory."""
        for device_id in device_ids:
            for states in (self.lamps, self.cabinets, self.gateways):
                states.pop(device_id, None)
        self.alarms.forget(device_ids)

    def online_gateways(self) -> set[str]:
        """Return the ids of the gateways within reach."""
        return {gateway_id for gateway_id, state in self.gateways.items() if state.online}

    def newest_reading(self, gateway_id: str | None = None) -> datetime | None:
        """Return the time of the newest lamp reading, or of the newest of any device of a gateway."""
        if gateway_id is None:
            return max((state.reading.time for state in self.lamps.values()), default=None)
        states: tuple[LampState | CabinetState, ...] = (*self.lamps.values(), *self.cabinets.values())
        times = (state.reading.time for state in states if state.gateway_id == gateway_id)
        return max(times, default=None)
