"""Alarms and events in the relational store: the tables, and what changes them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.alarms.model import Transition
from cloud.alarms.views import AlarmView
from cloud.database import Base, table_of
from protocols.clock import from_unix_ms
from protocols.events import TRAITS, EventType


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
    """An event that a gateway reported, keyed by its outbox position: a repeat changes nothing."""

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


def store_transitions(connection: sa.Connection, transitions: Sequence[Transition]) -> list[AlarmView]:
    """Store transitions in order; return the alarms that changed. What holds already stays as it is."""
    changed: dict[int, AlarmView] = {}
    for transition in transitions:
        device = transition.device
        open_id = connection.scalar(
            sa.select(_ALARMS.c.id).where(
                _ALARMS.c.device_id == device.id,
                _ALARMS.c.type == transition.type.value,
                _ALARMS.c.cleared_ms.is_(None),
            )
        )
        if transition.raised is (open_id is not None):
            continue
        if open_id is None:
            row = {
                "device_id": device.id,
                "lamp_id": device.lamp_id,
                "gateway_id": device.gateway_id,
                "area_id": device.area_id,
                "type": transition.type.value,
                "severity": TRAITS[transition.type].severity.value,
                "raised_ms": transition.time_ms,
                "info": transition.info,
            }
            raised = sa.insert(_ALARMS).values(row).returning(_ALARMS.c.id)
            open_id = connection.execute(raised).scalar_one()
        else:
            cleared = sa.update(_ALARMS).where(_ALARMS.c.id == open_id)
            connection.execute(cleared.values(cleared_ms=transition.time_ms))
        stored = connection.execute(sa.select(_ALARMS).where(_ALARMS.c.id == open_id)).one()
        changed[open_id] = alarm_view(stored)
    return list(changed.values())


def end_alarms(connection: sa.Connection, device_ids: Sequence[str], now_ms: int | None, reason: str) -> None:
    """End the open alarms of these devices, at `now_ms` or where they began; add `reason` to their info."""
    if not device_ids:
        return
    is_open = sa.and_(_ALARMS.c.device_id == sa.bindparam("device"), _ALARMS.c.cleared_ms.is_(None))
    ended = sa.update(_ALARMS).where(is_open)
    ended = ended.values(
        cleared_ms=_ALARMS.c.raised_ms if now_ms is None else now_ms,
        info=sa.case((_ALARMS.c.info == "", reason), else_=_ALARMS.c.info + "; " + reason),
    )
    connection.execute(ended, [{"device": device_id} for device_id in device_ids])


def alarm_view(row: sa.Row[*tuple[Any, ...]]) -> AlarmView:
    """Return a row of the alarms table as the API shows it."""
    return AlarmView(
        id=row.id,
        lamp_id=row.lamp_id,
        gateway_id=row.gateway_id,
        area_id=row.area_id,
        type=row.type,
        severity=row.severity,
        raised_at=from_unix_ms(row.raised_ms),
        cleared_at=None if row.cleared_ms is None else from_unix_ms(row.cleared_ms),
        acknowledged_at=None if row.acknowledged_ms is None else from_unix_ms(row.acknowledged_ms),
        acknowledged_by=row.acknowledged_by,
        info=row.info,
    )


_ALARMS = table_of(AlarmRow)
