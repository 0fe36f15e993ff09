"""Offline transfer: unacknowledged records into one signed bundle, and the cloud's answer to it back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge.config.settings import ConfigError, GatewayConfig
from edge.outbox import tables as shelf
from edge.storage import plan_handover as plan_news
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

_RECORDS_PER_COMMIT = 10_000
_BUSY_S = 8.0
"""How long to wait for a lock; less than a running gateway waits for one of ours."""


class TransferError(Exception):
    """A transfer that failed for a reason the person at the gateway can remove; says what has changed."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many records were deleted, and whether the plan was newer than any before, and accepted."""

    deleted: int
    plan_accepted: bool


def export_records(config: GatewayConfig, file: Path) -> int:
    """Write all records that may be sent to `file` and return how many; the gateway may be running.

    The records stay in its outbox until the answer is imported. `file` is replaced by a complete one or not.

    Raises:
        TransferError: the outbox cannot be read; `file` is not written.
        OSError: `file` cannot be written.
    """
    key, path = _key_of(config), config.outbox.path
    with _explaining(path, f"{file} is not written"), closing(_open(path)) as database:
        header = _header(config, database, BundleKind.RECORDS, _followed(config.outbox.state_path))
        last: int = database.execute("SELECT MAX(position) FROM records").fetchone()[0] or 0
        counted: list[int] = []
        write_atomically(file, sign_bundle(header, _frames(database, last, counted), key))
    return sum(counted)


def import_answer(config: GatewayConfig, file: Path, *, older_plan_too: bool = False) -> Imported:
    """Hand the answer's lighting plan to the gateway unless it knows a newer one, then delete what is stored.

    Importing it again does what is left.

    Raises:
        BundleError: the file is refused, nothing has changed.
        TransferError: which says what has changed.
    """
    answer, header = _read(config, file)
    state_path, path = config.outbox.state_path, config.outbox.path
    unchanged = "nothing has changed, import it again"
    with closing(_open(state_path)) as state, closing(_open(path)) as outbox:
        with _explaining(path, unchanged):
            _check_addressee(header, config, outbox, file)
            outbox.execute("BEGIN IMMEDIATE")
        with _explaining(state_path, unchanged), state:
            state.execute("BEGIN IMMEDIATE")
            taken = plan_news.bring(state, answer.plan, answer.issued_ms, older_too=older_plan_too)
        plan = "the plan is accepted" if taken else "the plan is older than the last and was not accepted"
        deleted = 0
        try:
            for count in _delete(outbox, answer.ranges):
                deleted += count
        except sqlite3.Error as error:
            so_far = f"{plan}, but only {deleted} records were deleted, import it again"
            raise TransferError(f"{path}: {error}: {so_far}") from error
    return Imported(deleted, taken)


def _delete(database: sqlite3.Connection, ranges: list[tuple[int, int]]) -> Iterator[int]:
    """Delete in portions and yield how many each time: a full disk has no room for a long journal."""
    for portion in _portions(database, ranges):
        with database:
            if not database.in_transaction:
                database.execute("BEGIN IMMEDIATE")
            before = shelf.holding(database).waiting
            shelf.write(database, [], portion)
            count = before - shelf.holding(database).waiting
        yield count


def _portions(database: sqlite3.Connection, ranges: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    within = "SELECT position FROM records WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"
    query = f"SELECT MAX(position), COUNT(*) FROM ({within})"  # noqa: S608 - of the line above
    portion: list[tuple[int, int]] = []
    room = _RECORDS_PER_COMMIT
    for start, end in ranges:
        first = start
        while (found := database.execute(query, (first, end, room)).fetchone())[1]:
            portion.append((first, found[0]))
            first, room = found[0] + 1, room - found[1]
            if room == 0:
                yield portion
                portion, room = [], _RECORDS_PER_COMMIT
    if portion:
        yield portion


def _read(config: GatewayConfig, file: Path) -> tuple[Answer, Header]:
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


def _check_addressee(header: Header, config: GatewayConfig, database: sqlite3.Connection, file: Path) -> None:
    if header != _header(config, database, BundleKind.ANSWER, None):
        raise TransferError(
            f"{file}: {header.kind} for {header.area} {header.gateway}, outbox {header.epoch}, "
            f"expected an answer for this gateway's outbox"
        )


def _followed(path: Path) -> FollowedPlan | None:
    """Return the plan that is followed here; None where it cannot be read: the records go all the same."""
    if not path.is_file():
        return None
    try:
        return plan_news.followed(path)
    except sqlite3.Error as error:
        log.warning("followed_plan_unreadable", path=str(path), error=str(error))
        return None


def _frames(database: sqlite3.Connection, last: int, counted: list[int]) -> Iterator[bytes]:
    position = 0
    while rows := shelf.select(database, position, RECORDS_PER_FRAME):
        wanted = [row for row in rows if row[0] <= last]
        counted.append(len(wanted))
        yield pack_records([PackedRecord(*row) for row in wanted])
        position = rows[-1][0]
        if position >= last:
            return


def _header(
    config: GatewayConfig, database: sqlite3.Connection, kind: BundleKind, plan: FollowedPlan | None
) -> Header:
    row = database.execute("SELECT epoch FROM identity").fetchone()
    if row is None:
        raise TransferError(f"{config.outbox.path}: names no epoch, expected that the gateway has run here")
    return Header(kind, config.gateway.area, config.gateway.id, row[0], plan)


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
