"""The newest state of every lamp and gateway in the relational store."""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.database import Base, insert_new, table_of, upsert
from cloud.state.cabinets import CabinetStateRow
from cloud.state.model import GatewayState, LampState
from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lamp import LampReading, Reason


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
    """Whether a gateway is within reach; `epoch` is that of its outbox, None until it was born once.

    `plan_hash` names the lighting plan it follows, `plan_problem` is why it refused another; None while it
    has not said.
    """

    __tablename__ = "gateway_states"

    gateway_id: Mapped[str] = mapped_column(primary_key=True)
    area_id: Mapped[str]
    online: Mapped[bool]
    since_ms: Mapped[int] = mapped_column(sa.BigInteger)
    epoch: Mapped[int | None] = mapped_column(sa.BigInteger)
    plan_hash: Mapped[str | None]
    plan_problem: Mapped[str | None]


def load_lamp_states(connection: sa.Connection) -> dict[str, LampState]:
    """Return the state of every lamp that was ever read, by id."""
    states: dict[str, LampState] = {}
    for row in connection.execute(sa.select(_LAMPS)).mappings():
        lamp_id = row["lamp_id"]
        reading = lamp_reading(lamp_id, row["time_ms"], [row[name] for name in _FIELDS])
        states[lamp_id] = LampState(reading, row["gateway_id"], row["online"])
    return states


def lamp_times_ms(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """Return id, gateway and time of the newest reading of every lamp that was ever read."""
    rows = connection.execute(sa.select(_LAMPS.c.lamp_id, _LAMPS.c.gateway_id, _LAMPS.c.time_ms))
    return [(row[0], row[1], row[2]) for row in rows]


def forget_future(connection: sa.Connection, latest_ms: int) -> None:
    """Delete the states of lamps and cabinets later than `latest_ms`: no reading could replace them."""
    for table in (_LAMPS, table_of(CabinetStateRow)):
        connection.execute(sa.delete(table).where(table.c.time_ms > latest_ms))


def delete_states(connection: sa.Connection, device_ids: Sequence[str]) -> None:
    """Delete the states of these lamps, cabinets and gateways."""
    if not device_ids:
        return
    parameters = [{"device": device_id} for device_id in device_ids]
    for key in (_LAMPS.c.lamp_id, table_of(CabinetStateRow).c.cabinet_id, _GATEWAYS.c.gateway_id):
        connection.execute(sa.delete(key.table).where(key == sa.bindparam("device")), parameters)


def load_gateway_states(connection: sa.Connection) -> dict[str, GatewayState]:
    """Return the state of every gateway that was ever born, by id."""
    rows = connection.execute(sa.select(_GATEWAYS)).mappings()
    return {row["gateway_id"]: GatewayState(**row) for row in rows}


def save_lamp_states(connection: sa.Connection, states: Sequence[LampState]) -> None:
    """Replace the states of these lamps."""
    rows = [
        {
            "lamp_id": state.reading.device_id,
            "gateway_id": state.gateway_id,
            "online": state.online,
            "time_ms": to_unix_ms(state.reading.time),
            **dict(zip(_FIELDS, _VALUES(state.reading), strict=True)),
        }
        for state in states
    ]
    upsert(connection, _LAMPS, rows)


def save_gateway_states(connection: sa.Connection, states: Sequence[GatewayState]) -> None:
    """Replace the states of these gateways."""
    names = [field.name for field in fields(GatewayState)]
    upsert(connection, _GATEWAYS, [{name: getattr(state, name) for name in names} for state in states])


def save_carried_plan(connection: sa.Connection, state: GatewayState) -> None:
    """Store which plan an offline gateway follows; the rest of `state` only where the gateway has none.

    An online gateway reports its plan itself, and its row belongs to the ingester.
    """
    names = [field.name for field in fields(GatewayState)]
    insert_new(connection, _GATEWAYS, [{name: getattr(state, name) for name in names}])
    known = (_GATEWAYS.c.gateway_id == state.gateway_id) & ~_GATEWAYS.c.online
    plan = {"plan_hash": state.plan_hash, "plan_problem": state.plan_problem}
    connection.execute(sa.update(_GATEWAYS).where(known).values(plan))


_LAMPS, _GATEWAYS = table_of(LampStateRow), table_of(GatewayStateRow)
_FIELDS = tuple(field.name for field in fields(LampReading) if field.name not in ("device_id", "time"))
_VALUES = attrgetter(*_FIELDS)
_REASON = _FIELDS.index("reason")

READING_COLUMNS: Final = tuple(_LAMPS.c[name] for name in _FIELDS)
"""The columns that hold a lamp's reading, in the order that `lamp_reading` takes their values."""


def lamp_reading(lamp_id: str, time_ms: int, values: Sequence[Any]) -> LampReading:
    """Return the reading of a lamp from the values of `READING_COLUMNS`."""
    reason = values[_REASON]
    typed = [*values[:_REASON], None if reason is None else Reason(reason), *values[_REASON + 1 :]]
    return LampReading(lamp_id, from_unix_ms(time_ms), *typed)
