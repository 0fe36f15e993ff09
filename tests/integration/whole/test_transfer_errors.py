"""Transferred bundles that are cut or changed, come late or twice, or meet a disk that is busy or full."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cloud.database import create_engine
from cloud.ingest.collector import Collector
from cloud.ingest.commit import Committer
from cloud.ingest.foreign import ForeignReporter
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.transfer import CarriedBundle, store_bundle
from cloud.inventory.store import InventoryStore
from cloud.telemetry.open import open_store
from edge.outbox import Outbox
from edge.tools.transfer import Imported, TransferError, export_records, import_answer
from protocols.lamp import LampReading, Reason
from protocols.lighting.plan import DEFAULT_PLAN, encode_plan
from protocols.transfer.bundle import Answer, BundleError, BundleKind, Header, pack_answer, sign_bundle
from tests.conftest import eventually
from tests.support.edge_cloud import clock_at
from tests.support.outbox_observer import CallingObserver
from tests.support.transfer_desk import EVENING, RECORDS, Desk, count, fill, want_a_plan

NEXT_DAY = EVENING + timedelta(days=1)
PLAN = encode_plan(DEFAULT_PLAN)
MASKS = (0x01, 0x80, 0xFF)


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    """A gateway with records, and a cloud with none."""
    here = Desk(tmp_path)
    await fill(here.config)
    return here


def damaged(content: bytes) -> Iterator[bytes]:
    """The bundle with each byte of its header changed, some behind it, and cut short at some places."""
    draw = random.Random(7)
    header = content.index(b"\n", content.index(b"\n") + 1) + 1
    for at in (*range(header), *(draw.randrange(header, len(content)) for _ in range(60))):
        for mask in MASKS:
            yield content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]
    for length in (*range(0, header + 1, 7), *(draw.randrange(len(content)) for _ in range(40))):
        yield content[:length]


def offered(desk: Desk) -> bytes:
    with closing(sqlite3.connect(desk.settings.outbox.state_path)) as database:
        document: bytes = database.execute("SELECT document FROM offered").fetchone()[0]
        return document


def waiting(desk: Desk) -> int:
    return count(desk.settings.outbox.path, "records")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process is writing this file and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield


def test_a_bundle_changed_or_cut_anywhere_is_refused_whole(desk: Desk) -> None:
    export_records(desk.settings, desk.bundle)
    content, engine = desk.bundle.read_bytes(), create_engine(desk.cloud.database_url)
    telemetry, directory = open_store(desk.cloud.telemetry_url), InventoryCache(InventoryStore(engine).load)
    committer = Committer(engine, telemetry, directory, clock_at(NEXT_DAY))
    collector = Collector(lambda _: None, ForeignReporter().foreign_message)
    committer.resume()
    for each in damaged(content):
        carried = CarriedBundle(each, "p", desk.cloud.gateway_keys, 1)
        with pytest.raises(BundleError):
            store_bundle(carried, committer, collector, plan_of=lambda _: b"{}")
    assert desk.stored() == (0, 0, 0)
    assert count(desk.folder / "cloud.db", "gateway_states") == 0
    stored = store_bundle(
        CarriedBundle(content, "p", desk.cloud.gateway_keys, 1), committer, collector, plan_of=lambda _: b"{}"
    )
    assert stored.records == RECORDS
    telemetry.close()
    engine.dispose()


def test_an_answer_changed_or_cut_anywhere_changes_nothing(desk: Desk) -> None:
    export_records(desk.settings, desk.bundle)
    desk.store_at(NEXT_DAY, desk.bundle)
    content, file = desk.bundle.with_suffix(".answer").read_bytes(), desk.folder / "damaged"
    for each in damaged(content):
        file.write_bytes(each)
        with pytest.raises(BundleError):
            import_answer(desk.settings, file)
    assert waiting(desk) == RECORDS
    assert count(desk.settings.outbox.state_path, "offered") == 0


def test_an_older_answer_does_not_undo_a_newer_plan(desk: Desk) -> None:
    export_records(desk.settings, desk.bundle)
    old, new = desk.folder / "old.answer", desk.folder / "new.answer"
    for level, answer, days in ((40, old, 1), (60, new, 200)):
        wanted = want_a_plan(desk.folder, level)
        desk.store_at(EVENING + timedelta(days=days), desk.bundle)
        desk.bundle.with_suffix(".answer").rename(answer)
    assert import_answer(desk.settings, new) == Imported(RECORDS, plan_accepted=True)
    assert import_answer(desk.settings, old) == Imported(0, plan_accepted=False)
    assert offered(desk) == wanted.document
    said = desk.run("edge", "import", "--config", desk.config, old)
    assert said.startswith("0 records are stored in the cloud and deleted here; its lighting plan is older")
    said = desk.run("edge", "import", "--older-plan", "--config", desk.config, old)
    assert said.endswith("the lighting plan is accepted\n")
    assert offered(desk) != wanted.document
    assert import_answer(desk.settings, new) == Imported(0, plan_accepted=True)


def test_an_older_answer_still_says_what_the_cloud_has(desk: Desk) -> None:
    export_records(desk.settings, desk.bundle)
    desk.store_at(NEXT_DAY, desk.bundle)
    with closing(sqlite3.connect(desk.settings.outbox.state_path)) as database, database:
        database.execute("INSERT INTO issued VALUES (?)", (2**50,))
    done = import_answer(desk.settings, desk.bundle.with_suffix(".answer"))
    assert done == Imported(RECORDS, plan_accepted=False)
    assert waiting(desk) == 0


@pytest.mark.parametrize("busy", ["outbox.path", "outbox.state_path"])
def test_a_busy_file_changes_nothing_and_it_can_be_done_again(
    desk: Desk, busy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.tools.transfer._BUSY_S", 0.02)
    export_records(desk.settings, desk.bundle)
    desk.store_at(NEXT_DAY, desk.bundle)
    answer, outbox = desk.bundle.with_suffix(".answer"), desk.settings.outbox
    path = outbox.path if busy == "outbox.path" else outbox.state_path
    with held(path):
        with pytest.raises(TransferError, match="database is locked: nothing has changed, import it again"):
            import_answer(desk.settings, answer)
        assert waiting(desk) == RECORDS
        assert count(outbox.state_path, "offered") == 0
    assert import_answer(desk.settings, answer) == Imported(RECORDS, plan_accepted=True)


def test_an_outbox_that_cannot_be_written_is_reported_with_what_was_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_records(desk.settings, desk.bundle)
    desk.store_at(NEXT_DAY, desk.bundle)
    answer, path = desk.bundle.with_suffix(".answer"), desk.settings.outbox.path
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TRIGGER full BEFORE DELETE ON records WHEN OLD.position = 2000"
            " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    said = desk.run("edge", "import", "--config", desk.config, answer, status=2)
    assert said == (
        f"lentera: {path}: disk is full: the plan is accepted, but only 0 records were deleted, "
        "import it again\n"
    )
    assert waiting(desk) == RECORDS
    monkeypatch.setattr("edge.outbox.offline._RECORDS_PER_COMMIT", 300)
    with pytest.raises(TransferError, match="but only 1800 records were deleted, import it again"):
        import_answer(desk.settings, answer)
    assert waiting(desk) == RECORDS - 1800
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TRIGGER full")
    assert import_answer(desk.settings, answer) == Imported(RECORDS - 1800, plan_accepted=True)
    assert waiting(desk) == 0


@pytest.mark.parametrize("ranges", [[(n, n) for n in range(1, 2000, 2)], [(1, 700), (900, 2**40)], []])
def test_all_that_is_named_and_nothing_else_is_forgotten(
    desk: Desk, ranges: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.outbox.offline._RECORDS_PER_COMMIT", 300)
    outbox = desk.settings.outbox.path
    with closing(sqlite3.connect(outbox)) as database:
        kept = {at for (at,) in database.execute("SELECT position FROM records")}
    for first, last in ranges:
        kept -= set(range(first, min(last, RECORDS) + 1))
    key = bytes.fromhex((desk.folder / "soreang-01.key").read_text())
    header = Header(BundleKind.ANSWER, "32.04.37", "soreang-01", 1_780_000_000_000)
    answer = desk.folder / "an.answer"
    answer.write_bytes(b"".join(sign_bundle(header, [pack_answer(Answer(ranges, PLAN))], key)))
    assert import_answer(desk.settings, answer).deleted == RECORDS - len(kept)
    with closing(sqlite3.connect(outbox)) as database:
        assert {at for (at,) in database.execute("SELECT position FROM records")} == kept


@pytest.mark.parametrize("file", ["outbox.path", "outbox.state_path"])
def test_a_file_that_is_no_database_is_named(desk: Desk, file: str) -> None:
    export_records(desk.settings, desk.bundle)
    desk.store_at(NEXT_DAY, desk.bundle)
    outbox = desk.settings.outbox
    path = outbox.path if file == "outbox.path" else outbox.state_path
    path.write_bytes(b"no database" * 1000)
    said = desk.run("edge", "import", "--config", desk.config, desk.bundle.with_suffix(".answer"), status=2)
    assert said.startswith(f"lentera: {path}: ")
    assert "nothing has changed" in said
    if path == outbox.path:
        said = desk.run("edge", "export", "--config", desk.config, desk.folder / "another", status=2)
        assert said.startswith(f"lentera: {path}: ")
        assert not list(desk.folder.glob("another*"))


def test_records_are_stored_though_the_answer_finds_no_place(desk: Desk) -> None:
    export_records(desk.settings, desk.bundle)
    nowhere = desk.folder / "nowhere" / "answer"
    said = desk.run("admin", "import", desk.bundle, "--answer", nowhere, status=2)
    assert f"{RECORDS} records of soreang-01 are stored, but the answer is not written" in said
    assert desk.stored()[0] == RECORDS - 2


def test_a_cloud_database_that_cannot_be_used_is_one_line(desk: Desk) -> None:
    export_records(desk.settings, desk.bundle)
    (desk.folder / "cloud.db").write_bytes(b"no database" * 1000)
    said = desk.store(status=2)
    assert "file is not a database" in said
    assert "Traceback" not in said


@asynccontextmanager
async def recording(desk: Desk) -> AsyncIterator[Outbox]:
    """The gateway's outbox at work, as it is while its process runs."""
    outbox = Outbox(desk.settings.outbox.path, lambda: 1)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(outbox.run(CallingObserver(lambda _: None)))
        await eventually(outbox.opened.is_set, what="the outbox")
        yield outbox
        running.cancel()
    await outbox.close()


