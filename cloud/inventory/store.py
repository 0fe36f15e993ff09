"""The tables of areas, roads, gateways, lamps and cabinets."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.database import Base, Row, table_of, upsert
from protocols.inventory.model import Area, Cabinet, Gateway, Inventory, Lamp, Road

IDENTIFIER = sa.String(64)
_MAX_IN_LIST = 500  # longer lists cost more to plan than reading the whole column


class AreaRow(Base):
    """A kecamatan, or what else the place is divided into."""

    __tablename__ = "areas"

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    latitude: Mapped[float] = mapped_column(sa.Double)
    longitude: Mapped[float] = mapped_column(sa.Double)


class RoadRow(Base):
    """A street; `points` is a JSON list of [longitude, latitude]."""

    __tablename__ = "roads"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    area_id: Mapped[str] = mapped_column(sa.ForeignKey("areas.id"), index=True)
    points: Mapped[str] = mapped_column(sa.Text)


class GatewayRow(Base):
    """One edge node."""

    __tablename__ = "gateways"

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True)
    area_id: Mapped[str] = mapped_column(sa.ForeignKey("areas.id"), index=True)
    latitude: Mapped[float] = mapped_column(sa.Double)
    longitude: Mapped[float] = mapped_column(sa.Double)
    time_zone: Mapped[str] = mapped_column(sa.String(64))


class LampRow(Base):
    """One luminaire with its controller."""

    __tablename__ = "lamps"

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True)
    area_id: Mapped[str] = mapped_column(sa.ForeignKey("areas.id"), index=True)
    gateway_id: Mapped[str] = mapped_column(sa.ForeignKey("gateways.id"), index=True)
    line: Mapped[int]
    unit: Mapped[int]
    latitude: Mapped[float] = mapped_column(sa.Double)
    longitude: Mapped[float] = mapped_column(sa.Double)
    road: Mapped[str] = mapped_column(sa.String(200))
    rated_power_w: Mapped[float] = mapped_column(sa.Double)
    profile: Mapped[str] = mapped_column(sa.String(64))


class CabinetRow(Base):
    """The meter and contacts of a feeding point."""

    __tablename__ = "cabinets"

    id: Mapped[str] = mapped_column(IDENTIFIER, primary_key=True)
    gateway_id: Mapped[str] = mapped_column(sa.ForeignKey("gateways.id"), index=True)
    line: Mapped[int]
    unit: Mapped[int]
    contacts_unit: Mapped[int | None]
    profile: Mapped[str] = mapped_column(sa.String(64))
    contacts_profile: Mapped[str] = mapped_column(sa.String(64))


_Model = type[AreaRow] | type[GatewayRow] | type[LampRow] | type[CabinetRow]


@dataclass(frozen=True, slots=True)
class LampAddress:
    """How a lamp is reached: its gateway, and the gateway's area, which may not be the lamp's own."""

    lamp_id: str
    area_id: str
    gateway_id: str


class InventoryStore:
    """Reads the inventory."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def load(self) -> Inventory:
        """Return the whole inventory, each kind by id."""
        with self._engine.connect() as connection:
            return Inventory(
                areas=[Area(**row) for row in _rows(connection, AreaRow)],
                gateways=[Gateway(**row) for row in _rows(connection, GatewayRow)],
                lamps=[Lamp(**row) for row in _rows(connection, LampRow)],
                roads=_roads(connection),
                cabinets=[Cabinet(**row) for row in _rows(connection, CabinetRow)],
            )

    def areas(self) -> list[Area]:
        """Return every area, by name."""
        with self._engine.connect() as connection:
            areas = [Area(**row) for row in _rows(connection, AreaRow)]
        return sorted(areas, key=lambda area: area.name)

    def roads(self) -> list[Road]:
        """Return every road."""
        with self._engine.connect() as connection:
            return _roads(connection)

    def gateways(self) -> list[Gateway]:
        """Return every gateway, by id."""
        with self._engine.connect() as connection:
            return [Gateway(**row) for row in _rows(connection, GatewayRow)]

    def gateway(self, gateway_id: str) -> Gateway | None:
        """Return the gateway of that id."""
        query = sa.select(table_of(GatewayRow)).where(GatewayRow.id == gateway_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return Gateway(**row) if row else None

    def cabinets(self, gateway_id: str) -> list[Cabinet]:
        """Return the cabinets of a gateway, by id."""
        query = sa.select(table_of(CabinetRow)).where(CabinetRow.gateway_id == gateway_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(CabinetRow.id)).mappings()
            return [Cabinet(**row) for row in rows]

    def has_lamp(self, lamp_id: str) -> bool:
        """Return whether there is a lamp of that id."""
        query = sa.select(sa.exists().where(LampRow.id == lamp_id))
        with self._engine.connect() as connection:
            return bool(connection.scalar(query))

    def sample(self, size: int = 8) -> list[str]:
        """Return up to `size` lamps spread evenly over all, by id; the same ones each time."""
        with self._engine.connect() as connection:
            total = connection.scalar(sa.select(sa.func.count()).select_from(LampRow)) or 0
            step = max(1, total // size)
            query = sa.select(LampRow.id).order_by(LampRow.id).limit(1)
            offsets = range(step // 2, total, step)[:size]
            return [connection.scalars(query.offset(offset)).one() for offset in offsets]

    def addresses(self, lamp_ids: Sequence[str]) -> dict[str, LampAddress]:
        """Return the addresses of the lamps of `lamp_ids`; unknown ones are left out."""
        query = sa.select(LampRow.id, GatewayRow.area_id, LampRow.gateway_id).join(
            GatewayRow, GatewayRow.id == LampRow.gateway_id
        )
        wanted = set(lamp_ids)
        if len(wanted) <= _MAX_IN_LIST:
            query = query.where(LampRow.id.in_(wanted))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {row.id: LampAddress(row.id, row.area_id, row.gateway_id) for row in rows if row.id in wanted}


def replace_inventory(connection: sa.Connection, inventory: Inventory) -> list[str]:
    """Make the stored inventory this one, in the caller's transaction; return the ids of removed devices."""
    connection.execute(sa.delete(RoadRow))
    upsert(connection, table_of(AreaRow), [asdict(area) for area in inventory.areas])
    upsert(connection, table_of(GatewayRow), [asdict(gateway) for gateway in inventory.gateways])
    upsert(connection, table_of(LampRow), [asdict(lamp) for lamp in inventory.lamps])
    upsert(connection, table_of(CabinetRow), [asdict(cabinet) for cabinet in inventory.cabinets])
    # What refers to a row goes before that row.
    removed = [
        *_remove_others(connection, CabinetRow, {cabinet.id for cabinet in inventory.cabinets}),
        *_remove_others(connection, LampRow, {lamp.id for lamp in inventory.lamps}),
        *_remove_others(connection, GatewayRow, {gateway.id for gateway in inventory.gateways}),
    ]
    _remove_others(connection, AreaRow, {area.id for area in inventory.areas})
    if inventory.roads:
        rows = [
            {"name": one.name, "area_id": one.area_id, "points": msgspec.json.encode(one.points).decode()}
            for one in inventory.roads
        ]
        connection.execute(sa.insert(RoadRow), rows)
    return removed


def _rows(connection: sa.Connection, model: _Model) -> list[Row]:
    query = sa.select(table_of(model)).order_by(model.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def _roads(connection: sa.Connection) -> list[Road]:
    query = sa.select(RoadRow.name, RoadRow.area_id, RoadRow.points).order_by(RoadRow.id)
    return [
        Road(row.name, row.area_id, msgspec.json.decode(row.points, type=list[tuple[float, float]]))
        for row in connection.execute(query)
    ]


def _remove_others(connection: sa.Connection, model: _Model, kept: set[str]) -> list[str]:
    """Delete the rows whose id is not in `kept`; return their ids, which the caller's transaction needs."""
    # One parameter for each statement: a list of all ids can be longer than a database takes.
    removed = [known for known in connection.scalars(sa.select(model.id)) if known not in kept]
    if removed:
        one = table_of(model).c.id == sa.bindparam("removed")
        connection.execute(sa.delete(table_of(model)).where(one), [{"removed": known} for known in removed])
    return removed
