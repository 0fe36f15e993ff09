"""Records that were carried here in a file: stored as though they had come over the air, and answered."""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from cloud.downlink.service import merged
from cloud.ingest.batch import Batch, Collector, Outbox
from cloud.ingest.commit import Committer
from protocols.parcel import (
    Answer,
    Header,
    PackedRecord,
    ParcelError,
    ParcelKind,
    claimed_header,
    pack_answer,
    parse_key,
    sealed,
    unpack_records,
    unsealed,
)
from protocols.records import Record, UnknownRecordError, decode_record
from protocols.sparkplug.lentera import InvalidMetrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a parcel: how many records it held, and the answer to carry back."""

    gateway: str
    records: int
    answer: bytes


def store_parcel(
    content: bytes,
    source: str,
    keys: Path,
    committer: Committer,
    collector: Collector,
    *,
    plan_of: Callable[[str], bytes],
) -> Stored:
    """Store all records of a parcel; raises ParcelError where it cannot be taken whole, and stores nothing.

    Storing it again changes nothing. `keys` is the folder with each gateway's key; `committer` has resumed;
    `plan_of` gives the document of the plan that a gateway should run.
    """
    header = claimed_header(content, source)
    if header.kind is not ParcelKind.RECORDS:
        raise ParcelError(
            f"{source}: a parcel of kind {header.kind.value}, expected {ParcelKind.RECORDS.value}"
        )
    key = read_key(keys, header.gateway)
    for packed in _packed(content, key, source):  # all of it can be read, or none is stored
        _record(packed, source)
    outbox = Outbox((header.area, header.gateway), header.epoch)
    positions: list[int] = []
    for frame in unsealed(content, key, source):
        batch = Batch()
        for packed in unpack_records(frame, source):
            try:
                collector.add_carried(batch, outbox, packed.position, _record(packed, source))
            except InvalidMetrics as error:
                log.warning("record not understood", gateway=header.gateway, error=str(error))
        committer.commit(batch)
        positions += batch.positions[outbox]
    answer = Answer(merged(positions), plan_of(header.gateway))
    reply = Header(ParcelKind.ANSWER, header.area, header.gateway, header.epoch)
    return Stored(header.gateway, len(positions), b"".join(sealed(reply, [pack_answer(answer)], key)))


def read_key(keys: Path, gateway_id: str) -> bytes:
    """The key of a gateway; raises ParcelError."""
    path = key_path(keys, gateway_id)
    try:
        return parse_key(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ParcelError(f"{path}: {error}, expected the key of gateway {gateway_id!r}") from error


def create_key(keys: Path, gateway_id: str) -> Path:
    """Make a gateway's key; raises ParcelError where it has one."""
    path = key_path(keys, gateway_id)
    keys.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ParcelError(f"{path}: exists, expected a gateway without a key") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path


def key_path(keys: Path, gateway_id: str) -> Path:
    """Where a gateway's key lies; raises ParcelError for an id that is no file name."""
    if not gateway_id or Path(gateway_id).name != gateway_id or "\0" in gateway_id:
        raise ParcelError(f"gateway {gateway_id!r}, expected an id without / in it")
    return keys / f"{gateway_id}.key"


def _packed(content: bytes, key: bytes, source: str) -> Iterator[PackedRecord]:
    for frame in unsealed(content, key, source):
        yield from unpack_records(frame, source)


def _record(packed: PackedRecord, source: str) -> Record:
    try:
        return decode_record(packed.kind, packed.body)
    except UnknownRecordError as error:
        raise ParcelError(f"{source}: position {packed.position}: {error}") from error
