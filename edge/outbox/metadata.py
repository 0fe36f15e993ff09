"""What an outbox knows of itself: epoch, last position, counts. Sealed, and the epoch in two places."""

import sqlite3
import zlib
from dataclasses import astuple, dataclass, fields, replace
from typing import Final

IDENTITY: Final = "CREATE TABLE IF NOT EXISTS identity (epoch INTEGER NOT NULL, checksum INTEGER);"
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tally (
    waiting INTEGER NOT NULL, thinned INTEGER NOT NULL, round INTEGER NOT NULL, swept INTEGER NOT NULL,
    epoch INTEGER, last INTEGER, untimed_from INTEGER, damaged INTEGER, checksum INTEGER
);
"""
LATER_COLUMNS: Final = {
    "identity": {"checksum": "INTEGER"},
    "tally": dict.fromkeys(("epoch", "last", "untimed_from", "damaged", "checksum"), "INTEGER"),
}
GAP: Final = 1_000_000_000
"""So many positions are left out where it is not certain which was given last."""

_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class OutboxMetadata:
    """`last` is the last position ever given, `untimed_from` the first that may lack its time, 0 for none."""

    waiting: int = 0
    thinned: int = 0
    round: int = 1
    swept: int = 0
    epoch: int = 0
    last: int = 0
    untimed_from: int = 0
    damaged: int = 0


_NAMES: Final = [field.name for field in fields(OutboxMetadata)]
_READ = f"SELECT {', '.join(f'CAST({name} AS INTEGER)' for name in [*_NAMES, 'checksum'])} FROM tally"  # noqa: S608
_ADD = f"INSERT INTO tally ({', '.join(_NAMES)}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_PUT = f"UPDATE tally SET {', '.join(f'{name} = ?' for name in [*_NAMES, 'checksum'])}"  # noqa: S608


def read(database: sqlite3.Connection) -> OutboxMetadata:
    """The ledger; one that is damaged is made up anew from the records."""
    return _sealed(database) or take_up(database, 0)


def write(database: sqlite3.Connection, ledger: OutboxMetadata) -> None:
    """Put this in place of what the ledger said."""
    values = astuple(ledger)
    if database.execute(_PUT, (*values, checksum_of(*values))).rowcount != 1:
        database.execute("DELETE FROM tally")
        database.execute(_ADD, (*values, checksum_of(*values)))


def take_up(database: sqlite3.Connection, created_ms: int) -> OutboxMetadata:
    """The ledger at the start, sealed from now on; the epoch begins at `created_ms` where none is known."""
    ledger = _sealed(database) or _made_up(database, created_ms)
    write(database, ledger)
    write_identity(database, ledger.epoch)
    return ledger


def write_identity(database: sqlite3.Connection, epoch: int) -> None:
    """Keep the epoch in its second place; nothing is written where it is there already."""
    if _identity(database) != epoch:
        database.execute("DELETE FROM identity")
        database.execute("INSERT INTO identity (epoch, checksum) VALUES (?, ?)", (epoch, checksum_of(epoch)))


def checksum_of(*values: int) -> int:
    """A checksum of these."""
    return zlib.crc32(" ".join(map(str, values)).encode())


def _sealed(database: sqlite3.Connection) -> OutboxMetadata | None:
    rows = database.execute(_READ).fetchall()
    if len(rows) != 1 or None in rows[0] or checksum_of(*rows[0][:-1]) != rows[0][-1]:
        return None
    return OutboxMetadata(*rows[0][:-1])


def _identity(database: sqlite3.Connection) -> int | None:
    query = "SELECT CAST(epoch AS INTEGER), CAST(checksum AS INTEGER) FROM identity"
    rows: list[tuple[int, int | None]] = database.execute(query).fetchall()
    return rows[0][0] if rows and rows[0][1] == checksum_of(rows[0][0]) else None


def _made_up(database: sqlite3.Connection, created_ms: int) -> OutboxMetadata:
    """From the records themselves, or from what a version without seals has left."""
    bounds = "COUNT(*), MAX(position), MIN(CASE WHEN untimed IS NOT 0 THEN position END)"
    waiting, newest, untimed = database.execute(f"SELECT {bounds} FROM records").fetchone()  # noqa: S608
    given = database.execute(
        "SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'records'"
    ).fetchone()
    last = max((each for each in (newest, given and given[0]) if each and each < _LARGEST), default=0)
    made_up = OutboxMetadata(waiting=waiting, last=last, untimed_from=untimed or 0)
    old_epoch = database.execute(
        "SELECT CAST(epoch AS INTEGER) FROM identity WHERE checksum IS NULL"
    ).fetchone()
    epoch = _identity(database) or (old_epoch and old_epoch[0])
    if epoch is None and not last:
        return replace(made_up, epoch=created_ms)
    old = database.execute("SELECT thinned, round, swept FROM tally WHERE checksum IS NULL").fetchone()
    if old is not None and all(isinstance(each, int) for each in old):
        made_up = replace(made_up, thinned=old[0], round=old[1], swept=old[2])
    elif old_epoch is None:
        made_up = replace(made_up, last=last + GAP)
    return replace(made_up, epoch=epoch or created_ms)
