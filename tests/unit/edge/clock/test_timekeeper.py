"""A clock that is not set, or set wrong: no record carries an impossible time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge.clock.timekeeper import EARLIEST, LATEST, NEAR, SEEN_EVERY_S, Timekeeper, TimeSource
from edge.outbox import Outbox, StoredRecord
from protocols.lamp import LampReading
from tests.conftest import eventually
from tests.support.clocks import FakeClock
from tests.support.outbox_observer import CallingObserver

TRUE = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
NEVER_SET = datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC)
YEAR = timedelta(days=365)
BEFORE = TRUE - timedelta(hours=3)


class Time:
    """The system's clock and the steady one, which go on together unless the former is set."""

    def __init__(
        self,
        shows: datetime,
        last_known: datetime | None = None,
        file: Path | None = None,
        *,
        last_seen: datetime | None = None,
        speed: float = 1.0,
    ) -> None:
        self.system, self.steady = FakeClock(shows, speed), FakeClock(TRUE, speed)
        self.keeper = Timekeeper(self.system, self.steady, file)
        self.shifts: list[timedelta] = []
        self.doubts: list[str | None] = []
        self.steps = 0
        self.keeper.observers.append(self)
        self.keeper.start(last_known, last_seen)

    def pass_s(self, seconds: float) -> None:
        self.system.instant += timedelta(seconds=seconds)
        self.steady.instant += timedelta(seconds=seconds)
        self.keeper.check()

    def step(self, by: timedelta) -> None:
        self.system.instant += by
        self.pass_s(1)
        self.pass_s(1)

    def write(self, file: Path) -> None:
        """What a synchronisation leaves behind, whatever the resolution of the file's time."""
        file.with_suffix(".new").touch()
        file.with_suffix(".new").replace(file)

    def clock_synchronised(self, shift: timedelta) -> None:
        self.shifts.append(shift)

    def clock_stepped(self) -> None:
        self.steps += 1

    def clock_doubted(self, reason: str | None) -> None:
        self.doubts.append(reason)


def test_a_clock_that_was_set_is_followed() -> None:
    time = Time(TRUE)
    assert time.keeper.is_known
    time.pass_s(5)
    assert time.keeper.now() == TRUE + timedelta(seconds=5)
    assert time.steps == 0
    time.system.instant += timedelta(hours=1)
    time.keeper.check()
    assert (time.steps, time.keeper.now()) == (1, time.system.instant)


def test_a_clock_in_1970_is_never_shown() -> None:
    time = Time(NEVER_SET)
    assert not time.keeper.is_known
    assert time.keeper.now() >= EARLIEST
    time.pass_s(30)
    assert time.keeper.now() == EARLIEST + timedelta(seconds=30)
    time.system.instant = TRUE
    time.keeper.check()
    assert time.keeper.is_known
    assert time.keeper.now() == TRUE
    assert time.shifts == [TRUE - EARLIEST - timedelta(seconds=30)]


def test_provisional_time_starts_after_all_earlier_stamps() -> None:
    last_seen = TRUE - timedelta(hours=3)
    time = Time(NEVER_SET, last_seen)
    assert time.keeper.now() == last_seen + timedelta(seconds=SEEN_EVERY_S)


