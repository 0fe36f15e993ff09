"""The outbox's one row of metadata: epoch, last position, counts. With a checksum, and the epoch twice."""

import sqlite3
import zlib
from dataclasses import astuple, dataclass, fields
from typing import Final

# Two tables, one at either end of the schema: no one bad sector takes both places that hold the epoch.
EPOCH_SCHEMA: Final = "CREATE TABLE epoch (epoch INTEGER NOT NULL, checksum INTEGER NOT NULL);"
SCHEMA: Final = """
CREATE TABLE metadata (
    waiting INTEGER NOT NULL, decimated INTEGER NOT NULL,
    pass_number INTEGER NOT NULL, cursor INTEGER NOT NULL,
    epoch INTEGER NOT NULL, last INTEGER NOT NULL, untimed_from INTEGER NOT NULL, damaged INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
"""
POSITION_GAP: Final = 1_000_000_000
"""So many positions are left out where it is not certain which was given last."""

_LARGEST_POSITION = 2**53
"""Larger ones are damage; the cloud's JSON could not hold them either."""


@dataclass(frozen=True, slots=True)
class OutboxMetadata:
    """Counts and positions of an outbox.

    `waiting`, `decimated` and `damaged` count records; `pass_number` and `cursor` are those of the retention.
    `last` is the last position given, `untimed_from` the first that may lack its time, 0 for none.
    """

    waiting: int = 0
    decimated: int = 0
    pass_number: int = 1
    cursor: int = 0
    epoch: int = 0
    last: int = 0
    untimed_from: int = 0
    damaged: int = 0


_NAMES: Final = [field.name for field in fields(OutboxMetadata)]
# A damaged cell may hold text or a blob, which Python's checksum of integers could not take.
_SELECT = f"SELECT {', '.join(f'CAST({name} AS INTEGER)' for name in [*_NAMES, 'checksum'])} FROM metadata"  # noqa: S608
_INSERT = f"INSERT INTO metadata ({', '.join(_NAMES)}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_UPDATE = f"UPDATE metadata SET {', '.join(f'{name} = ?' for name in [*_NAMES, 'checksum'])}"  # noqa: S608


def load(database: sqlite3.Connection) -> OutboxMetadata:
    """Return the metadata; where its checksum is wrong it is made from the records."""
    return _load_sound(database) or load_or_create(database, 0)


def save(database: sqlite3.Connection, metadata: OutboxMetadata) -> None:
    """Replace the metadata."""
    values = astuple(metadata)
    if database.execute(_UPDATE, (*values, checksum_of(*values))).rowcount != 1:
        database.execute("DELETE FROM metadata")
        database.execute(_INSERT, (*values, checksum_of(*values)))


def load_or_create(database: sqlite3.Connection, created_ms: int) -> OutboxMetadata:
    """Return the metadata and make sure that it is on disk; a new outbox takes `created_ms` as its epoch."""
    metadata = _load_sound(database)
    if metadata is None:
        metadata = _rebuild(database, created_ms)
        save(database, metadata)
    save_epoch(database, metadata.epoch)
    return metadata


def save_epoch(database: sqlite3.Connection, epoch: int) -> None:
    """Keep the epoch in its second place; nothing is written where it is there already."""
    if load_epoch(database) != epoch:
        database.execute("DELETE FROM epoch")
        database.execute("INSERT INTO epoch (epoch, checksum) VALUES (?, ?)", (epoch, checksum_of(epoch)))


def load_epoch(database: sqlite3.Connection) -> int | None:
    """Return the epoch from its second place; None where there is none or its checksum is wrong."""
    query = "SELECT CAST(epoch AS INTEGER), CAST(checksum AS INTEGER) FROM epoch"
    rows: list[tuple[int, int | None]] = database.execute(query).fetchall()
    return rows[0][0] if rows and rows[0][1] == checksum_of(rows[0][0]) else None


def checksum_of(*values: int) -> int:
    """Return the CRC-32 of these numbers."""
    return zlib.crc32(" ".join(map(str, values)).encode())


def _load_sound(database: sqlite3.Connection) -> OutboxMetadata | None:
    rows = database.execute(_SELECT).fetchall()
    if len(rows) != 1 or None in rows[0] or checksum_of(*rows[0][:-1]) != rows[0][-1]:
        return None
    return OutboxMetadata(*rows[0][:-1])


def _rebuild(database: sqlite3.Connection, created_ms: int) -> OutboxMetadata:
    columns = "COUNT(*), MAX(position), MIN(CASE WHEN untimed IS NOT 0 THEN position END)"
    waiting, newest, untimed_from = database.execute(f"SELECT {columns} FROM records").fetchone()  # noqa: S608
    given = database.execute(
        "SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'records'"
    ).fetchone()
    candidates = (newest, given and given[0])
    last = max((each for each in candidates if each and each < _LARGEST_POSITION), default=0)
    epoch = load_epoch(database)
    if epoch is None and not last:
        return OutboxMetadata(epoch=created_ms)  # a new file
    # Records that were acknowledged and are gone may have had later positions than those left.
    return OutboxMetadata(
        waiting=waiting, epoch=epoch or created_ms, last=last + POSITION_GAP, untimed_from=untimed_from or 0
    )
