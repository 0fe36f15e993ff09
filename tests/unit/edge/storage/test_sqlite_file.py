"""What a file with a thread of its own promises to those who write into it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event

from edge.storage.sqlite_file import SqliteFile
from tests.conftest import PATIENCE_S


async def test_what_was_requested_is_done_though_the_caller_was_cancelled(tmp_path: Path) -> None:
    """A gateway that is stopped has decided already: what it decided outlives the restart."""
    file = SqliteFile(tmp_path / "f.db", "CREATE TABLE numbers (number INTEGER)")
    await file.open()
    thread_is_free = Event()

    def wait(_: sqlite3.Connection) -> None:
        thread_is_free.wait(PATIENCE_S)

    def write(database: sqlite3.Connection) -> None:
        database.execute("INSERT INTO numbers VALUES (1)")

    before, cancelled = asyncio.create_task(file.run(wait)), asyncio.create_task(file.run(write))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    thread_is_free.set()
    await before
    await file.close()
    with closing(sqlite3.connect(tmp_path / "f.db")) as database:
        assert database.execute("SELECT number FROM numbers").fetchall() == [(1,)]
    assert cancelled.cancelled()
