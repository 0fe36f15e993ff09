"""Offline transfer: the records of a bundle stored as though they had come by MQTT, and the answer to it."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from cloud.ingest.acknowledge import merged
from cloud.ingest.batch import Batch, OutboxId
from cloud.ingest.collector import Collector
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
class CarriedBundle:
    """A bundle as it came, the folder of the gateways' keys, and the issue time of the answer in Unix ms."""

    content: bytes
    source: str
    keys: Path
    issued_ms: int


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """What was stored of a bundle: how many records, and the answer to carry back."""

    gateway: str
    records: int
    answer: bytes


def store_bundle(
    carried: CarriedBundle, committer: Committer, collector: Collector, *, plan_of: Callable[[str], bytes]
) -> StoredBundle:
    """Store all records of a bundle, or none; storing it again changes nothing.

    `committer` has resumed; `plan_of` returns the document of the plan that a gateway should follow.

    Raises:
        BundleError: a part of the bundle can't be read or verified; nothing was stored.
        StoreUnavailable: trying again may help.
    """
    header = read_header(carried.content, carried.source)
    if header.kind is not BundleKind.RECORDS:
        raise BundleError(
            f"{carried.source}: a bundle of kind {header.kind.value}, expected {BundleKind.RECORDS.value}"
        )
    key = read_key(carried.keys, header.gateway)
    newest = _newest_reading(carried, key)  # reads it whole, so that a damaged bundle stores nothing
    outbox = OutboxId((header.area, header.gateway), header.epoch)
    known = committer.known.newest_reading(header.gateway)
    positions = _store_records(carried, key, outbox, committer, collector)
    # A bundle that lay about for weeks must not set back what the gateway has reported since.
    is_current = newest is None or known is None or newest >= known
    if header.plan is not None and is_current and not collector.is_impostor(outbox.node):
        # PostgreSQL stores no NUL in text.
        reported = (header.plan.hash, header.plan.problem)
        plan_hash, problem = (text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in reported)
        committer.save_carried_plan(outbox.node, plan_hash, problem)
    answer = Answer(merged(positions), plan_of(header.gateway), carried.issued_ms)
    reply = Header(BundleKind.ANSWER, header.area, header.gateway, header.epoch)
    return StoredBundle(
        header.gateway, len(positions), b"".join(sign_bundle(reply, [pack_answer(answer)], key))
    )


def read_key(keys: Path, gateway_id: str) -> bytes:
    """Return the key that signs a gateway's bundles.

    Raises:
        BundleError: the gateway has no key, or it can't be read.
    """
    path = key_path(keys, gateway_id)
    try:
        return parse_key(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeError) as error:
        raise BundleError(f"{path}: {error}, expected the key of gateway {gateway_id!r}") from error


def create_key(keys: Path, gateway_id: str) -> Path:
    """Create a gateway's key; return its file.

    Raises:
        BundleError: the gateway has a key, or its id is no file name.
    """
    path = key_path(keys, gateway_id)
    keys.mkdir(parents=True, exist_ok=True)
    try:
        # Never over an existing key: the gateway has a copy, and its bundles could not be verified any more.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BundleError(f"{path}: exists, expected a gateway without a key") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path


def key_path(keys: Path, gateway_id: str) -> Path:
    """Return the path of a gateway's key.

    Raises:
        BundleError: the id is no file name; it may come from a bundle that is not verified yet.
    """
    if not gateway_id or Path(gateway_id).name != gateway_id or "\0" in gateway_id:
        raise BundleError(f"gateway {gateway_id!r}, expected an id without / in it")
    return keys / f"{gateway_id}.key"


def _newest_reading(carried: CarriedBundle, key: bytes) -> datetime | None:
    """Return the time of the newest reading; raises BundleError unless all of the bundle can be read."""
    newest: datetime | None = None
    for frame in verify_bundle(carried.content, key, carried.source):
        for packed in unpack_records(frame, carried.source):
            record = _record(packed, carried.source)
            if isinstance(record, LampReading | CabinetReading) and (newest is None or record.time > newest):
                newest = record.time
    return newest


def _store_records(
    carried: CarriedBundle, key: bytes, outbox: OutboxId, committer: Committer, collector: Collector
) -> list[int]:
    positions: list[int] = []
    for frame in verify_bundle(carried.content, key, carried.source):
        # One frame is one batch: a bundle may hold the records of weeks.
        batch = Batch()
        for packed in unpack_records(frame, carried.source):
            try:
                collector.add_carried(batch, outbox, packed.position, _record(packed, carried.source))
            except InvalidMetrics as error:
                log.warning("record_malformed", gateway=outbox.node[1], error=str(error))
        committer.commit(batch)
        positions += batch.positions[outbox]
    return positions


def _record(packed: PackedRecord, source: str) -> Record:
    try:
        return decode_record(packed.kind, packed.body)
    except UnknownRecordError as error:
        raise BundleError(f"{source}: position {packed.position}: {error}") from error
