"""All lamps added up by area, and the rectangle they lie in."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from cloud.alarms.store import open_alarms
from cloud.database import table_of
from cloud.fleet.views import Bounds, Tally
from cloud.inventory.store import GatewayRow, InventoryStore, LampRow
from cloud.state.store import GatewayStateRow, LampStateRow
from protocols.clock import from_unix_ms
from protocols.inventory.model import Area, Gateway
from protocols.lamp import LampReading

_LAMPS, _STATES = table_of(LampRow), table_of(LampStateRow)
_LIFETIME_S = 1.0
_LIFETIME_PER_COUNT = 5  # our choice: counting a large inventory takes a fifth of one core at most


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """All lamps added up at one instant."""

    areas: list[Area]
    gateways: list[Gateway]
    gateways_online: int
    tallies: Mapping[str, Tally]
    bounds: Bounds | None


class SummaryCache:
    """Counts all lamps, at most once a second however many requests there are."""

    def __init__(self, engine: sa.Engine, wall: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._wall = wall
        self._counting = threading.Lock()
        self._newest: tuple[float, FleetCounts] | None = None

    def counts(self) -> FleetCounts:
        """Return the newest counts."""
        with self._counting:
            began_s = self._wall()
            if self._newest is not None and began_s < self._newest[0]:
                return self._newest[1]
            counts = self._count()
            took_s = self._wall() - began_s
            self._newest = (began_s + max(_LIFETIME_S, _LIFETIME_PER_COUNT * took_s), counts)
            return counts

    def _count(self) -> FleetCounts:
        inventory = InventoryStore(self._engine)
        gateway_states = table_of(GatewayStateRow)
        # Edge nodes that are not in the inventory have a state too.
        in_inventory = sa.exists().where(GatewayRow.id == gateway_states.c.gateway_id)
        online = sa.select(sa.func.count()).select_from(gateway_states)
        online = online.where(gateway_states.c.online, in_inventory)
        longitude, latitude = _LAMPS.c.longitude, _LAMPS.c.latitude
        corners = sa.select(
            sa.func.min(longitude), sa.func.min(latitude), sa.func.max(longitude), sa.func.max(latitude)
        )
        with self._engine.connect() as connection:
            west, south, east, north = connection.execute(corners).one()
            return FleetCounts(
                inventory.areas(),
                inventory.gateways(),
                gateways_online=connection.scalar(online) or 0,
                tallies=_tallies(connection),
                bounds=None if west is None else (west, south, east, north),
            )


def _tallies(connection: sa.Connection) -> dict[str, Tally]:
    query = sa.select(
        _LAMPS.c.id,
        _LAMPS.c.area_id,
        _LAMPS.c.rated_power_w,
        _STATES.c.online,
        _STATES.c.time_ms,
        _STATES.c.target_level_percent,
        _STATES.c.feedback_level_percent,
        _STATES.c.actual_level_percent,
        _STATES.c.active_power_w,
    ).join_from(_LAMPS, _STATES, _STATES.c.lamp_id == _LAMPS.c.id, isouter=True)
    alarms = open_alarms(connection)
    tallies: dict[str, Tally] = {}
    for lamp_id, area_id, rated_w, online, time_ms, target, feedback, actual, power_w in connection.execute(
        query
    ):
        reading = None
        if online and time_ms is not None:
            reading = LampReading(
                lamp_id,
                from_unix_ms(time_ms),
                target,
                feedback,
                actual_level_percent=actual,
                active_power_w=power_w,
            )
        tallies.setdefault(area_id, Tally()).add(reading, rated_w, alarms.get(lamp_id, ()))
    return tallies
