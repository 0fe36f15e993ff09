"""Reading the alarms and acknowledging them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from cloud.alarms.store import AlarmRow
from cloud.alarms.views import AlarmPage, AlarmView
from cloud.database import table_of, writing
from protocols.clock import from_unix_ms
from protocols.events import EventType

_ALARMS = table_of(AlarmRow)


class AlarmState(StrEnum):
    """Which alarms are meant."""

    ACTIVE = "active"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Which alarms are meant; None means any."""

    state: AlarmState = AlarmState.ACTIVE
    area_id: str | None = None
    type: EventType | None = None
    lamp_id: str | None = None


class AlarmService:
    """The alarms as people work with them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def page(self, wanted: AlarmFilter, limit: int, before: int | None) -> AlarmPage:
        """Up to `limit` alarms, newest first, from the first older than the one with id `before`."""
        query = _select(wanted).order_by(_ALARMS.c.id.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(_ALARMS.c.id < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        items = [alarm_view(row) for row in rows[:limit]]
        return AlarmPage(items=items, next_cursor=str(items[-1].id) if len(rows) > limit else None)

    def acknowledge(self, alarm_id: int, by: str, now_ms: int) -> AlarmView | None:
        """Note who has seen an alarm, and when; the first to do so stays. None where there is no alarm."""
        one = _ALARMS.c.id == alarm_id
        unseen = sa.update(_ALARMS).where(one, _ALARMS.c.acknowledged_ms.is_(None))
        with writing(self._engine) as connection:
            connection.execute(unseen.values(acknowledged_ms=now_ms, acknowledged_by=by))
            row = connection.execute(sa.select(_ALARMS).where(one)).one_or_none()
        return None if row is None else alarm_view(row)


def alarm_view(row: sa.Row[*tuple[Any, ...]]) -> AlarmView:
    """A row of the alarms table as people see it."""
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


def _select(wanted: AlarmFilter) -> sa.Select[*tuple[Any, ...]]:
    query = sa.select(_ALARMS)
    if wanted.state is AlarmState.ACTIVE:
        query = query.where(_ALARMS.c.cleared_ms.is_(None))
    for column, value in (
        (_ALARMS.c.area_id, wanted.area_id),
        (_ALARMS.c.type, wanted.type),
        (_ALARMS.c.lamp_id, wanted.lamp_id),
    ):
        if value is not None:
            query = query.where(column == str(value))
    return query