def test_a_plausible_clock_waits_for_the_synchronization_file(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    time = Time(TRUE - timedelta(hours=5), TRUE - timedelta(hours=6), file)
    assert not time.keeper.is_known
    assert time.keeper.now() == TRUE - timedelta(hours=5)
    file.touch()
    time.system.instant = TRUE
    time.keeper.check()
    assert time.keeper.is_known
    assert time.shifts == [timedelta(hours=5)]


def test_the_time_is_set_from_the_cloud_until_the_clock_is_set() -> None:
    time = Time(NEVER_SET)
    time.keeper.set_from_cloud(NEVER_SET)
    assert not time.keeper.is_known
    time.keeper.set_from_cloud(TRUE)
    assert time.keeper.is_known
    time.pass_s(10)
    assert time.keeper.now() == TRUE + timedelta(seconds=10)
    time.keeper.set_from_cloud(TRUE + timedelta(days=1))
    assert time.keeper.now() == TRUE + timedelta(days=1)
    time.keeper.set_from_cloud(TRUE + timedelta(seconds=11))
    time.system.instant = TRUE + timedelta(seconds=12)
    time.keeper.check()
    assert time.keeper.source is TimeSource.SYSTEM
    assert time.keeper.now() == TRUE + timedelta(seconds=12)
    assert len(time.shifts) == 1


def test_a_clock_that_falls_back_to_1970_while_running_changes_nothing() -> None:
    time = Time(TRUE)
    time.pass_s(10)
    time.system.instant = NEVER_SET
    assert time.keeper.now() == TRUE + timedelta(seconds=10)
    time.pass_s(10)
    assert time.keeper.is_known
    assert time.keeper.now() == TRUE + timedelta(seconds=20)


def test_a_start_with_a_good_clock_logs_nothing() -> None:
    with capture_logs() as logs:
        time = Time(TRUE, TRUE - timedelta(days=3))
        time.pass_s(10)
        Time(TRUE)
    assert logs == []


def test_an_unknown_time_is_logged_once_and_so_is_its_end(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    with capture_logs() as logs:
        # Not even off, as it turns out: a logged doubt has its end logged all the same.
        time = Time(TRUE, None, file)
        time.pass_s(10)
        file.touch()
        time.pass_s(10)
        time.pass_s(10)
    assert [each["event"] for each in logs] == ["clock_not_trusted", "clock_synchronised"]


def test_a_clock_that_falls_back_is_logged_once_and_so_is_its_end() -> None:
    with capture_logs() as logs:
        time = Time(TRUE)
        time.system.instant = NEVER_SET
        time.pass_s(10)
        time.pass_s(10)
        time.system.instant = TRUE + timedelta(seconds=30)
        time.pass_s(10)
        time.pass_s(10)
    assert [each["event"] for each in logs] == ["clock_step_rejected", "clock_synchronised"]


@pytest.mark.parametrize("off", [-YEAR, -timedelta(hours=4), -3 * NEAR, 2 * YEAR], ids=str)
def test_a_start_at_an_impossible_time_is_provisional(off: timedelta) -> None:
    """The time of the last shutdown, a battery that died a year ago, a year too many."""
    time = Time(BEFORE + off, BEFORE)
    provisional = BEFORE + timedelta(seconds=SEEN_EVERY_S)
    assert (time.keeper.is_known, time.keeper.now()) == (False, provisional)
    time.pass_s(3600)
    assert not time.keeper.is_known, "it is still that much behind"
    time.system.instant = TRUE
    time.keeper.check()
    assert (time.keeper.is_known, time.keeper.now()) == (True, TRUE)
    assert time.shifts == [TRUE - provisional - timedelta(hours=1)]


def test_a_provisional_time_is_no_evidence_against_a_clock() -> None:
    """A gateway that was restarted often without a clock has guessed ahead of the truth."""
    time = Time(TRUE, BEFORE, last_seen=TRUE + timedelta(days=5))
    assert (time.keeper.is_known, time.keeper.now()) == (True, TRUE)


def test_a_long_time_without_power_is_believed() -> None:
    assert Time(TRUE, TRUE - YEAR).keeper.is_known


def test_a_start_before_the_last_known_time_waits_for_the_file(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    file.touch()
    time = Time(TRUE - YEAR, BEFORE, file)
    time.pass_s(10)
    assert not time.keeper.is_known
    time.write(file)
    time.pass_s(10)
    assert (time.keeper.is_known, time.keeper.now()) == (True, time.system.instant)


def test_the_cloud_confirms_a_start_at_an_impossible_time() -> None:
    time = Time(TRUE + 3 * YEAR, BEFORE)
    assert not time.keeper.is_known
    time.keeper.set_from_cloud(TRUE + 3 * YEAR - timedelta(seconds=1))
    assert time.keeper.source is TimeSource.SYSTEM
    assert time.keeper.now() == time.system.instant


@pytest.mark.parametrize("by", [-YEAR, -timedelta(hours=1), 2 * YEAR, NEVER_SET - TRUE], ids=str)
def test_a_clock_that_steps_far_is_followed_again_only_when_it_is_back(by: timedelta) -> None:
    time = Time(TRUE)
    time.system.instant += by
    assert time.keeper.now() == TRUE, "not even before it is looked after"
    time.step(timedelta())
    assert (time.keeper.source, time.keeper.is_known) == (TimeSource.HOLDOVER, True)
    assert time.keeper.now() == TRUE + timedelta(seconds=2)
    time.pass_s(3600)
    assert len(time.doubts) == 1
    time.step(-by)
    assert time.keeper.source is TimeSource.SYSTEM
    assert time.doubts[1:] == [None]
    assert time.keeper.now() == TRUE + timedelta(seconds=3604)
    assert (time.steps, time.shifts) == (0, [timedelta()])


def test_steps_of_seconds_are_followed_both_ways() -> None:
    time = Time(TRUE)
    for seconds in (-30, 45, -10):
        time.step(timedelta(seconds=seconds))
        assert time.keeper.now() == time.system.instant
    assert (time.steps, time.doubts) == (3, [])


def test_a_step_that_the_file_confirms_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    file.touch()
    time = Time(TRUE, None, file)
    time.step(-YEAR)
    assert time.keeper.now() == TRUE + timedelta(seconds=2), "the file is older than the step"
    time.write(file)
    time.pass_s(1)
    assert (time.keeper.source, time.keeper.now()) == (TimeSource.SYSTEM, time.system.instant)
    assert time.doubts[1:] == [None]


def test_the_file_may_be_written_a_moment_after_the_step(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    file.touch()
    time = Time(TRUE, None, file)
    time.system.instant -= timedelta(hours=7)
    time.pass_s(1)
    time.write(file)
    time.pass_s(1)
    assert (time.keeper.now(), time.doubts) == (time.system.instant, [])


def test_a_confirmed_clock_is_not_followed_ahead_either() -> None:
    """One that nothing has confirmed may have been wrong until now."""
    unconfirmed, confirmed = Time(TRUE), Time(TRUE)
    confirmed.keeper.set_from_cloud(TRUE)
    for time in (unconfirmed, confirmed):
        time.step(timedelta(days=30))
    assert unconfirmed.keeper.now() == unconfirmed.system.instant
    assert confirmed.keeper.now() == TRUE + timedelta(seconds=2)


@pytest.mark.parametrize("right", ["before", "after", "neither"])
def test_the_cloud_decides_which_time_is_right(right: str) -> None:
    time = Time(TRUE)
    time.step(-YEAR)
    shown, cloud = TRUE + timedelta(seconds=2), TRUE + timedelta(days=9)
    cloud_time = {"before": shown, "after": time.system.instant, "neither": cloud}[right]
    source = TimeSource.SYSTEM if right == "after" else TimeSource.CLOUD
    time.keeper.set_from_cloud(cloud_time)
    assert (time.keeper.source, time.keeper.now()) == (source, cloud_time)
    assert time.doubts[1:] == [None]
    time.pass_s(10)
    assert time.keeper.now() == cloud_time + timedelta(seconds=10)


def test_the_cloud_is_followed_where_nothing_confirms_the_clock() -> None:
    time = Time(TRUE - timedelta(hours=8))
    time.keeper.set_from_cloud(TRUE)
    assert (time.keeper.source, time.keeper.now()) == (TimeSource.CLOUD, TRUE)
    time.pass_s(10)
    assert time.keeper.now() == TRUE + timedelta(seconds=10)
    assert (len(time.doubts), time.doubts[-1], time.steps) == (2, None, 1)


def test_a_synchronized_clock_is_followed_not_the_cloud(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    file.touch()
    time = Time(TRUE, None, file)
    for _ in range(2):
        time.keeper.set_from_cloud(TRUE + timedelta(days=1))
    assert (time.keeper.now(), len(time.doubts)) == (TRUE, 1)
    for _ in range(2):
        time.keeper.set_from_cloud(TRUE)
    assert time.doubts[1:] == [None]


@pytest.mark.parametrize("nonsense", [NEVER_SET, LATEST, datetime.max.replace(tzinfo=UTC)], ids=str)
def test_an_impossible_time_is_never_followed(nonsense: datetime) -> None:
    time = Time(nonsense)
    time.keeper.set_from_cloud(nonsense)
    assert (time.keeper.is_known, time.keeper.now()) == (False, EARLIEST)


def test_a_fast_clock_is_set_by_as_many_of_its_minutes_more() -> None:
    time = Time(TRUE, TRUE + timedelta(hours=1), speed=60.0)
    assert time.keeper.is_known
    time.step(-timedelta(hours=1))
    assert time.keeper.now() == time.system.instant
    time.step(-YEAR)
    assert time.keeper.source is TimeSource.HOLDOVER


@asynccontextmanager
async def running(path: Path, durable: list[StoredRecord], corrected: list[bool]) -> AsyncIterator[Outbox]:
    outbox = Outbox(path, lambda: 1)
    task = asyncio.ensure_future(outbox.run(CallingObserver(durable.extend, lambda: corrected.append(True))))
    await outbox.opened.wait()
    try:
        yield outbox
    finally:
        task.cancel()
        await asyncio.wait([task])
        await outbox.close()


def reading(time: datetime) -> LampReading:
    return LampReading("SOR-00001", time)


async def test_provisional_records_are_corrected_even_after_a_restart(
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
        outbox.correct_times(shift)
        outbox.append(reading(TRUE))
        await eventually(lambda: corrected)
        times = [each.record.time for each in await outbox.after(0, 10)]
        assert times == [EARLIEST + timedelta(seconds=second) + shift for second in range(4)] + [TRUE]
        assert TRUE in [each.record.time for each in durable]
