"""A clock that is not set yet: nothing is stamped with a time that cannot be, and all is put right later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from structlog.testing import capture_logs

from edge.outbox import Outbox, StoredRecord
from edge.timekeeping import EARLIEST, SEEN_EVERY_S, Timekeeper
from protocols.lamp import LampReading
from tests.conftest import eventually

TRUE = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
NEVER_SET = datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC)


@dataclass
class HandClock:
    """A clock that a test sets."""

    present: datetime
    speed: float = 1.0

    def now(self) -> datetime:
        return self.present


class Time:
    """The system's clock and the steady one, which go on together unless the former is set."""

    def __init__(self, shows: datetime, last_seen: datetime | None = None, file: Path | None = None) -> None:
        self.system, self.steady = HandClock(shows), HandClock(TRUE)
        self.keeper = Timekeeper(self.system, self.steady, file)
        self.shifts: list[timedelta] = []
        self.steps = 0
        self.keeper.add_observer(self.shifts.append, self._step)
        self.keeper.start(last_seen)

    def pass_s(self, seconds: float) -> None:
        self.system.present += timedelta(seconds=seconds)
        self.steady.present += timedelta(seconds=seconds)
        self.keeper.check()

    def _step(self) -> None:
        self.steps += 1


def test_a_clock_that_was_set_is_followed() -> None:
    time = Time(TRUE)
    assert time.keeper.is_known
    time.pass_s(5)
    assert time.keeper.now() == TRUE + timedelta(seconds=5)
    assert time.steps == 0
    time.system.present += timedelta(hours=1)
    time.keeper.check()
    assert (time.steps, time.keeper.now()) == (1, time.system.present)


def test_a_clock_in_1970_is_never_shown() -> None:
    time = Time(NEVER_SET)
    assert not time.keeper.is_known
    assert time.keeper.now() >= EARLIEST
    time.pass_s(30)
    assert time.keeper.now() == EARLIEST + timedelta(seconds=30)
    time.system.present = TRUE
    time.keeper.check()
    assert time.keeper.is_known
    assert time.keeper.now() == TRUE
    assert time.shifts == [TRUE - EARLIEST - timedelta(seconds=30)]


def test_it_goes_on_behind_all_that_was_stamped_before() -> None:
    last_seen = TRUE - timedelta(hours=3)
    time = Time(NEVER_SET, last_seen)
    assert time.keeper.now() == last_seen + timedelta(seconds=SEEN_EVERY_S)


def test_a_plausible_clock_waits_for_the_file_that_says_it_is_synchronized(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    time = Time(TRUE - timedelta(hours=5), TRUE - timedelta(hours=6), file)
    assert not time.keeper.is_known
    assert time.keeper.now() == TRUE - timedelta(hours=5)
    file.touch()
    time.system.present = TRUE
    time.keeper.check()
    assert time.keeper.is_known
    assert time.shifts == [timedelta(hours=5)]


def test_the_cloud_can_tell_the_time_until_the_clock_is_set() -> None:
    time = Time(NEVER_SET)
    time.keeper.told(NEVER_SET)
    assert not time.keeper.is_known
    time.keeper.told(TRUE)
    assert time.keeper.is_known
    time.pass_s(10)
    assert time.keeper.now() == TRUE + timedelta(seconds=10)
    time.keeper.told(TRUE + timedelta(days=1))
    assert time.keeper.now() == TRUE + timedelta(seconds=10)
    time.system.present = TRUE + timedelta(seconds=12)
    time.keeper.check()
    assert time.keeper.now() == TRUE + timedelta(seconds=12)
    assert len(time.shifts) == 1


def test_a_clock_that_falls_back_to_1970_while_running_changes_nothing() -> None:
    time = Time(TRUE)
    time.pass_s(10)
    time.system.present = NEVER_SET
    assert time.keeper.now() == TRUE + timedelta(seconds=10)
    time.pass_s(10)
    assert time.keeper.is_known
    assert time.keeper.now() == TRUE + timedelta(seconds=20)


def test_a_start_with_a_good_clock_has_nothing_to_say() -> None:
    with capture_logs() as logs:
        time = Time(TRUE, TRUE - timedelta(days=3))
        time.pass_s(10)
        Time(TRUE)
    assert logs == []


def test_a_time_that_is_not_known_is_told_once_and_so_is_its_end(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    with capture_logs() as logs:
        # Not even off, as it turns out: who was told of the doubt is told of its end.
        time = Time(TRUE, None, file)
        time.pass_s(10)
        file.touch()
        time.pass_s(10)
        time.pass_s(10)
    assert [each["event"] for each in logs] == ["clock is not trusted", "time is known"]


def test_a_clock_that_falls_back_is_told_once_and_so_is_its_end() -> None:
    with capture_logs() as logs:
        time = Time(TRUE)
        time.system.present = NEVER_SET
        time.pass_s(10)
        time.pass_s(10)
        time.system.present = TRUE + timedelta(seconds=30)
        time.pass_s(10)
        time.pass_s(10)
    assert [each["event"] for each in logs] == ["clock fell back: going on without it", "time is known"]


@asynccontextmanager
async def running(path: Path, durable: list[StoredRecord], corrected: list[bool]) -> AsyncIterator[Outbox]:
    outbox = Outbox(path, lambda: 1)
    task = asyncio.ensure_future(outbox.run(durable.extend, lambda: corrected.append(True)))
    await outbox.opened.wait()
    try:
        yield outbox
    finally:
        task.cancel()
        await asyncio.wait([task])
        await outbox.close()


def reading(time: datetime) -> LampReading:
    return LampReading("SOR-00001", time)


async def test_provisional_records_wait_on_disk_and_are_put_right_even_after_a_restart(
    tmp_path: Path,
) -> None:
    durable: list[StoredRecord] = []
    corrected: list[bool] = []
    shift = timedelta(days=200, milliseconds=7)
    async with running(tmp_path / "o.db", durable, corrected) as outbox:
        for second in range(3):
            outbox.append(reading(EARLIEST + timedelta(seconds=second)), timed=False)
        await eventually(lambda: not outbox.unwritten)
        assert (durable, await outbox.after(0, 10), await outbox.count()) == ([], [], 3)
    async with running(tmp_path / "o.db", durable, corrected) as outbox:
        outbox.append(reading(EARLIEST + timedelta(seconds=3)), timed=False)
        outbox.put_times_right(shift)
        outbox.append(reading(TRUE))
        await eventually(lambda: corrected)
        times = [each.record.time for each in await outbox.after(0, 10)]
        assert times == [EARLIEST + timedelta(seconds=second) + shift for second in range(4)] + [TRUE]
        assert TRUE in [each.record.time for each in durable]
