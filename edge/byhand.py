"""Data by hand: unacknowledged records into one signed file, and the cloud's answer to it back."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from edge import shelf
from edge.config import ConfigError, GatewayConfig
from edge.memory_tables import bring_plan
from protocols.lighting.plan import PlanError, decode_plan
from protocols.parcel import (
    RECORDS_PER_FRAME,
    Answer,
    Header,
    PackedRecord,
    ParcelError,
    ParcelKind,
    claimed_header,
    pack_records,
    parse_key,
    sealed,
    unpack_answer,
    unsealed,
)

_BUSY_S = 30.0


class ByHandError(Exception):
    """What a person at the gateway can put right."""


def export_records(config: GatewayConfig, file: Path) -> int:
    """Write all records that may be sent; how many. A file of that name is replaced only by a whole one.

    The gateway may be running. The records stay in its outbox until the answer is imported.
    """
    key = _key_of(config)
    with closing(_open(config.outbox.path)) as database:
        header = _header(config, database, ParcelKind.RECORDS)
        last: int = database.execute("SELECT MAX(position) FROM records").fetchone()[0] or 0
        counted: list[int] = []
        partial = file.with_name(file.name + ".partial")
        with partial.open("wb") as parcel:
            for portion in sealed(header, _frames(database, last, counted), key):
                parcel.write(portion)
            parcel.flush()
            os.fsync(parcel.fileno())
    partial.rename(file)
    return sum(counted)


def import_answer(config: GatewayConfig, file: Path) -> int:
    """Forget what the cloud has stored and keep the lighting plan it sent; how many records went.

    Raises ByHandError or ParcelError, and then nothing has changed.
    """
    key = _key_of(config)
    content = file.read_bytes()
    header = claimed_header(content, file.name)
    answer = unpack_answer(unsealed(content, key, file.name), file.name)
    _check_plan(answer, file.name)
    with closing(_open(config.outbox.path)) as database:
        if header != _header(config, database, ParcelKind.ANSWER):
            raise ByHandError(
                f"{file}: {header.kind} for {header.area} {header.gateway}, outbox {header.epoch}, "
                f"expected an answer for this gateway's outbox"
            )
        database.execute("BEGIN IMMEDIATE")
        with database:
            before = shelf.holding(database).waiting
            shelf.write(database, [], answer.ranges)
            gone = before - shelf.holding(database).waiting
    with closing(_open(config.outbox.memory_path)) as database:
        database.execute("BEGIN IMMEDIATE")
        with database:
            bring_plan(database, answer.plan)
    return gone


def _frames(database: sqlite3.Connection, last: int, counted: list[int]) -> Iterator[bytes]:
    position = 0
    while rows := shelf.select(database, position, RECORDS_PER_FRAME):
        wanted = [row for row in rows if row[0] <= last]
        counted.append(len(wanted))
        yield pack_records([PackedRecord(*row) for row in wanted])
        position = rows[-1][0]
        if position >= last:
            return


def _header(config: GatewayConfig, database: sqlite3.Connection, kind: ParcelKind) -> Header:
    row = database.execute("SELECT epoch FROM identity").fetchone()
    return Header(kind, config.gateway.area, config.gateway.id, row[0])


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise ByHandError(f"{path}: no such file, expected that the gateway has run here")
    return sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)


def _key_of(config: GatewayConfig) -> bytes:
    if config.by_hand is None:
        raise ConfigError(["by_hand.key_file is missing, expected the file of the key shared with the cloud"])
    path = config.by_hand.key_file
    try:
        return parse_key(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ByHandError(f"{path}: {error}, expected a readable key") from error


def _check_plan(answer: Answer, source: str) -> None:
    try:
        decode_plan(answer.plan, source)
    except PlanError as error:
        raise ParcelError(str(error)) from error
