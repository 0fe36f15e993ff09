"""Gateways and cabinets with their present state: the inventory joined with states, plans and alarms."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from cloud.alarms.store import open_alarms
from cloud.database import table_of
from cloud.fleet.views import CabinetView, GatewayDetail, GatewayPage, GatewaySummary, attribute_values
from cloud.inventory.store import GatewayRow, InventoryStore, LampRow
from cloud.plans.active import PlanInForce
from cloud.plans.resolved import WantedDocument
from cloud.state.cabinets import load_cabinet_states
from cloud.state.model import CabinetState
from cloud.state.store import GatewayStateRow
from protocols.clock import from_unix_ms
from protocols.events import EventType
from protocols.inventory.model import Cabinet

_STATES = table_of(GatewayStateRow)
_STATE_COLUMNS = [_STATES.c[name] for name in ("online", "since_ms", "plan_hash", "plan_problem")]


class GatewayQueries:
    """Reads gateways with their present state."""

    def __init__(self, engine: sa.Engine, plan: PlanInForce) -> None:
        self._engine = engine
        self._inventory = InventoryStore(engine)
        self._plan = plan

    def one(self, gateway_id: str) -> GatewayDetail | None:
        """Return the gateway of that id."""
        found = self._summaries(GatewayRow.id == gateway_id, 1)
        gateway = self._inventory.gateway(gateway_id)
        if gateway is None or not found:
            return None
        cabinets = self._inventory.cabinets(gateway_id)
        cabinet_ids = [cabinet.id for cabinet in cabinets]
        with self._engine.connect() as connection:
            alarms = open_alarms(connection, [gateway_id, *cabinet_ids])
            states = load_cabinet_states(connection, cabinet_ids)
        return GatewayDetail(
            **msgspec.structs.asdict(found[0]),
            time_zone=gateway.time_zone,
            alarms=alarms.get(gateway_id, ()),
            cabinets=[_cabinet_view(each, states.get(each.id), alarms.get(each.id, ())) for each in cabinets],
        )

    def page(self, area_id: str | None, limit: int, after: str | None) -> GatewayPage:
        """Return up to `limit` gateways by id, of one area or of all, from the first after `after`."""
        wanted = [GatewayRow.id > (after or "")]
        if area_id is not None:
            wanted.append(GatewayRow.area_id == area_id)
        found = self._summaries(sa.and_(*wanted), limit + 1)
        next_cursor = found[limit - 1].id if len(found) > limit else None
        return GatewayPage(items=found[:limit], next_cursor=next_cursor)

    def _summaries(self, wanted: sa.ColumnElement[bool], limit: int) -> list[GatewaySummary]:
        plan = self._plan.current()
        lamps = sa.select(LampRow.gateway_id, sa.func.count().label("lamps")).group_by(LampRow.gateway_id)
        counted = lamps.subquery()
        query = (
            sa.select(
                table_of(GatewayRow), *_STATE_COLUMNS, sa.func.coalesce(counted.c.lamps, 0).label("lamps")
            )
            .join(_STATES, _STATES.c.gateway_id == GatewayRow.id, isouter=True)
            .join(counted, counted.c.gateway_id == GatewayRow.id, isouter=True)
            .where(wanted)
            .order_by(GatewayRow.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        # The plan may have been read before an import that added a gateway.
        return [_summary(row, plan.gateway_plan(row.id)) for row in rows if row.id in plan.gateways]


def _summary(row: sa.Row[*tuple[Any, ...]], wanted: WantedDocument) -> GatewaySummary:
    return GatewaySummary(
        id=row.id,
        area_id=row.area_id,
        latitude=row.latitude,
        longitude=row.longitude,
        online=bool(row.online),
        since=None if row.since_ms is None else from_unix_ms(row.since_ms),
        lamps=row.lamps,
        plan_hash=row.plan_hash,
        plan_wanted=wanted.hash,
        plan_in_force=wanted.is_in_force(row.plan_hash),
        plan_problem=row.plan_problem or "",
    )


def _cabinet_view(cabinet: Cabinet, state: CabinetState | None, alarms: Sequence[EventType]) -> CabinetView:
    reading = None if state is None else state.reading
    return CabinetView(
        id=cabinet.id,
        line=cabinet.line,
        unit=cabinet.unit,
        profile=cabinet.profile,
        online=state is not None and state.online,
        observed_at=None if reading is None else reading.time,
        alarms=tuple(alarms),
        values=attribute_values(reading),
    )
