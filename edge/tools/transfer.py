"""Data by hand: unacknowledged records into one signed file, and the cloud's answer to it back."""

import os
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

log = structlog.get_logger(__name__)

_BUSY_S = 8.0
"""Less than the gateway waits in its turn, for it may be running."""


class TransferError(Exception):
    """What a person at the gateway can put right."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many records have gone, and whether the answer's plan was the newest so far, and taken."""

    forgotten: int
    plan_taken: bool


def export_records(config: GatewayConfig, file: Path) -> int:
    """Write all records that may be sent; how many. A file of that name is replaced only by a whole one.

    The gateway may be running. The records stay in its outbox until the answer is imported.
    """
    key, path = _key_of(config), config.outbox.path
    partial = file.with_name(file.name + ".partial")
    try:
        with _telling(path, f"{file} is not written"), closing(_open(path)) as database:
            outbox = OfflineOutbox(database)
            header = _header(config, outbox, BundleKind.RECORDS, _followed(config.outbox.state_path))
            counted: list[int] = []
            _write_whole(partial, sign_bundle(header, _frames(outbox, outbox.last_position(), counted), key))
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return sum(counted)


def import_answer(config: GatewayConfig, file: Path, *, older_plan_too: bool = False) -> Imported:
    """Take the lighting plan the cloud sent, if it is no older than the last, then forget what it has stored.

    Raises ParcelError, and then nothing has changed, or ByHandError, which says what has. To import it again
    does what is left.
    """
    answer, header = _read(config, file)
    state_path, path = config.outbox.state_path, config.outbox.path
    unchanged = "nothing has changed, import it again"
    with closing(_open(state_path)) as state, closing(_open(path)) as database:
        outbox = OfflineOutbox(database)
        with _telling(path, unchanged):
            _check_addressee(header, config, outbox, file)
            outbox.lock()
        with _telling(state_path, unchanged), state:
            state.execute("BEGIN IMMEDIATE")
            taken = offer_plan(state, answer.plan, answer.issued_ms, older_too=older_plan_too)
        plan = "the plan is taken up" if taken else "the plan is older than the last and was not taken"
        forgotten = 0
        try:
            for count in outbox.forget(answer.ranges):
                forgotten += count
        except sqlite3.Error as error:
            so_far = f"{plan}, but only {forgotten} records were forgotten, import it again"
            raise TransferError(f"{path}: {error}: {so_far}") from error
    return Imported(forgotten, taken)


def _read(config: GatewayConfig, file: Path) -> tuple[Answer, Header]:
    key, content = _key_of(config), file.read_bytes()
    header = read_header(content, file.name)
    frames = verify_bundle(content, key, file.name)
    if header.kind is not BundleKind.ANSWER:
        raise TransferError(f"{file}: a parcel of {header.kind.value}, expected the cloud's answer to one")
    answer = unpack_answer(frames, file.name)
    try:
        decode_plan(answer.plan, file.name)
    except PlanError as error:
        raise BundleError(str(error)) from error
    return answer, header


def _check_addressee(header: Header, config: GatewayConfig, outbox: OfflineOutbox, file: Path) -> None:
    if header != _header(config, outbox, BundleKind.ANSWER, None):
        raise TransferError(
            f"{file}: {header.kind} for {header.area} {header.gateway}, outbox {header.epoch}, "
            f"expected an answer for this gateway's outbox"
        )


def _followed(path: Path) -> FollowedPlan | None:
    """The plan that is followed here; None, for the records go all the same, where that cannot be read."""
    if not path.is_file():
        return None
    try:
        return followed_plan(path)
    except sqlite3.Error as error:
        log.warning("the parcel does not say which plan is followed", path=str(path), why=str(error))
        return None


def _write_whole(file: Path, portions: Iterator[bytes]) -> None:
    with file.open("wb") as parcel:
        for portion in portions:
            parcel.write(portion)
        parcel.flush()
        os.fsync(parcel.fileno())


def _frames(outbox: OfflineOutbox, last: int, counted: list[int]) -> Iterator[bytes]:
    position = 0
    while rows := outbox.records(position, RECORDS_PER_FRAME):
        wanted = [row for row in rows if row[0] <= last]
        counted.append(len(wanted))
        yield pack_records([PackedRecord(*row) for row in wanted])
        position = rows[-1][0]
        if position >= last:
            return


def _header(
    config: GatewayConfig, outbox: OfflineOutbox, kind: BundleKind, plan: FollowedPlan | None
) -> Header:
    epoch = outbox.epoch()
    if epoch is None:
        raise TransferError(f"{config.outbox.path}: names no epoch, expected that the gateway has run here")
    return Header(kind, config.gateway.area, config.gateway.id, epoch, plan)


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise TransferError(f"{path}: no such file, expected that the gateway has run here")
    with _telling(path, "nothing has changed"):
        return sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)


@contextmanager
def _telling(path: Path, so_far: str) -> Iterator[None]:
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
