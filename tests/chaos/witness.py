"""A second memory inside an outbox file: every record it ever made durable, in the same transaction.

A trigger of the harness copies each row the moment it is inserted, so what the product deletes, rightly or
wrongly, is still known here. A body that is changed later (a time put right) is changed here too.
"""

import asyncio
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.outbox import Outbox, Record
from protocols.cabinet import CabinetReading
from protocols.events import DeviceEvent
from protocols.lamp import CommandResult, LampReading

KINDS: dict[str, type[Record]] = {
    "reading": LampReading,
    "cabinet": CabinetReading,
    "event": DeviceEvent,
    "result": CommandResult,
}

_TRIGGERS = """
CREATE TABLE chaos_witness (position INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL);
CREATE TRIGGER chaos_taken AFTER INSERT ON records BEGIN
    INSERT INTO chaos_witness VALUES (NEW.position, NEW.kind, NEW.body);
END;
CREATE TRIGGER chaos_corrected AFTER UPDATE OF body ON records BEGIN
    UPDATE chaos_witness SET body = NEW.body WHERE position = NEW.position;
END;
"""
_DECODERS = {kind: msgspec.msgpack.Decoder(type_) for kind, type_ in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Taken:
    """A record an outbox made durable."""

    gateway_id: str
    epoch: int
    position: int
    record: Record


@dataclass(frozen=True, slots=True)
class OutboxView:
    """One outbox at one instant: all it ever took, and the positions that still wait for the cloud."""

    gateway_id: str
    epoch: int
    taken: tuple[Taken, ...]
    waiting: frozenset[int]
    put_aside: frozenset[int] = frozenset()
    """The positions of what the gateway found damaged."""

    @property
    def last_position(self) -> int:
        """The newest position; 0 before the first."""
        return max((each.position for each in self.taken), default=0)


def install(path: Path) -> None:
    """Create the outbox as the gateway would, and put the witness into it."""
    asyncio.run(_create(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(_TRIGGERS)


def look(gateway_id: str, path: Path) -> OutboxView:
    """Read the outbox beside a running gateway, in one transaction."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN")
        (epoch,) = database.execute("SELECT epoch FROM epoch").fetchone()
        rows = database.execute("SELECT position, kind, body FROM chaos_witness ORDER BY rowid").fetchall()
        waiting = database.execute("SELECT position FROM records").fetchall()
        aside = database.execute("SELECT position FROM damaged").fetchall()
    taken = tuple(Taken(gateway_id, epoch, at, _DECODERS[kind].decode(body)) for at, kind, body in rows)
    return OutboxView(
        gateway_id, epoch, taken, frozenset(at for (at,) in waiting), frozenset(at for (at,) in aside)
    )


def spoil(path: Path, choice: float) -> int | None:
    """Flip one bit of a record that waits, past the witness; its position, or None where nothing waits."""
    with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as database, database:
        database.execute("BEGIN IMMEDIATE")
        rows = database.execute("SELECT position, body FROM records ORDER BY position").fetchall()
        if not rows:
            return None
        position, sound = rows[int(choice * len(rows))]
        body = bytearray(sound)
        bit = int(choice * 7919 * len(rows)) % (8 * len(body))
        body[bit // 8] ^= 1 << bit % 8
        database.execute("UPDATE records SET body = ? WHERE position = ?", (bytes(body), position))
        # The trigger takes that for a time put right.
        database.execute("UPDATE chaos_witness SET body = ? WHERE position = ?", (sound, position))
        return int(position)


def waiting_up_to(path: Path, position: int) -> int:
    """How many records up to `position` the cloud has not acknowledged."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        query = "SELECT COUNT(*) FROM records WHERE position <= ?"
        count: int = database.execute(query, (position,)).fetchone()[0]
        return count


async def _create(path: Path) -> None:
    outbox = Outbox(path, lambda: time.time_ns() // 1_000_000)
    await outbox.open()
    await outbox.close()