async def record(outbox: Outbox, first: datetime, count: int) -> None:
    lit = LampReading("SOR-00001", first, 100, 100, Reason.PROGRAM, 99.0, 228.0, 0.4, 90.0)
    for n in range(count):
        outbox.append(replace(lit, time=first + timedelta(seconds=n)))
    await eventually(lambda: not outbox.unwritten, what="the disk")


async def test_two_visits_overlap_out_of_order_while_the_gateway_records_on(desk: Desk) -> None:
    want_a_plan(desk.folder)
    first, second = desk.folder / "1.bundle", desk.folder / "2.bundle"
    start = EVENING + timedelta(days=30)
    async with recording(desk) as outbox:
        assert export_records(desk.settings, first) == RECORDS
        await record(outbox, start, 100)
        assert export_records(desk.settings, second) == RECORDS + 100
        await record(outbox, start + timedelta(hours=1), 100)
        now = start + timedelta(days=1)
        for bundle in (second, first, second):
            desk.store_at(now, bundle)
            now += timedelta(hours=1)
        assert desk.stored() == (RECORDS - 2 + 100, 1, 0)
        answers = [bundle.with_suffix(".answer") for bundle in (second, first, second)]
        done = [import_answer(desk.settings, answer) for answer in answers]
        assert [each.deleted for each in done] == [RECORDS + 100, 0, 0]
        assert [each.plan_accepted for each in done] == [True, False, True]
        await record(outbox, start + timedelta(hours=2), 100)
        assert await outbox.count() == waiting(desk) == 200
        assert export_records(desk.settings, first) == 200
        desk.store_at(now, first)
    assert desk.stored() == (RECORDS - 2 + 300, 1, 0)
