"""The newest state of every cabinet in the relational store."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.database import Base, table_of, upsert
from cloud.state.model import CabinetState
from protocols.cabinet import CabinetReading
from protocols.clock import to_unix_ms


class CabinetStateRow(Base):
    """The newest reading of a cabinet; `reading` is the JSON of a CabinetReading."""

    __tablename__ = "cabinet_states"
    __table_args__ = (sa.Index("ix_cabinet_states_gateway_id", "gateway_id"),)

    cabinet_id: Mapped[str] = mapped_column(primary_key=True)
    gateway_id: Mapped[str]
    online: Mapped[bool]
    time_ms: Mapped[int] = mapped_column(sa.BigInteger)
    reading: Mapped[str]


def load_cabinet_states(
    connection: sa.Connection, cabinet_ids: Sequence[str] | None = None
) -> dict[str, CabinetState]:
    """Return the states of the cabinets that were ever read, by id; of these, or of all."""
    query = sa.select(_CABINETS)
    if cabinet_ids is not None:
        query = query.where(_CABINETS.c.cabinet_id.in_(cabinet_ids))
    states: dict[str, CabinetState] = {}
    for row in connection.execute(query):
        reading = msgspec.json.decode(row.reading, type=CabinetReading)
        states[row.cabinet_id] = CabinetState(reading, row.gateway_id, row.online)
    return states


def save_cabinet_states(connection: sa.Connection, states: Sequence[CabinetState]) -> None:
    """Replace the states of these cabinets."""
    rows = [
        {
            "cabinet_id": state.reading.device_id,
            "gateway_id": state.gateway_id,
            "online": state.online,
            "time_ms": to_unix_ms(state.reading.time),
            "reading": msgspec.json.encode(state.reading).decode(),
        }
        for state in states
    ]
    upsert(connection, _CABINETS, rows)


_CABINETS = table_of(CabinetStateRow)
