"""Events as gateways report them: the table, each stored once, and the conditions that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.alarms.model import ReportedEvent
from cloud.database import Base, insert_new, table_of
from protocols.clock import to_unix_ms
from protocols.events import TRAITS, EventType, Severity

_MAX_IN_LIST = 500  # longer lists meet the databases' limits


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


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a device that its newest event of a type reports."""

    gateway_id: str
    device_id: str
    type: EventType
    active: bool
    time_ms: int
    info: str


def record_events(
    connection: sa.Connection, reported: Sequence[ReportedEvent], latest_ms: int
) -> list[Condition]:
    """Store events and return the conditions they leave; an event stored before has no effect again.

    Backlog arrives late and out of order, so the newest event by its own time is what counts; one later than
    `latest_ms` does not, its clock is wrong.
    """
    new = _unstored(connection, reported)
    insert_new(connection, _EVENTS, [_row(one) for one in new])
    lasting = {
        (one.event.device_id, one.event.type): one.gateway_id
        for one in new
        if TRAITS[one.event.type].severity is not Severity.INFO
    }
    newest = (
        _newest(connection, gateway_id, device_id, kind, latest_ms)
        for (device_id, kind), gateway_id in lasting.items()
    )
    return [condition for condition in newest if condition is not None]


def _unstored(connection: sa.Connection, reported: Sequence[ReportedEvent]) -> list[ReportedEvent]:
    stored: set[tuple[str, int, int]] = set()
    for start in range(0, len(reported), _MAX_IN_LIST):
        chunk = [(one.gateway_id, one.epoch, one.position) for one in reported[start : start + _MAX_IN_LIST]]
        key = sa.tuple_(_EVENTS.c.gateway_id, _EVENTS.c.epoch, _EVENTS.c.position)
        query = sa.select(_EVENTS.c.gateway_id, _EVENTS.c.epoch, _EVENTS.c.position).where(key.in_(chunk))
        stored |= {(row[0], row[1], row[2]) for row in connection.execute(query)}
    return [one for one in reported if (one.gateway_id, one.epoch, one.position) not in stored]


def _newest(
    connection: sa.Connection, gateway_id: str, device_id: str, kind: EventType, latest_ms: int
) -> Condition | None:
    query = (
        sa.select(_EVENTS.c.active, _EVENTS.c.time_ms, _EVENTS.c.info)
        .where(
            _EVENTS.c.device_id == device_id,
            _EVENTS.c.type == kind.value,
            _EVENTS.c.time_ms <= latest_ms,
        )
        .order_by(_EVENTS.c.time_ms.desc(), _EVENTS.c.epoch.desc(), _EVENTS.c.position.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Condition(gateway_id, device_id, kind, row.active, row.time_ms, row.info)


def _row(one: ReportedEvent) -> dict[str, object]:
    return {
        "gateway_id": one.gateway_id,
        "epoch": one.epoch,
        "position": one.position,
        "device_id": one.event.device_id,
        "type": one.event.type.value,
        "time_ms": to_unix_ms(one.event.time),
        "active": one.event.active,
        "info": one.event.info,
    }


_EVENTS = table_of(EventRow)
