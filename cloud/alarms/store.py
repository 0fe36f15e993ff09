"""Alarms and events in the relational store."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.database import Base, table_of
from protocols.events import EventType


class AlarmRow(Base):
    """A condition from its start to its end; at most one is open per device and type."""

    __tablename__ = "alarms"
    __table_args__ = (
        sa.Index(
            "uq_alarms_open", "device_id", "type", unique=True,
            sqlite_where=sa.text("cleared_ms IS NULL"), postgresql_where=sa.text("cleared_ms IS NULL"),
        ),
        sa.Index("ix_alarms_area_id_id", "area_id", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    device_id: Mapped[str]
    lamp_id: Mapped[str | None]
    gateway_id: Mapped[str]
    area_id: Mapped[str]
    type: Mapped[str]
    severity: Mapped[str]
    raised_ms: Mapped[int] = mapped_column(sa.BigInteger)
    cleared_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    acknowledged_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    acknowledged_by: Mapped[str | None]
    info: Mapped[str]


class EventRow(Base):
    """What a gateway reported, keyed by its place in that gateway's outbox: a repeat changes nothing."""

    __tablename__ = "events"
    __table_args__ = (sa.Index("ix_events_device_id_type_time_ms", "device_id", "type", "time_ms"),)

    gateway_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    device_id: Mapped[str]
    type: Mapped[str]
    time_ms: Mapped[int] = mapped_column(sa.BigInteger)
    active: Mapped[bool]
    info: Mapped[str]


def open_alarms(
    connection: sa.Connection, device_ids: Sequence[str] | None = None
) -> dict[str, tuple[EventType, ...]]:
    """Return the types of open alarms by device, sorted; of these devices, or of all."""
    query = sa.select(AlarmRow.device_id, AlarmRow.type).where(AlarmRow.cleared_ms.is_(None))
    if device_ids is not None:
        query = query.where(AlarmRow.device_id.in_(device_ids))
    found: dict[str, tuple[EventType, ...]] = {}
    for device_id, kind in connection.execute(query.order_by(AlarmRow.type)):
        found[device_id] = (*found.get(device_id, ()), EventType(kind))
    return found


def end_alarms(connection: sa.Connection, device_ids: Sequence[str], now_ms: int | None, reason: str) -> None:
    """End the open alarms of these devices, at `now_ms` or where they began; add `reason` to their info."""
    if not device_ids:
        return
    alarms = table_of(AlarmRow)
    is_open = sa.and_(alarms.c.device_id == sa.bindparam("device"), alarms.c.cleared_ms.is_(None))
    ended = sa.update(alarms).where(is_open)
    ended = ended.values(
        cleared_ms=alarms.c.raised_ms if now_ms is None else now_ms,
        info=sa.case((alarms.c.info == "", reason), else_=alarms.c.info + "; " + reason),
    )
    connection.execute(ended, [{"device": device_id} for device_id in device_ids])
