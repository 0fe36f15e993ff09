"""The newest state of every lamp and gateway in the relational store."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.database import Base


class LampStateRow(Base):
    """The newest reading of a lamp; columns are the fields of LampReading."""

    __tablename__ = "lamp_states"
    __table_args__ = (sa.Index("ix_lamp_states_gateway_id", "gateway_id"),)

    lamp_id: Mapped[str] = mapped_column(primary_key=True)
    gateway_id: Mapped[str]
    online: Mapped[bool]
    time_ms: Mapped[int] = mapped_column(sa.BigInteger)
    target_level_percent: Mapped[int | None]
    feedback_level_percent: Mapped[int | None]
    reason: Mapped[str | None]
    actual_level_percent: Mapped[float | None]
    supply_voltage_v: Mapped[float | None]
    supply_current_a: Mapped[float | None]
    active_power_w: Mapped[float | None]
    power_factor: Mapped[float | None]
    temperature_c: Mapped[float | None]
    active_energy_kwh: Mapped[float | None]
    operating_hours_h: Mapped[float | None]
    switch_on_counter: Mapped[int | None] = mapped_column(sa.BigInteger)
    lamp_failure: Mapped[bool | None]
    control_gear_failure: Mapped[bool | None]


class GatewayStateRow(Base):
    """Whether a gateway is within reach; `epoch` is that of its outbox, None until it was born once."""

    __tablename__ = "gateway_states"

    gateway_id: Mapped[str] = mapped_column(primary_key=True)
    area_id: Mapped[str]
    online: Mapped[bool]
    since_ms: Mapped[int] = mapped_column(sa.BigInteger)
    epoch: Mapped[int | None] = mapped_column(sa.BigInteger)


class RejectedReadingRow(Base):
    """A reading the telemetry store will never take, kept so that it is not lost when acknowledged."""

    __tablename__ = "rejected_readings"

    lamp_id: Mapped[str] = mapped_column(primary_key=True)
    time_ms: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    why: Mapped[str]
    reading: Mapped[str]
