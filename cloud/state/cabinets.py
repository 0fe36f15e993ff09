"""The newest state of every cabinet in the relational store, and what a batch does to it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.database import Base, table_of, upsert
from cloud.ingest.batch import Batch
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


def load_cabinet_states(connection: sa.Connection) -> dict[str, CabinetState]:
    """The state of every cabinet that was ever read."""
    rows = connection.execute(sa.select(_CABINETS)).mappings()
    return {row["cabinet_id"]: state_of(row["reading"], row["gateway_id"], row["online"]) for row in rows}


def state_of(reading: str, gateway_id: str, online: bool) -> CabinetState:
    """The state as its row has it."""
    return CabinetState(msgspec.json.decode(reading, type=CabinetReading), gateway_id, online)


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


def cabinets_after(batch: Batch, known: Mapping[str, CabinetState]) -> dict[str, CabinetState]:
    """The cabinets whose state the batch changes, as it leaves them."""
    turned = {node[1] for node in (*batch.nodes, *batch.lost)}
    changed = {
        cabinet_id: replace(state, online=False)
        for cabinet_id, state in known.items()
        if state.online and state.gateway_id in turned
    }
    for reading in batch.cabinets:
        state = changed.get(reading.device_id) or known.get(reading.device_id)
        if state is None or reading.time > state.reading.time:
            online = state.online if state else True
            gateway_id = batch.sources[reading.device_id][1]
            changed[reading.device_id] = CabinetState(reading, gateway_id, online)
    for device_id, seen in batch.devices.items():
        state = changed.get(device_id) or known.get(device_id)
        if state is not None and (state.online != seen.online or state.gateway_id != seen.node[1]):
            changed[device_id] = CabinetState(state.reading, seen.node[1], seen.online)
    return changed


_CABINETS = table_of(CabinetStateRow)
