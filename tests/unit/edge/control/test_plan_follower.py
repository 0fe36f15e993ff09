"""Which plan a gateway follows: from the cloud or transferred, over a restart, never one it cannot decode."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from edge.control.levels import Levels
from edge.control.plan_follower import PlanFollower
from edge.storage.state import StateStore
from edge.storage.state_tables import followed_plan, load_one, offer_plan, save_one
from protocols.lighting.plan import DEFAULT_PLAN, LightingPlan, encode_plan, plan_hash
from protocols.lighting.program import LightingProgram, Place
from protocols.lighting.talq import encode
from protocols.mapping import PlanState
from protocols.transfer.bundle import FollowedPlan
from tests.conftest import eventually
from tests.support.levels import plan_of_program

EVENING = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)


def at(level: int) -> LightingPlan:
    return plan_of_program(LightingProgram(f"always-{level}", "", initial_level_percent=level))


class Following:
    """A follower with the store and the levels it works on."""

    def __init__(self, store: StateStore) -> None:
        self.store = store
        self.levels = Levels(DEFAULT_PLAN, Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta")), 80, {})
        self.follower = PlanFollower("soreang-01", store, self.levels)
        self.changes = 0
        self.answers: list[PlanState] = []
        self.follower.add_observer(self._changed, self._answered)

    @property
    def level(self) -> int:
        return self.levels.at("SOR-00001", EVENING).level_percent

    def _changed(self) -> None:
        self.changes += 1

    def _answered(self) -> None:
        self.answers.append(self.follower.state)

    async def give(self, document: bytes) -> PlanState:
        count = len(self.answers)
        self.follower.submit(document)
        await eventually(lambda: len(self.answers) > count, what="an answer")
        return self.answers[-1]


@asynccontextmanager
async def following(path: Path) -> AsyncIterator[Following]:
    store = StateStore(path)
    await store.open()
    here = Following(store)
    await here.follower.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(here.follower.run())
            yield here
            running.cancel()
    finally:
        await store.close()


def bring(path: Path, document: bytes) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        save_one(database, "offered", "document", document)


def rows(path: Path, table: str) -> list[bytes]:
    with closing(sqlite3.connect(path)) as database:
        return [document for (document,) in database.execute(f"SELECT document FROM {table}")]  # noqa: S608


async def test_a_gateway_begins_with_the_built_in_plan(tmp_path: Path) -> None:
    async with following(tmp_path / "m.db") as here:
        assert here.follower.state == PlanState("", "")
        assert here.level == 100


async def test_a_plan_is_in_force_at_once_and_after_a_restart(tmp_path: Path) -> None:
    document = encode_plan(at(40))
    async with following(tmp_path / "m.db") as here:
        assert await here.give(document) == PlanState(plan_hash(document), "")
        assert (here.level, here.changes) == (40, 1)
    async with following(tmp_path / "m.db") as here:
        assert here.follower.state == PlanState(plan_hash(document), "")
        assert here.level == 40
        assert await here.give(encode_plan(at(60))) == PlanState(plan_hash(encode_plan(at(60))), "")
        assert here.level == 60
    assert rows(tmp_path / "m.db", "plan") == [encode_plan(at(60))]


async def test_the_same_plan_again_is_answered_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = encode_plan(at(40))
    async with following(tmp_path / "m.db") as here:
        await here.give(document)

        async def refuse(_: bytes) -> None:
            raise AssertionError("written again")

        monkeypatch.setattr(here.store, "save_plan", refuse)
        assert await here.give(document) == PlanState(plan_hash(document), "")
        assert here.changes == 1


@pytest.mark.parametrize("garbage", [b"", b"{", b"\xff\xfe", encode(LightingProgram("p", ""))])
async def test_garbage_leaves_the_plan_in_force_and_is_reported_once(tmp_path: Path, garbage: bytes) -> None:
    document = encode_plan(at(40))
    async with following(tmp_path / "m.db") as here:
        await here.give(document)
        with capture_logs() as logs:
            answers = [await here.give(garbage), await here.give(garbage)]
        assert {each.hash for each in answers} == {plan_hash(document)}
        assert answers[0].problem.startswith("the plan from the cloud: ")
        assert [each["event"] for each in logs] == ["plan_rejected"]
        assert here.level == 40
        assert await here.give(document) == PlanState(plan_hash(document), "")
    assert rows(tmp_path / "m.db", "plan") == [document]


async def test_a_transferred_plan_is_accepted_at_the_start(tmp_path: Path) -> None:
    document = encode_plan(at(40))
    async with following(tmp_path / "m.db"):
        bring(tmp_path / "m.db", b"to be replaced")
        bring(tmp_path / "m.db", document)
    async with following(tmp_path / "m.db") as here:
        assert here.follower.state == PlanState(plan_hash(document), "")
        assert here.level == 40
    assert rows(tmp_path / "m.db", "plan") == [document]
    assert rows(tmp_path / "m.db", "offered") == []


async def test_a_transferred_plan_is_accepted_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.control.plan_follower._TRANSFER_CHECK_S", 0.05)
    async with following(tmp_path / "m.db") as here:
        bring(tmp_path / "m.db", b"garbage")
        await eventually(lambda: here.answers, what="a refusal")
        assert here.answers[0].problem.startswith("the transferred plan: ")
        bring(tmp_path / "m.db", encode_plan(at(40)))
        # By its answer: the level changes before that is given.
        await eventually(lambda: len(here.answers) == 2, what="the plan")
        assert here.level == 40
        await here.give(encode_plan(at(60)))
        await eventually(lambda: not rows(tmp_path / "m.db", "offered"), what="the plan to be taken once")
    assert [each.hash for each in here.answers] == [
        "",
        plan_hash(encode_plan(at(40))),
        plan_hash(encode_plan(at(60))),
    ]


async def test_a_stored_plan_that_cannot_be_decoded_stops_nothing(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "m.db")
    await store.open()
    await store.save_plan(b"{")
    await store.close()
    async with following(tmp_path / "m.db") as here:
        assert here.follower.state.hash == ""
        assert here.follower.state.problem.startswith("the stored plan: ")
        assert here.level == 100


async def test_lamps_of_another_gateway_are_ignored(tmp_path: Path) -> None:
    plan = at(40)
    elsewhere = LightingPlan(
        plan.programs, plan.calendars, {"BAL-00001": plan.default_calendar_id}, plan.default_calendar_id
    )
    async with following(tmp_path / "m.db") as here:
        assert (await here.give(encode_plan(elsewhere))).problem == ""
        assert here.level == 40


def note(path: Path) -> tuple[int | None, str | None]:
    """When the newest plan was given, and why the last one was refused."""
    with closing(sqlite3.connect(path)) as database:
        return load_one(database, "issued", "time_ms"), load_one(database, "refused", "problem")


def carry(path: Path, document: bytes, issued_ms: int) -> bool:
    with closing(sqlite3.connect(path)) as database, database:
        return offer_plan(database, document, issued_ms)


async def test_a_transferred_plan_is_not_older_than_the_one_from_the_cloud(tmp_path: Path) -> None:
    path, document = tmp_path / "m.db", encode_plan(at(40))
    async with following(path) as here:
        here.follower.submit(document, 2000)
        await eventually(lambda: here.answers, what="an answer")
        assert not carry(path, encode_plan(at(60)), 1999)
        assert carry(path, encode_plan(at(70)), 2001)
        here.follower.submit(document, 1000)
        await eventually(lambda: len(here.answers) > 1, what="another answer")
    assert note(path) == (2001, None)
    assert rows(path, "offered") == [encode_plan(at(70))]


async def test_state_and_rejection_can_be_read_by_another_process(tmp_path: Path) -> None:
    path, document = tmp_path / "m.db", encode_plan(at(40))
    async with following(path) as here:
        assert followed_plan(path) == FollowedPlan("", "")
        await here.give(document)
        assert followed_plan(path) == FollowedPlan(plan_hash(document), "")
        here.follower.submit(b"{", 3000)
        await eventually(lambda: len(here.answers) > 1, what="a refusal")
        assert note(path)[0] is None, "a plan that was refused makes no other one older"
        followed = followed_plan(path)
        assert (followed.hash, followed.problem) == (plan_hash(document), here.follower.state.problem)
    async with following(path):
        assert followed_plan(path) == followed
    async with following(path) as here:
        await here.give(document)
        assert followed_plan(path) == FollowedPlan(plan_hash(document), "")
        await here.store.save_plan(b"{")
        assert followed_plan(path).problem.startswith("the stored plan: ")
        assert followed_plan(path).hash == ""
