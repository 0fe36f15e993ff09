"""Commands to lamps, from the request to the result."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import anyio.to_thread
import structlog

from cloud.commands.model import Command
from cloud.commands.store import CommandStore
from cloud.commands.views import CommandView, command_view
from cloud.http.problems import not_found
from cloud.inventory.store import InventoryStore, LampAddress
from cloud.mqtt import BrokerUnreachableError
from protocols.clock import Clock
from protocols.lamp import LightCommand

log = structlog.get_logger(__name__)

DEADLINE_WALL_S = 30.0  # our choice: longer than a gateway takes to reconnect; most confirm within a second


class Downlink(Protocol):
    """Carries commands to gateways; raises BrokerUnreachableError."""

    async def send(self, commands: Sequence[LightCommand], addresses: Mapping[str, LampAddress]) -> None:
        """Send each command to the gateway of its lamp."""
        ...


@dataclass(frozen=True, slots=True)
class OverrideRequest:
    """A level for lamps; without duration it holds until ended, a level of None ends the override."""

    lamp_ids: Sequence[str]
    level_percent: int | None
    duration: timedelta | None
    note: str


class CommandService:
    """Stores commands, sends them and reports their results."""

    def __init__(
        self, store: CommandStore, inventory: InventoryStore, clock: Clock, downlink: Downlink
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._clock = clock
        self._downlink = downlink

    async def command(self, override: OverrideRequest, requested_by: str) -> CommandView:
        """Store a command and send it; 404 when a lamp is unknown, then nothing is stored or sent."""
        command, addresses = await anyio.to_thread.run_sync(self._store_command, override, requested_by)
        try:
            await self._downlink.send([_for_lamp(command, lamp_id) for lamp_id in addresses], addresses)
        except BrokerUnreachableError as error:
            log.warning("command_not_sent", command=command.id, error=str(error))
            await anyio.to_thread.run_sync(
                self._store.fail_pending, command.id, f"not sent: {error}", command.created
            )
        return await anyio.to_thread.run_sync(self.view, command.id)

    def view(self, command_id: str) -> CommandView:
        """Return a command with its results so far; 404 when there is none."""
        found = self._store.command(command_id)
        if found is None:
            raise not_found("command", "commandId", command_id)
        return command_view(*found, now=self._clock.now())

    def _store_command(
        self, override: OverrideRequest, requested_by: str
    ) -> tuple[Command, dict[str, LampAddress]]:
        addresses = self._inventory.addresses(override.lamp_ids)
        unknown = [lamp_id for lamp_id in override.lamp_ids if lamp_id not in addresses]
        if unknown:
            raise not_found("lamp", "lampIds", *unknown)
        now = self._clock.now()
        # The gateway judges the deadline by domain time, which may run faster than the network does.
        deadline = now + timedelta(seconds=DEADLINE_WALL_S * max(1.0, self._clock.speed))
        # A command that ends an override has no end of its own.
        duration = None if override.level_percent is None else override.duration
        command = Command(
            id=str(uuid.uuid4()),
            level_percent=override.level_percent,
            created=now,
            deadline=deadline,
            expiration=None if duration is None else now + duration,
            requested_by=requested_by,
            note=override.note,
        )
        self._store.add(command, sorted(addresses))
        return command, addresses


def _for_lamp(command: Command, lamp_id: str) -> LightCommand:
    return LightCommand(
        command_id=command.id,
        device_id=lamp_id,
        level_percent=command.level_percent,
        start=command.created,
        deadline=command.deadline,
        expiration=command.expiration,
    )
