"""Third step of a commit: what a stored batch looks like to open maps. Pure; the live publisher sends it."""

from cloud.commands.views import override_view
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.model import Changes, KnownState, StoredBatch
from cloud.live.model import LiveUpdate
from cloud.state.views import LampView, gateway_view, lamp_view


def live_update(
    changes: Changes, stored: StoredBatch, known: KnownState, inventory: InventoryCache
) -> LiveUpdate:
    """Return the update for the live topic; `known` holds `changes` already.

    Lamps that are in no inventory have no place on a map and are left out.
    """
    lamps: list[LampView] = []
    for lamp_id, state in stored.lamps.items():
        lamp = inventory.lamps.get(lamp_id)
        if lamp is not None:
            override, alarms = override_view(stored.overrides.get(lamp_id)), known.alarms.active(lamp_id)
            lamps.append(
                lamp_view(lamp, state.reading, online=state.online, alarms=alarms, override=override)
            )
    return LiveUpdate(
        lamps=tuple(lamps),
        alarms=tuple(stored.alarms),
        commands=tuple(stored.commands),
        gateways=tuple(gateway_view(state) for state in changes.gateways.values()),
    )


def joined(first: LiveUpdate, second: LiveUpdate) -> LiveUpdate:
    """Return the updates of two halves of a batch as one."""
    return LiveUpdate(
        lamps=first.lamps + second.lamps,
        alarms=first.alarms + second.alarms,
        commands=first.commands + second.commands,
        gateways=first.gateways + second.gateways,
    )
