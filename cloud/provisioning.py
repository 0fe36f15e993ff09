"""Replacing the stored inventory, with the states, alarms and plan revision that depend on its devices."""

from datetime import datetime

import sqlalchemy as sa

from cloud.alarms.store import end_alarms
from cloud.database import writing
from cloud.inventory.store import InventoryStore, replace_inventory
from cloud.plans.store import touch_plan
from cloud.state.store import delete_states
from protocols.clock import to_unix_ms
from protocols.inventory.model import Inventory, InventoryError
from runtime.time_zones import UnknownTimeZoneError, time_zone


def lamps_removed_by(engine: sa.Engine, inventory: Inventory) -> tuple[int, int]:
    """Return how many stored lamps an import of `inventory` would remove, and how many are stored."""
    stored = {lamp.id for lamp in InventoryStore(engine).load().lamps}
    return len(stored - {lamp.id for lamp in inventory.lamps}), len(stored)


def import_inventory(engine: sa.Engine, inventory: Inventory, now: datetime | None = None) -> None:
    """Replace the stored inventory by this one in a single transaction.

    Devices that are not in it lose their state, and their open alarms end at `now`, or where they began.

    Raises:
        InventoryError: there are no lamps, or a gateway's time zone is unknown; nothing has changed.
    """
    problems: list[str] = []
    for gateway in inventory.gateways:
        try:
            time_zone(gateway.time_zone)
        except UnknownTimeZoneError as error:
            problems.append(f"gateways: {gateway.id!r} has time zone {gateway.time_zone!r}, {error}")
    if not inventory.lamps:
        problems.append("lamps: none, expected at least one")
    if problems:
        raise InventoryError(problems)
    with writing(engine) as connection:
        # First: its row lock on PostgreSQL makes plan writers wait until the new lamps are stored.
        touch_plan(connection)
        removed = replace_inventory(connection, inventory)
        delete_states(connection, removed)
        ended_ms = None if now is None else to_unix_ms(now)
        end_alarms(connection, removed, ended_ms, "removed from the inventory")
