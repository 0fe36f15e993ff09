"""A damaged outbox file: whatever bit or page it is, nothing stops, and every other record is delivered."""

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from edge.outbox import Outbox, Record, StoredRecord
from edge.outbox.offline import OfflineOutbox
from protocols.events import DeviceEvent, EventType
from protocols.lamp import LampReading, Reason
from tests.conftest import PATIENCE_S, eventually
from tests.support.outbox_observer import CallingObserver

NIGHT = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
EPOCH = 1_780_000_000_000
RECORDS = 400
PAGE = 4096
MOST_ROWS_IN_A_PAGE = 40


def record(number: int) -> Record:
    if number % 10 == 0:
        info = "why " * (1500 if number % 100 == 0 else 10)
        return DeviceEvent("SOR-00001", EventType.DEVICE_RESET, NIGHT, True, f"{number} {info}")
    time = NIGHT + timedelta(seconds=number)
    return LampReading(f"SOR-{number % 7:05}", time, 100, 99, Reason.PROGRAM, 98.5 + number)


@dataclass
class Running:
    """An outbox at work, and what it has said."""

    outbox: Outbox
    durable: list[StoredRecord] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    async def delivered(self) -> dict[int, Record]:
        """All that a cloud would get, in portions as it would."""
        found: dict[int, Record] = {}
        position = 0
        while portion := await self.outbox.backlog(position, 150):
            found |= {each.position: each.record for each in portion}
            position = portion[-1].position
        assert portion == []
        return found


@asynccontextmanager
async def running(path: Path, epoch: int = EPOCH + 1) -> AsyncIterator[Running]:
    outbox = Outbox(path, lambda: epoch)
    here = Running(outbox)
    task = asyncio.ensure_future(
        outbox.run(CallingObserver(here.durable.extend, on_damage=here.reports.append))
    )
    try:
        opened = asyncio.ensure_future(outbox.opened.wait())
        await asyncio.wait([opened, task], return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S)
        assert opened.done(), task
        yield here
    finally:
        task.cancel()
        await asyncio.wait([task])
        await outbox.close()
        assert task.cancelled(), task


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An outbox of some hundred records as it lies on a disk: closed, and in the midst of its work."""
    path = tmp_path_factory.mktemp("whole") / "o.db"
    files: dict[str, bytes] = {}

    async def fill() -> None:
        async with running(path, EPOCH) as here:
            for number in range(1, RECORDS + 1):
                here.outbox.append(record(number))
                if number % 20 == 0:
                    await eventually(lambda: not here.outbox.unwritten)
                if number == RECORDS // 2:
                    with closing(sqlite3.connect(path)) as database:
                        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            files.update({"live": path.read_bytes(), "live-wal": path.with_name("o.db-wal").read_bytes()})
        files["closed"] = path.read_bytes()

    asyncio.run(fill())
    return files


async def missing_after(path: Path) -> tuple[set[int], Running]:
    """Which records are not delivered from this file; the others are as they were, and new ones follow."""
    async with running(path) as here:
        found = await here.delivered()
        assert here.outbox.epoch == EPOCH
        assert {at: each for at, each in found.items() if each != record(at)} == {}
        here.outbox.append(record(0))
        await eventually(lambda: here.durable)
        (new,) = here.durable
        assert new.position > RECORDS
        assert (await here.delivered())[new.position] == record(0)
        assert here.outbox.holding.waiting == len(found) + 1
        return set(range(1, RECORDS + 1)) - found.keys(), here


Damage = Callable[[bytearray, random.Random], None]


def flip(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def flip_head(content: bytearray, chance: random.Random) -> None:
    """Where the file says what it is, and its tables' definitions."""
    content[chance.choice([chance.randrange(100), chance.randrange(2600, PAGE)])] ^= 1 << chance.randrange(8)


def garbage(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content) // PAGE) * PAGE
    content[at : at + PAGE] = chance.randbytes(PAGE)


def zeros(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content) // PAGE) * PAGE
    content[at : at + PAGE] = bytes(PAGE)


