"""Alarms in the relational store: the table, what reads it and what changes it."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.alarms.model import AlarmFilter, AlarmState, Transition
from cloud.alarms.views import AlarmPage, AlarmView
from cloud.database import Base, table_of, writing
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


class AlarmStore:
    """Lists alarms and acknowledges them; the ingester changes them by the functions below."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def page(self, wanted: AlarmFilter, limit: int, before: int | None) -> AlarmPage:
        """Return up to `limit` alarms, newest first, from the first older than the one with id `before`."""
        query = sa.select(_ALARMS).order_by(_ALARMS.c.id.desc()).limit(limit + 1)
        if wanted.state is AlarmState.ACTIVE:
            query = query.where(_ALARMS.c.cleared_ms.is_(None))
        for column, value in (
            (_ALARMS.c.area_id, wanted.area_id),
            (_ALARMS.c.type, wanted.type),
            (_ALARMS.c.lamp_id, wanted.lamp_id),
        ):
            if value is not None:
                query = query.where(column == str(value))
        if before is not None:
            query = query.where(_ALARMS.c.id < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        items = [alarm_view(row) for row in rows[:limit]]
        return AlarmPage(items=items, next_cursor=str(items[-1].id) if len(rows) > limit else None)

    def acknowledge(self, alarm_id: int, by: str, now_ms: int) -> AlarmView | None:
        """Store who acknowledged an alarm first, and when; return the alarm, None for an unknown id."""
        one = _ALARMS.c.id == alarm_id
        unseen = sa.update(_ALARMS).where(one, _ALARMS.c.acknowledged_ms.is_(None))
        with writing(self._engine) as connection:
            connection.execute(unseen.values(acknowledged_ms=now_ms, acknowledged_by=by))
            row = connection.execute(sa.select(_ALARMS).where(one)).one_or_none()
        return None if row is None else alarm_view(row)


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
