"""Dead letters: records that no table takes as what they claim to be, kept so that nothing is lost."""

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


class DeadLetterRow(Base):
    """One record, as JSON, with the reason; `digest` is of its content, so a repeat stays one row."""

    __tablename__ = "dead_letters"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    received_ms: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    kind: Mapped[str]
    gateway_id: Mapped[str]
    device_id: Mapped[str]
    error: Mapped[str]
    record: Mapped[str]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was not stored as what it is, who sent it, and the error."""

    kind: str
    gateway_id: str
    device_id: str
    error: str
    record: str


def dead_letter(record: WholeRecord, gateway_id: str, error: str) -> DeadLetter:
    """Make a dead letter of a record; `error` says why it was not stored."""
    text = msgspec.json.encode(record).decode()
    kind, device_id = _named(record)
    return DeadLetter(kind, gateway_id, device_id, error.replace("\0", ""), text)


def save_dead_letters(connection: sa.Connection, letters: Iterable[DeadLetter], received_ms: int) -> None:
    """Store dead letters; one that is stored already stays as it is."""
    rows = [
        {
            "digest": hashlib.sha256(f"{one.gateway_id}\n{one.kind}\n{one.record}".encode()).hexdigest(),
            "received_ms": received_ms,
            "kind": one.kind,
            "gateway_id": one.gateway_id,
            "device_id": one.device_id.replace("\0", ""),
            "error": one.error,
            "record": one.record,
        }
        for one in letters
    ]
    insert_new(connection, table_of(DeadLetterRow), rows)


def dead_letters_of(batch: Batch, error: str) -> list[DeadLetter]:
    """Make a dead letter of every record of a batch."""
    sources = batch.sources
    return [
        *(dead_letter(one, sources[one.device_id][1], error) for one in batch.readings),
        *(dead_letter(one, sources[one.device_id][1], error) for one in batch.cabinets),
        *(dead_letter(one, one.gateway_id, error) for one in batch.events),
        *(dead_letter(one, "", error) for one in batch.results),
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
