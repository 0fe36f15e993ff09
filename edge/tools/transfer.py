"""Offline transfer: exports unacknowledged records as one signed bundle, and imports the cloud's answer."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge.config.settings import ConfigError, GatewayConfig
from edge.outbox.offline import OfflineOutbox
from edge.storage.state_tables import followed_plan, offer_plan
from protocols.lighting.plan import PlanError, decode_plan
from protocols.transfer.bundle import (
    RECORDS_PER_FRAME,
    Answer,
    BundleError,
    BundleKind,
    FollowedPlan,
    Header,
    PackedRecord,
    pack_records,
    parse_key,
    read_header,
    sign_bundle,
    unpack_answer,
    verify_bundle,
)
from runtime.files import write_atomically

log = structlog.get_logger(__name__)

_BUSY_S = 8.0
"""How long to wait for a lock: less than a running gateway waits for a lock of this process."""


class TransferError(Exception):
    """A transfer failed for a reason that can be removed at the gateway; its text says what has changed."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: the number of `deleted` records; an older plan is not accepted."""

    deleted: int
    plan_accepted: bool


def export_records(config: GatewayConfig, file: Path) -> int:
    """Write all records that may be sent to `file`; returns their number. The gateway may be running.

    The records stay in its outbox until the answer is imported. `file` is replaced as a whole or not at all.

    Raises:
        ConfigError: the settings name no key file.
        TransferError: the outbox or the key cannot be read; `file` is not written.
        OSError: `file` cannot be written.
    """
    key, path = _key_of(config), config.outbox.path
    with _explaining(path, f"{file} is not written"), closing(_open(path)) as database:
        outbox = OfflineOutbox(database)
        header = _header(config, outbox, BundleKind.RECORDS, _followed(config.outbox.state_path))
        counted: list[int] = []
        frames = _frames(outbox, outbox.last_position(), counted)
        write_atomically(file, sign_bundle(header, frames, key))
    return sum(counted)


def import_answer(config: GatewayConfig, file: Path, *, older_plan_too: bool = False) -> Imported:
    """Offer the answer's lighting plan to the gateway, then delete the records that the cloud has stored.

    A plan older than the last one is not offered unless `older_plan_too`. After a failure the same file can
    be imported again.

    Raises:
        ConfigError: the settings name no key file; nothing has changed.
        OSError: `file` cannot be read; nothing has changed.
        BundleError: `file` is refused; nothing has changed.
        TransferError: its text says what has changed.
    """
    answer, header = _read_answer(config, file)
    state_path, path = config.outbox.state_path, config.outbox.path
    unchanged = "nothing has changed, import it again"
    with closing(_open(state_path)) as state, closing(_open(path)) as database:
        outbox = OfflineOutbox(database)
        with _explaining(path, unchanged):
            if header != _header(config, outbox, BundleKind.ANSWER, None):
                raise TransferError(
                    f"{file}: {header.kind} for {header.area} {header.gateway}, outbox {header.epoch}, "
                    f"expected an answer for this gateway's outbox"
                )
            outbox.lock()
        with _explaining(state_path, unchanged), state:
            state.execute("BEGIN IMMEDIATE")
            taken = offer_plan(state, answer.plan, answer.issued_ms, older_too=older_plan_too)
        plan = "the plan is accepted" if taken else "the plan is older than the last and was not accepted"
        deleted = 0
        try:
            for count in outbox.forget(answer.ranges):
                deleted += count
        except sqlite3.Error as error:
            so_far = f"{plan}, but only {deleted} records were deleted, import it again"
            raise TransferError(f"{path}: {error}: {so_far}") from error
    return Imported(deleted, taken)


def _read_answer(config: GatewayConfig, file: Path) -> tuple[Answer, Header]:
    key, content = _key_of(config), file.read_bytes()
    header = read_header(content, file.name)
    frames = verify_bundle(content, key, file.name)
    if header.kind is not BundleKind.ANSWER:
        raise TransferError(f"{file}: a bundle of {header.kind.value}, expected the cloud's answer to one")
    answer = unpack_answer(frames, file.name)
    try:
        decode_plan(answer.plan, file.name)
    except PlanError as error:
        raise BundleError(str(error)) from error
    return answer, header


def _followed(path: Path) -> FollowedPlan | None:
    """Return the plan that is followed here; None where it cannot be read, which stops no export."""
    if not path.is_file():
        return None
    try:
        return followed_plan(path)
    except sqlite3.Error as error:
        log.warning("followed_plan_unreadable", path=str(path), error=str(error))
        return None


def _frames(outbox: OfflineOutbox, last: int, counted: list[int]) -> Iterator[bytes]:
    position = 0
    while rows := outbox.records(position, RECORDS_PER_FRAME):
        # A running gateway adds records behind `last` meanwhile: those belong to the next bundle.
        exported = [row for row in rows if row[0] <= last]
        counted.append(len(exported))
        yield pack_records([PackedRecord(*row) for row in exported])
        position = rows[-1][0]
        if position >= last:
            return


def _header(
    config: GatewayConfig, outbox: OfflineOutbox, kind: BundleKind, plan: FollowedPlan | None
) -> Header:
    epoch = outbox.epoch()
    if epoch is None:
        raise TransferError(f"{config.outbox.path}: has no epoch, expected that the gateway has run here")
    return Header(kind, config.gateway.area, config.gateway.id, epoch, plan)


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise TransferError(f"{path}: no such file, expected that the gateway has run here")
    with _explaining(path, "nothing has changed"):
        return sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)


@contextmanager
def _explaining(path: Path, so_far: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise TransferError(f"{path}: {error}: {so_far}") from error


def _key_of(config: GatewayConfig) -> bytes:
    if config.transfer is None:
        raise ConfigError(["transfer.key_file is missing, expected the key file shared with the cloud"])
    path = config.transfer.key_file
    try:
        return parse_key(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise TransferError(f"{path}: {error}, expected a readable key") from error
