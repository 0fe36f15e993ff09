"""How a gateway and its cabinets stand now: the inventory joined with readings and alarms."""

from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa

from cloud.alarms.store import AlarmRow
from cloud.database import table_of
from cloud.ingest.cabinets import CabinetState, CabinetStateRow, state_of
from cloud.ingest.store import GatewayStateRow
from cloud.inventory.model import CabinetView, GatewayDetail, attribute_values
from cloud.inventory.store import InventoryStore, LampRow
from protocols.clock import from_unix_ms
from protocols.inventory.model import Cabinet

_CABINETS, _GATEWAYS = table_of(CabinetStateRow), table_of(GatewayStateRow)


class GatewayStates:
    """How gateways stand, as the stores have it now."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def one(self, gateway_id: str) -> GatewayDetail | None:
        """The gateway of that id."""
        store = InventoryStore(self._engine)
        gateway = store.gateway(gateway_id)
        if gateway is None:
            return None
        cabinets = store.cabinets(gateway_id)
        with self._engine.connect() as connection:
            state = connection.execute(
                sa.select(_GATEWAYS).where(_GATEWAYS.c.gateway_id == gateway_id)
            ).one_or_none()
            lamps = sa.select(sa.func.count()).select_from(LampRow).where(LampRow.gateway_id == gateway_id)
            alarms = _alarms(connection, [gateway_id, *(cabinet.id for cabinet in cabinets)])
            states = _states(connection, [cabinet.id for cabinet in cabinets])
            count = connection.scalar(lamps) or 0
        return GatewayDetail(
            id=gateway.id,
            area_id=gateway.area_id,
            latitude=gateway.latitude,
            longitude=gateway.longitude,
            time_zone=gateway.time_zone,
            online=state is not None and state.online,
            since=None if state is None else from_unix_ms(state.since_ms),
            lamps=count,
            alarms=alarms.get(gateway_id, ()),
            cabinets=[_view(each, states.get(each.id), alarms.get(each.id, ())) for each in cabinets],
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


def _alarms(connection: sa.Connection, device_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    query = sa.select(AlarmRow.device_id, AlarmRow.type).where(
        AlarmRow.cleared_ms.is_(None), AlarmRow.device_id.in_(list(device_ids))
    )
    found: dict[str, list[str]] = defaultdict(list)
    for device_id, kind in connection.execute(query.order_by(AlarmRow.type)):
        found[device_id].append(kind)
    return {device_id: tuple(kinds) for device_id, kinds in found.items()}
