"""Records that were carried here in a file: stored as though they had come over the air, and answered."""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from cloud.commands.downlink import merged
from cloud.ingest.batch import Batch, Collector, Outbox
from cloud.ingest.commit import Committer
from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading
from protocols.mapping import InvalidMetrics
from protocols.transfer.bundle import (
    Answer,
    BundleError,
    BundleKind,
    Header,
    PackedRecord,
    pack_answer,
    parse_key,
    read_header,
    sign_bundle,
    unpack_records,
    verify_bundle,
)
from protocols.transfer.records import Record, UnknownRecordError, decode_record

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Carried:
    """A parcel as it came, the folder with each gateway's key, and of when the answer will be."""

    content: bytes
    source: str
    keys: Path
    issued_ms: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a parcel: how many records it held, and the answer to carry back."""

    gateway: str
    records: int
    answer: bytes


def store_bundle(
    carried: Carried, committer: Committer, collector: Collector, *, plan_of: Callable[[str], bytes]
) -> Stored:
    """Store all records of a parcel; raises ParcelError where it cannot be taken whole, and stores nothing.

    Storing it again changes nothing. `committer` has resumed; `plan_of` gives the document of the plan that a
    gateway should run.
    """
    header = read_header(carried.content, carried.source)
    if header.kind is not BundleKind.RECORDS:
        raise BundleError(
            f"{carried.source}: a parcel of kind {header.kind.value}, expected {BundleKind.RECORDS.value}"
        )
    key = read_key(carried.keys, header.gateway)
    newest = _newest_reading(carried, key)
    outbox = Outbox((header.area, header.gateway), header.epoch)
    known = committer.newest_reading_by(header.gateway)
    positions = _store_records(carried, key, outbox, committer, collector)
    is_news = newest is None or known is None or newest >= known
    if header.plan is not None and is_news and not collector.is_impostor(outbox.node):
        committer.keep_carried_plan(outbox.node, *map(_storable, (header.plan.hash, header.plan.problem)))
    answer = Answer(merged(positions), plan_of(header.gateway), carried.issued_ms)
    reply = Header(BundleKind.ANSWER, header.area, header.gateway, header.epoch)
    return Stored(header.gateway, len(positions), b"".join(sign_bundle(reply, [pack_answer(answer)], key)))


def write_answer(file: Path, answer: bytes) -> None:
    """Write it whole or not at all; raises OSError."""
    partial = file.with_name(file.name + ".partial")
    try:
        with partial.open("wb") as written:
            written.write(answer)
            written.flush()
            os.fsync(written.fileno())
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)


def read_key(keys: Path, gateway_id: str) -> bytes:
    """The key of a gateway; raises ParcelError."""
    path = key_path(keys, gateway_id)
    try:
        return parse_key(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeError) as error:
        raise BundleError(f"{path}: {error}, expected the key of gateway {gateway_id!r}") from error


def create_key(keys: Path, gateway_id: str) -> Path:
    """Make a gateway's key; raises ParcelError where it has one."""
    path = key_path(keys, gateway_id)
    keys.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BundleError(f"{path}: exists, expected a gateway without a key") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path


def key_path(keys: Path, gateway_id: str) -> Path:
    """Where a gateway's key lies; raises ParcelError for an id that is no file name."""
    if not gateway_id or Path(gateway_id).name != gateway_id or "\0" in gateway_id:
        raise BundleError(f"gateway {gateway_id!r}, expected an id without / in it")
    return keys / f"{gateway_id}.key"


def _newest_reading(carried: Carried, key: bytes) -> datetime | None:
    """The time of the newest reading; raises ParcelError unless all of the parcel can be read."""
    newest: datetime | None = None
    for packed in _packed(carried.content, key, carried.source):
        record = _record(packed, carried.source)
        if isinstance(record, LampReading | CabinetReading) and (newest is None or record.time > newest):
            newest = record.time
    return newest


def _store_records(
    carried: Carried, key: bytes, outbox: Outbox, committer: Committer, collector: Collector
) -> list[int]:
    positions: list[int] = []
    for frame in verify_bundle(carried.content, key, carried.source):
        batch = Batch()
        for packed in unpack_records(frame, carried.source):
            try:
                collector.add_carried(batch, outbox, packed.position, _record(packed, carried.source))
            except InvalidMetrics as error:
                log.warning("record not understood", gateway=outbox.node[1], error=str(error))
        committer.commit(batch)
        positions += batch.positions[outbox]
    return positions


def _storable(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _packed(content: bytes, key: bytes, source: str) -> Iterator[PackedRecord]:
    for frame in verify_bundle(content, key, source):
        yield from unpack_records(frame, source)


def _record(packed: PackedRecord, source: str) -> Record:
    try:
        return decode_record(packed.kind, packed.body)
    except UnknownRecordError as error:
        raise BundleError(f"{source}: position {packed.position}: {error}") from error
