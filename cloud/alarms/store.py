"""Alarms and events in the relational store."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.database import Base


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
