"""Dead letters: records that no table takes as what they claim to be, kept so that nothing is lost."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.alarms.model import ReportedEvent
from cloud.database import Base, insert_new, table_of
from cloud.ingest.batch import Batch, MalformedRecord, WholeRecord
from protocols.cabinet import CabinetReading
from protocols.lamp import CommandResult, LampReading


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
    """Make a dead letter of a record; `error` is why it was not stored."""
    match record:
        case ReportedEvent():
            kind, device_id = "event", record.event.device_id
        case LampReading():
            kind, device_id = "reading", record.device_id
        case CabinetReading():
            kind, device_id = "cabinet", record.device_id
        case CommandResult():
            kind, device_id = "result", record.device_id
    return DeadLetter(
        kind=kind,
        gateway_id=gateway_id,
        device_id=device_id.replace("\0", ""),  # PostgreSQL stores no NUL in text
        error=error.replace("\0", ""),
        record=msgspec.json.encode(record).decode(),
    )


def malformed_letter(record: MalformedRecord) -> DeadLetter:
    """Make a dead letter of a record that cannot be read."""
    return DeadLetter(
        kind="malformed",
        gateway_id=record.gateway_id,
        device_id=record.device_id.replace("\0", ""),
        error=record.error.replace("\0", ""),
        record=record.content,
    )


def dead_letters_of(batch: Batch, error: str) -> list[DeadLetter]:
    """Make a dead letter of every record of a batch."""
    sources = batch.sources
    return [
        *(dead_letter(one, sources[one.device_id][1], error) for one in batch.readings),
        *(dead_letter(one, sources[one.device_id][1], error) for one in batch.cabinets),
        *(dead_letter(one, one.gateway_id, error) for one in batch.events),
        *(dead_letter(one, "", error) for one in batch.results),
    ]


def save_dead_letters(connection: sa.Connection, letters: Iterable[DeadLetter], received_ms: int) -> None:
    """Store dead letters; one that is stored already stays as it is."""
    rows = [
        {
            "digest": hashlib.sha256(f"{one.gateway_id}\n{one.kind}\n{one.record}".encode()).hexdigest(),
            "received_ms": received_ms,
            **asdict(one),
        }
        for one in letters
    ]
    insert_new(connection, table_of(DeadLetterRow), rows)