@pytest.mark.parametrize(
    ("damage", "times", "most"),
    [
        (flip, 60, 1),
        (flip_head, 40, 0),
        (garbage, 15, MOST_ROWS_IN_A_PAGE),
        (zeros, 15, MOST_ROWS_IN_A_PAGE),
    ],
)
async def test_whatever_is_damaged_all_other_records_are_delivered(
    tmp_path: Path, whole: dict[str, bytes], damage: Damage, times: int, most: int
) -> None:
    for seed in range(times):
        content = bytearray(whole["closed"])
        damage(content, random.Random(seed))
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "o.db").write_bytes(content)
        missing, _ = await missing_after(folder / "o.db")
        assert len(missing) <= most, seed


async def test_whatever_is_damaged_in_the_journal_all_other_records_are_delivered(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    for seed in range(30):
        journal = bytearray(whole["live-wal"])
        flip(journal, random.Random(seed))
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "o.db").write_bytes(whole["live"])
        (folder / "o.db-wal").write_bytes(journal)
        missing, _ = await missing_after(folder / "o.db")
        assert len(missing) <= 1, seed


async def test_a_file_that_ends_too_early_gives_what_is_left_of_it(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    content = whole["closed"]
    (tmp_path / "o.db").write_bytes(content[: len(content) * 3 // 4 + 77])
    missing, here = await missing_after(tmp_path / "o.db")
    assert 50 < len(missing) < RECORDS // 2
    assert here.reports == [f"outbox damaged: {RECORDS - len(missing)} records saved, some may be lost"]
    assert (tmp_path / "o.db.unreadable-1").read_bytes() == content[: len(content) * 3 // 4 + 77]


@pytest.mark.parametrize("name", [b"records", b"metadata", b"untimed"])
async def test_a_flipped_bit_that_renames_a_table_or_column_is_damage(
    tmp_path: Path, whole: dict[str, bytes], name: bytes
) -> None:
    table = b"records" if name == b"untimed" else name
    at = whole["closed"].index(name, whole["closed"].index(b"CREATE TABLE " + table))
    renamed = bytes([name[0] ^ 1]) + name[1:]
    (tmp_path / "o.db").write_bytes(whole["closed"][:at] + renamed + whole["closed"][at + len(name) :])
    missing, here = await missing_after(tmp_path / "o.db")
    assert missing == set()
    assert here.reports == [f"outbox damaged: {RECORDS} records saved, some may be lost"]


async def test_file_and_journal_are_both_kept_and_both_saved(tmp_path: Path, whole: dict[str, bytes]) -> None:
    content = bytearray(whole["live"])
    content[:PAGE] = bytes(PAGE)
    (tmp_path / "o.db").write_bytes(content)
    (tmp_path / "o.db-wal").write_bytes(whole["live-wal"])
    missing, _ = await missing_after(tmp_path / "o.db")
    assert missing == set()
    assert (tmp_path / "o.db.unreadable-1-wal").read_bytes() == whole["live-wal"]


async def test_an_unreadable_record_is_set_aside_reported_once_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    async with running(path) as here:
        for number in range(1, 6):
            here.outbox.append(record(number))
        await eventually(lambda: len(here.durable) == 5)
    with closing(sqlite3.connect(path)) as database, database:
        (body,) = database.execute("SELECT body FROM records WHERE position = 3").fetchone()
        # Still a reading, of another power.
        database.execute("UPDATE records SET body = ? WHERE position = 3", (body[:-1] + b"\x01",))
        database.execute("UPDATE records SET body = x'c1' WHERE position = 4")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert [row[0] for row in OfflineOutbox(database).records(0, 3)] == [1, 2, 5]
    with structlog.testing.capture_logs() as log:
        async with running(path) as here:
            assert sorted(await here.delivered()) == [1, 2, 5]
            assert sorted(await here.delivered()) == [1, 2, 5]
            await eventually(lambda: here.reports)
            assert here.outbox.holding.damaged == 2
            assert await here.outbox.count() == 3
    assert here.reports == ["outbox damaged: 2 records cannot be read and are set aside"]
    assert [line["event"] for line in log] == ["outbox_records_set_aside"]
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT position, body FROM damaged").fetchall()
    assert rows == [(3, body[:-1] + b"\x01"), (4, b"\xc1")]


async def test_what_a_running_gateway_finds_damaged_is_replaced_beneath_it(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    path = tmp_path / "o.db"
    path.write_bytes(whole["closed"])
    async with running(path) as here:
        await forget_pages(here.outbox)
        with path.open("r+b") as file:
            for page in (20, 30):
                file.seek(page * PAGE)
                file.write(bytes(PAGE))

        async def rest() -> dict[int, Record]:
            return await here.delivered() if await here.outbox.backlog(0, RECORDS) else {}

        found: dict[int, Record] = {}

        async def is_back() -> bool:
            found.update(await rest())
            return bool(found)

        await eventually(is_back, what="what can still be read")
        assert RECORDS - 2 * MOST_ROWS_IN_A_PAGE <= len(found) < RECORDS
        here.outbox.append(record(0))
        await eventually(lambda: here.durable)
        assert here.durable[0].position > RECORDS
        assert here.outbox.epoch == EPOCH
    assert len(here.reports) == 1
    assert (tmp_path / "o.db.unreadable-1").exists()


async def test_only_where_no_place_tells_the_epoch_another_begins(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    path = tmp_path / "o.db"
    path.write_bytes(whole["closed"])
    with closing(sqlite3.connect(path)) as database:
        roots = database.execute("SELECT rootpage FROM sqlite_master WHERE name IN ('epoch', 'metadata')")
        pages = [page for (page,) in roots]
    content = bytearray(whole["closed"])
    for page in (1, *pages):
        content[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    path.write_bytes(content)
    async with running(path) as here:
        assert here.outbox.epoch == EPOCH + 1
        assert len(await here.delivered()) == RECORDS
    assert "new epoch" in here.reports[0]


async def test_a_start_after_a_death_between_two_renamings_goes_on_with_the_new_file(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    (tmp_path / "o.db.new").write_bytes(whole["closed"])
    (tmp_path / "o.db.unreadable-1").write_bytes(b"the damaged one")
    (tmp_path / "o.db-wal").write_bytes(whole["live-wal"])
    assert (await missing_after(tmp_path / "o.db"))[0] == set()
    assert (tmp_path / "o.db.unreadable-2-wal").read_bytes() == whole["live-wal"]


async def test_a_new_file_that_was_not_finished_is_begun_again(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    content = bytearray(whole["closed"])
    content[:PAGE] = bytes(PAGE)
    (tmp_path / "o.db").write_bytes(content)
    (tmp_path / "o.db.new").write_bytes(b"half of it")
    assert (await missing_after(tmp_path / "o.db"))[0] == set()


async def test_while_another_process_writes_the_backlog_can_be_read(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    (tmp_path / "o.db").write_bytes(whole["closed"])
    async with running(tmp_path / "o.db") as here:
        with closing(sqlite3.connect(tmp_path / "o.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert len(await here.delivered()) == RECORDS
            other.execute("ROLLBACK")


async def test_a_disk_that_cannot_be_read_is_reported_and_read_again(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    path = tmp_path / "o.db"
    path.write_bytes(whole["closed"])
    with structlog.testing.capture_logs() as log:
        async with running(path) as here:
            await forget_pages(here.outbox)
            with unreadable(path):
                assert await here.outbox.backlog(0, RECORDS) is None
                assert await here.outbox.backlog(0, RECORDS) is None
            assert len(await here.delivered()) == RECORDS
    assert [line["event"] for line in log] == ["outbox_unreadable", "outbox_readable"]


async def forget_pages(outbox: Outbox) -> None:
    """So that what is read comes from the disk."""

    def forget(database: sqlite3.Connection) -> None:
        for pragma in ("cache_size = 1", "shrink_memory"):
            database.execute(f"PRAGMA {pragma}")

    await outbox.disk.read(forget)


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Beneath SQLite, a file that gives errors in place of bytes."""
    ours = [
        int(entry.name)
        for entry in Path("/proc/self/fd").iterdir()
        if entry.exists() and entry.resolve() == path.resolve()
    ]
    kept = [os.dup(each) for each in ours]
    copy = path.with_name("unreadable")
    copy.write_bytes(path.read_bytes())
    nothing = os.open(copy, os.O_WRONLY)
    for each in ours:
        os.dup2(nothing, each)
    yield
    for each, before in zip(ours, kept, strict=True):
        os.dup2(before, each)
        os.close(before)
    os.close(nothing)
