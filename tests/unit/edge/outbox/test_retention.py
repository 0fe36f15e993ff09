"""What goes when the outbox is full: every second reading of each lamp, oldest first, and nothing else."""

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.outbox import Limit, Outbox, StoredRecord
from edge.outbox.decimation import ChangeDetector, Decimation
from edge.outbox.pending import PendingRecord, decimated
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult, CommandStatus, LampReading, Reason
from tests.conftest import eventually
from tests.support.outbox_observer import CallingObserver

NIGHT = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
LAMPS = 4


def reading(number: int, level: int = 100) -> LampReading:
    return LampReading(
        f"SOR-{number % LAMPS}",
        NIGHT + timedelta(seconds=10 * number),
        level,
        level,
        Reason.PROGRAM,
        float(level),
    )


async def filled(path: Path, limit: Limit, records: int) -> tuple[Outbox, list[StoredRecord]]:
    """An outbox that took so many records, with what is left of them; it is closed."""
    outbox = Outbox(path, lambda: 1, limit)
    await outbox.open()
    task = asyncio.ensure_future(outbox.run(CallingObserver(lambda _: None)))
    for number in range(records):
        if number % 500 == 250:
            outbox.append(DeviceEvent("SOR-0", EventType.DEVICE_RESET, NIGHT, True, str(number)))
        elif number % 500 == 251:
            outbox.append(CommandResult(str(number), "SOR-0", CommandStatus.CONFIRMED, NIGHT, 50))
        else:
            outbox.append(reading(number, 50 if number % 1000 >= 500 else 100))
        if number % 100 == 99:
            await eventually(lambda: not outbox.unwritten)
    await eventually(lambda: not outbox.unwritten)
    left = await outbox.after(0, records)
    task.cancel()
    await asyncio.wait([task])
    await outbox.close()
    return outbox, left


async def test_an_outbox_stays_within_its_rows_and_keeps_what_matters(tmp_path: Path) -> None:
    records = 10_000
    outbox, left = await filled(tmp_path / "o.db", Limit(records=2000), records)
    assert len(left) <= 2000
    assert outbox.holding.waiting == len(left)
    assert outbox.holding.decimated == records - len(left)
    kinds = Counter(type(each.record) for each in left)
    assert (kinds[DeviceEvent], kinds[CommandResult]) == (20, 20)
    changes = [
        each.record
        for each in left
        if isinstance(each.record, LampReading)
        and (each.record.time - NIGHT).total_seconds() % 5000 < 10 * (LAMPS + 2)
    ]
    assert len(changes) >= records / 500 * LAMPS - 2


async def test_the_whole_time_stays_covered_for_every_lamp(tmp_path: Path) -> None:
    _, left = await filled(tmp_path / "o.db", Limit(records=2000), 10_000)
    times: defaultdict[str, list[datetime]] = defaultdict(list)
    for each in left:
        if isinstance(each.record, LampReading):
            times[each.record.device_id].append(each.record.time)
    assert len(times) == LAMPS
    newest_half = NIGHT + timedelta(seconds=10 * (10_000 - 900))
    for of_lamp in times.values():
        gaps = [later - earlier for earlier, later in pairwise(sorted(of_lamp))]
        assert max(gaps) <= timedelta(seconds=10 * LAMPS * 20)
        assert min(of_lamp) - NIGHT < timedelta(minutes=5)
        newest = [gap for time, gap in zip(sorted(of_lamp), gaps, strict=False) if time > newest_half]
        assert set(newest) <= {timedelta(seconds=10 * LAMPS), timedelta(seconds=20 * LAMPS)}


async def test_a_limit_in_bytes_bounds_the_file(tmp_path: Path) -> None:
    limit = 1_000_000
    outbox, left = await filled(tmp_path / "o.db", Limit(size_bytes=limit), 10_000)
    assert (tmp_path / "o.db").stat().st_size < 1.2 * limit
    assert outbox.holding.size_bytes <= limit
    assert 500 < len(left) < 10_000


async def test_what_was_decimated_is_known_after_a_restart(tmp_path: Path) -> None:
    before, left = await filled(tmp_path / "o.db", Limit(records=2000), 4000)
    again = Outbox(tmp_path / "o.db", lambda: 1)
    await again.open()
    assert again.holding.decimated == before.holding.decimated > 0
    assert await again.count() == len(left)
    await again.close()


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=60), st.integers(1, 7))
def test_half_of_each_lamp_goes_whatever_the_portions(lamps: list[str | None], portion: int) -> None:
    decimation = Decimation()
    dropped: list[int] = []
    numbered = [(number, lamp, 1) for number, lamp in enumerate(lamps)]
    for start in range(0, len(numbered), portion):
        dropped += decimation.dropped(numbered[start : start + portion])
    counts, gone = Counter(lamps), Counter(lamps[number] for number in dropped)
    assert gone[None] == 0
    for lamp in ("a", "b"):
        assert gone[lamp] == counts[lamp] // 2
        first = next((number for number, each, _ in numbered if each == lamp), None)
        assert first not in dropped


def waiting(records: int) -> list[PendingRecord]:
    return [
        PendingRecord(DeviceEvent("SOR-0", EventType.DEVICE_RESET, NIGHT, True), True, True)
        if number % 20 == 0
        else PendingRecord(reading(number), False, True)
        for number in range(records)
    ]


def test_in_memory_too_events_and_the_newest_half_stay_and_the_oldest_go_first() -> None:
    every = waiting(1000)
    left = decimated(every, 900, 1, Decimation())
    assert len(left) == 900
    gone = [index for index, each in enumerate(every) if each not in left]
    assert all(isinstance(every[index].record, LampReading) for index in gone)
    assert max(gone) < 300
    least = decimated(waiting(1000), 0, 1, Decimation())
    assert least[-500:] == waiting(1000)[-500:]
    assert sum(each.keep for each in least) == 50
    assert len(least) == pytest.approx(1000 - 475 / 2, abs=LAMPS)


def test_what_passed_in_memory_is_not_decimated_again() -> None:
    decimation = Decimation()
    once = decimated(waiting(1000), 0, 1, decimation)
    twice = decimated(once, 0, 1, decimation)
    older = len(once) // 2
    assert len(once) - len(twice) <= (older - 262) / 2 + LAMPS
    assert twice[:200] == once[:200]
    decimation.begin_pass()
    assert len(decimated(twice, 0, 2, decimation)) < len(twice) - 80


def test_changes_are_distinguished_from_noise() -> None:
    watch = ChangeDetector()
    steps = [(100, 98.0, True), (100, 98.9, False), (100, 97.2, False), (50, 97.2, True), (50, 70.0, True)]
    steps += [(50, 51.0, True), (50, 49.0, False)]
    for number, (target, actual, expected) in enumerate(steps):
        one = LampReading("a", NIGHT + timedelta(seconds=number), target, target, Reason.PROGRAM, actual)
        assert watch.is_change(one) is expected
