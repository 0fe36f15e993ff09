"""The outbox: durable before it is sent, no position used twice, nothing deleted unacknowledged."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.outbox import Outbox, Record, StoredRecord
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult, CommandStatus, LampReading, Reason
from tests.conftest import eventually
from tests.support.outbox_observer import CallingObserver

NIGHT = datetime(2026, 6, 1, 13, 0, 0, 123000, tzinfo=UTC)


def reading(number: int) -> LampReading:
    return LampReading("SOR-00001", NIGHT + timedelta(minutes=number), 100, 99, Reason.PROGRAM, 98.5)


@asynccontextmanager
async def running(path: Path, durable: list[StoredRecord], epoch: int = 1000) -> AsyncIterator[Outbox]:
    outbox = Outbox(path, lambda: epoch)
    await outbox.open()
    task = asyncio.ensure_future(outbox.run(CallingObserver(durable.extend)))
    try:
        yield outbox
    finally:
        task.cancel()
        await asyncio.wait([task])
        await outbox.close()


async def test_records_of_every_kind_come_back_as_they_were(tmp_path: Path) -> None:
    records: list[Record] = [
        reading(1),
        DeviceEvent("SOR-00002", EventType.COMMUNICATION_FAILURE, NIGHT, True, "no answer"),
        CommandResult("c1", "SOR-00003", CommandStatus.FAILED, NIGHT, None, "refused"),
    ]
    durable: list[StoredRecord] = []
    async with running(tmp_path / "o.db", durable) as outbox:
        for record in records:
            outbox.append(record)
        await eventually(lambda: len(durable) == 3)
        assert durable == [StoredRecord(position, record) for position, record in enumerate(records, 1)]
        assert await outbox.after(0, 10) == durable
        assert await outbox.after(1, 1) == durable[1:2]


async def test_what_is_handed_on_is_on_disk_already(tmp_path: Path) -> None:
    seen: list[int] = []

    def look(records: object) -> None:
        with sqlite3.connect(tmp_path / "o.db") as other:
            seen.append(other.execute("SELECT COUNT(*) FROM records").fetchone()[0])
        other.close()
        del records

    outbox = Outbox(tmp_path / "o.db", lambda: 1)
    await outbox.open()
    task = asyncio.ensure_future(outbox.run(CallingObserver(look)))
    outbox.append(reading(1))
    await eventually(lambda: seen == [1])
    task.cancel()
    await asyncio.wait([task])
    await outbox.close()


async def test_acknowledged_records_go_and_their_positions_are_not_used_again(tmp_path: Path) -> None:
    durable: list[StoredRecord] = []
    async with running(tmp_path / "o.db", durable) as outbox:
        for number in range(5):
            outbox.append(reading(number))
        await eventually(lambda: len(durable) == 5)
        outbox.acknowledge([(1, 2), (4, 5)])
        await eventually(lambda: count_is(outbox, 1), what="the acknowledged to go")
        assert [each.position for each in await outbox.after(0, 10)] == [3]
        outbox.acknowledge([(3, 3)])
    async with running(tmp_path / "o.db", durable, epoch=2000) as outbox:
        assert await outbox.count() == 0
        assert outbox.epoch == 1000
        outbox.append(reading(9))
        await eventually(lambda: durable[-1:] == [StoredRecord(6, reading(9))])


async def count_is(outbox: Outbox, wanted: int) -> bool:
    return await outbox.count() == wanted


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", lambda: 1)
    await outbox.open()
    outbox.append(reading(1))
    await outbox.close()
    async with running(tmp_path / "o.db", []) as again:
        assert await again.count() == 1


async def test_a_full_disk_loses_nothing_that_comes_meanwhile(tmp_path: Path) -> None:
    durable: list[StoredRecord] = []
    async with running(tmp_path / "o.db", durable) as outbox:
        await fill_up(outbox, pages=1)
        numbers = range(200)
        for number in numbers:
            outbox.append(reading(number))
        await eventually(lambda: outbox.is_failing, what="the failure")
        assert durable == []
        await fill_up(outbox, pages=1_000_000)
        await eventually(lambda: len(durable) == len(numbers), what="the disk to have room again")


async def fill_up(outbox: Outbox, pages: int) -> None:
    await outbox.disk.read(lambda database: database.execute(f"PRAGMA max_page_count={pages}"))


async def test_a_file_that_is_no_database_is_set_aside_and_a_new_epoch_begins(tmp_path: Path) -> None:
    (tmp_path / "o.db").write_bytes(b"the card was pulled out" * 500)
    async with running(tmp_path / "o.db", [], epoch=77) as outbox:
        assert outbox.epoch == 77
        assert await outbox.count() == 0
    assert (tmp_path / "o.db.unreadable-1").read_bytes().startswith(b"the card")


async def test_while_the_disk_is_full_only_older_readings_are_decimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.outbox.pending.MOST_IN_MEMORY", 350)
    durable: list[StoredRecord] = []
    async with running(tmp_path / "o.db", durable) as outbox:
        await eventually(outbox.opened.is_set)
        await fill_up(outbox, pages=1)
        for number in range(200):
            outbox.append(reading(number))
            outbox.append(DeviceEvent("SOR-00001", EventType.DEVICE_RESET, NIGHT, True, str(number)))
        await eventually(lambda: outbox.is_failing and outbox.unwritten < 350, what="decimation")
        assert outbox.holding.decimated == 400 - outbox.unwritten
        await fill_up(outbox, pages=1_000_000)
        await eventually(lambda: not outbox.unwritten, what="the disk to have room again")
        assert outbox.holding.decimated == 400 - len(durable)
    events = [each.record for each in durable if isinstance(each.record, DeviceEvent)]
    assert [each.info for each in events] == [str(number) for number in range(200)]
    newest = [each.record for each in durable[-200:] if not isinstance(each.record, DeviceEvent)]
    assert newest == [reading(number) for number in range(100, 200)]
    assert durable[0].record == reading(0)
    assert [each.position for each in durable] == list(range(1, len(durable) + 1))
    async with running(tmp_path / "o.db", []) as again:
        assert again.holding.decimated == 400 - len(durable)


async def test_a_time_put_right_while_its_record_is_written_is_the_same_here_and_on_disk(
    tmp_path: Path,
) -> None:
    durable: list[StoredRecord] = []
    event = DeviceEvent("SOR-00002", EventType.DEVICE_RESET, NIGHT + timedelta(microseconds=400), True)
    shift = timedelta(hours=3, microseconds=700)
    async with running(tmp_path / "o.db", durable) as outbox:
        outbox.append(reading(1))
        await eventually(lambda: len(durable) == 1)
        other = sqlite3.connect(tmp_path / "o.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        outbox.append(event, timed=False)
        for _ in range(10):
            await asyncio.sleep(0)  # the outbox hands it to its disk's thread, which waits for the lock
        outbox.correct_times(shift)
        other.execute("COMMIT")
        other.close()
        await eventually(lambda: len(durable) == 2)

        async def kept() -> list[StoredRecord]:
            return await outbox.after(1, 10)

        await eventually(kept, what="its time put right on disk")
        assert await kept() == durable[1:]
