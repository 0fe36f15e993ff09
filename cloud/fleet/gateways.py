"""How a gateway and its cabinets stand now: the inventory joined with readings and alarms."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from cloud.alarms.store import open_alarms
from cloud.database import table_of
from cloud.fleet.views import CabinetView, GatewayDetail, GatewayPage, GatewaySummary, attribute_values
from cloud.inventory.store import GatewayRow, InventoryStore, LampRow
from cloud.plans.active import PlanInForce
from cloud.plans.resolved import WantedDocument
from cloud.state.cabinets import CabinetStateRow, state_of
from cloud.state.model import CabinetState
from cloud.state.store import GatewayStateRow
from protocols.clock import from_unix_ms
from protocols.inventory.model import Cabinet

_CABINETS, _GATEWAYS = table_of(CabinetStateRow), table_of(GatewayStateRow)
_STATED = [_GATEWAYS.c[name] for name in ("online", "since_ms", "plan_hash", "plan_problem")]


class GatewayStates:
    """How gateways stand, as the stores have it now."""

    def __init__(self, engine: sa.Engine, plan: PlanInForce) -> None:
        self._engine = engine
        self._plan = plan

    def one(self, gateway_id: str) -> GatewayDetail | None:
        """The gateway of that id."""
        page = self._summaries(GatewayRow.id == gateway_id, 1)
        gateway = InventoryStore(self._engine).gateway(gateway_id)
        if gateway is None or not page:
            return None
        cabinets = InventoryStore(self._engine).cabinets(gateway_id)
        with self._engine.connect() as connection:
            alarms = open_alarms(connection, [gateway_id, *(cabinet.id for cabinet in cabinets)])
            states = _states(connection, [cabinet.id for cabinet in cabinets])
        return GatewayDetail(
            **msgspec.structs.asdict(page[0]),
            time_zone=gateway.time_zone,
            alarms=alarms.get(gateway_id, ()),
            cabinets=[_view(each, states.get(each.id), alarms.get(each.id, ())) for each in cabinets],
        )

    def page(self, area_id: str | None, limit: int, after: str | None) -> GatewayPage:
        """Up to `limit` gateways by id, of one area or of all, from the first after `after`."""
        wanted = [GatewayRow.id > (after or "")]
        if area_id is not None:
            wanted.append(GatewayRow.area_id == area_id)
        found = self._summaries(sa.and_(*wanted), limit + 1)
        return GatewayPage(
            items=found[:limit], next_cursor=found[limit - 1].id if len(found) > limit else None
        )

    def _summaries(self, wanted: sa.ColumnElement[bool], limit: int) -> list[GatewaySummary]:
        town = self._plan.current()
        lamps = sa.select(LampRow.gateway_id, sa.func.count().label("lamps")).group_by(LampRow.gateway_id)
        counted = lamps.subquery()
        query = (
            sa.select(table_of(GatewayRow), *_STATED, sa.func.coalesce(counted.c.lamps, 0).label("lamps"))
            .join(_GATEWAYS, _GATEWAYS.c.gateway_id == GatewayRow.id, isouter=True)
            .join(counted, counted.c.gateway_id == GatewayRow.id, isouter=True)
            .where(wanted)
            .order_by(GatewayRow.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [_summary(row, town.gateway_plan(row.id)) for row in rows if row.id in town.gateways]


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


def _view(cabinet: Cabinet, state: CabinetState | None, alarms: tuple[str, ...]) -> CabinetView:
    return CabinetView(
        id=cabinet.id,
        line=cabinet.line,
        unit=cabinet.unit,
        profile=cabinet.profile,
        online=state is not None and state.online,
        observed_at=None if state is None else state.reading.time,
        alarms=alarms,
        values=attribute_values(None if state is None else state.reading),
    )


def _states(connection: sa.Connection, cabinet_ids: Iterable[str]) -> dict[str, CabinetState]:
    query = sa.select(_CABINETS).where(_CABINETS.c.cabinet_id.in_(list(cabinet_ids)))
    return {
        row.cabinet_id: state_of(row.reading, row.gateway_id, row.online) for row in connection.execute(query)
    }
