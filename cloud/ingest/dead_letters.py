"""Records put aside: what can't be stored as what it claims to be is kept here, so nothing is lost."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.alarms.model import ReportedEvent
from cloud.database import Base, insert_new, table_of
from cloud.ingest.batch import Batch, WholeRecord
from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading

_LISTS = ("readings", "cabinets", "events", "results")


class RejectedRecordRow(Base):
    """One record, as JSON, with the reason; `digest` is of its content, so a repeat stays one."""

    __tablename__ = "rejected_records"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    received_ms: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    kind: Mapped[str]
    gateway_id: Mapped[str]
    device_id: Mapped[str]
    why: Mapped[str]
    record: Mapped[str]


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that is kept aside, from whom it came, and why."""

    kind: str
    gateway_id: str
    device_id: str
    why: str
    record: str


def rejected(record: WholeRecord, gateway_id: str, why: str) -> RejectedRecord:
    """The record with the reason for keeping it aside."""
    text = msgspec.json.encode(record).decode()
    kind, device_id = _named(record)
    return RejectedRecord(kind, gateway_id, device_id, why.replace("\0", ""), text)


def save_rejected_records(
    connection: sa.Connection, records: Iterable[RejectedRecord], received_ms: int
) -> None:
    """Keep records aside; one that is kept already stays as it is."""
    rows = [
        {
            "digest": hashlib.sha256(f"{one.gateway_id}\n{one.kind}\n{one.record}".encode()).hexdigest(),
            "received_ms": received_ms,
            "kind": one.kind,
            "gateway_id": one.gateway_id,
            "device_id": one.device_id.replace("\0", ""),
            "why": one.why,
            "record": one.record,
        }
        for one in records
    ]
    insert_new(connection, table_of(RejectedRecordRow), rows)


def whole_records(batch: Batch, why: str) -> list[RejectedRecord]:
    """Every record of a batch, to be kept aside."""
    sources = batch.sources
    return [
        *(rejected(one, sources[one.device_id][1], why) for one in batch.readings),
        *(rejected(one, sources[one.device_id][1], why) for one in batch.cabinets),
        *(rejected(one, one.gateway_id, why) for one in batch.events),
        *(rejected(one, "", why) for one in batch.results),
    ]


def halves(batch: Batch) -> tuple[Batch, Batch] | None:
    """The batch in two, to be committed one after the other; None where it cannot be divided."""
    atoms = list(_atoms(batch))
    if len(atoms) < 2:
        return None
    middle = len(atoms) // 2
    return _gathered(batch, atoms[:middle]), _gathered(batch, atoms[middle:])


def _atoms(batch: Batch) -> Iterator[tuple[str, object]]:
    """Records by their time, then who came and went, as a whole batch is taken."""
    for name in _LISTS:
        records = getattr(batch, name)
        timed = name in ("readings", "cabinets")
        yield from ((name, one) for one in (sorted(records, key=_time) if timed else records))
    yield from (("nodes", one) for one in batch.nodes.items())
    yield from (("plans", one) for one in batch.plans.items())
    yield from (("devices", one) for one in batch.devices.items())
    yield from (("lost", one) for one in batch.lost)
    yield from (("foreign", one) for one in batch.foreign)


def _gathered(batch: Batch, atoms: Iterable[tuple[str, object]]) -> Batch:
    part = Batch(positions=batch.positions, sources=batch.sources)
    for name, one in atoms:
        held = getattr(part, name)
        if isinstance(held, dict):
            held.update([cast("tuple[Any, Any]", one)])
        else:
            held.append(one)
    return part


def _time(reading: LampReading | CabinetReading) -> float:
    return reading.time.timestamp()


def _named(record: WholeRecord) -> tuple[str, str]:
    if isinstance(record, LampReading):
        return "reading", record.device_id
    if isinstance(record, CabinetReading):
        return "cabinet", record.device_id
    if isinstance(record, ReportedEvent):
        return "event", record.event.device_id
    return "result", record.device_id
