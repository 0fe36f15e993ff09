"""Batches made durable, on SQLite and on PostgreSQL: whole or not at all, and twice is once."""

import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import sqlalchemy as sa

from cloud.alarms.model import AlarmFilter, AlarmState, ReportedEvent
from cloud.alarms.store import AlarmStore
from cloud.alarms.views import AlarmView
from cloud.commands.model import Command
from cloud.commands.store import CommandStore
from cloud.database import create_engine, table_of
from cloud.ingest.batch import Batch, DevicePresence, MalformedRecord, OutboxId
from cloud.ingest.commit import Committer
from cloud.ingest.dead_letters import DeadLetterRow
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.leader_lock import leader_lock_for
from cloud.inventory.store import InventoryStore
from cloud.live.model import LiveUpdate
from cloud.provisioning import import_inventory
from cloud.state.cabinets import load_cabinet_states
from cloud.state.store import load_gateway_states, load_lamp_states
from cloud.state.views import LampCondition
from cloud.telemetry.open import open_store
from cloud.telemetry.store import StoreUnavailable, TelemetryStore
from protocols.cabinet import CabinetReading, DeviceReading
from protocols.clock import ScaledClock
from protocols.device_kinds import CABINETS
from protocols.events import DeviceEvent, EventType
from protocols.inventory.model import Area, Cabinet, Gateway, Inventory, Lamp
from protocols.lamp import CommandResult, CommandStatus, LampReading, Reason
from protocols.mapping import gateway_birth
from protocols.sparkplug.host_events import NodeBorn, NodeDied

DUSK = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
NODE = ("32.04.37", "soreang-01")
OUTBOX = OutboxId(NODE, 77)
LAMPS = ["SOR-00001", "SOR-00002"]
CABINET = "soreang-01-cabinet"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = create_engine(database_url)
    area, gateway = Area(NODE[0], "Soreang", 0, 0), Gateway(NODE[1], NODE[0], 0, 0, "Asia/Jakarta")
    lamps = [Lamp(lamp, NODE[0], NODE[1], 1, unit, 0, 0) for unit, lamp in enumerate(LAMPS, 1)]
    cabinets = [Cabinet(CABINET, NODE[1], 1, 201, 202)]
    import_inventory(engine, Inventory([area], [gateway], lamps, cabinets=cabinets))
    yield engine
    engine.dispose()


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[TelemetryStore]:
    store = open_store(f"sqlite:///{tmp_path}/telemetry.db")
    yield store
    store.close()


@pytest.fixture
def committer(engine: sa.Engine, telemetry: TelemetryStore) -> Committer:
    return resumed(engine, telemetry)


def resumed(engine: sa.Engine, telemetry: TelemetryStore) -> Committer:
    clock = ScaledClock(DUSK, 0.0, 1.0, lambda: 3600.0)
    committer = Committer(engine, telemetry, InventoryCache(InventoryStore(engine).load), clock)
    committer.resume()
    return committer


def lit(minute: float, lamp_id: str = LAMPS[0], **changes: object) -> LampReading:
    reading = LampReading(
        lamp_id,
        DUSK + timedelta(minutes=minute),
        target_level_percent=100,
        feedback_level_percent=100,
        reason=Reason.PROGRAM,
        active_power_w=90.0,
        switch_on_counter=4_000_000_000,
        lamp_failure=False,
    )
    return replace(reading, **changes)  # type: ignore[arg-type]


def batch(*readings: LampReading, events: tuple[DeviceEvent, ...] = (), first: int = 1) -> Batch:
    made = Batch(readings=list(readings))
    made.events = [ReportedEvent(NODE[1], 77, first + index, event) for index, event in enumerate(events)]
    made.sources = {reading.device_id: NODE for reading in readings}
    made.positions[OUTBOX] = list(range(first, first + len(readings) + len(events)))
    return made


def silent(minute: float, active: bool = True) -> DeviceEvent:
    return DeviceEvent(LAMPS[1], EventType.COMMUNICATION_FAILURE, DUSK + timedelta(minutes=minute), active)


def alarms(engine: sa.Engine) -> list[AlarmView]:
    return AlarmStore(engine).page(AlarmFilter(state=AlarmState.ALL), 100, None).items


FAILING = [lit(0), lit(1), lit(2, active_power_w=1.0), lit(3, active_power_w=1.0)]


def test_the_same_batch_twice_changes_nothing(
    committer: Committer, engine: sa.Engine, telemetry: TelemetryStore
) -> None:
    whole = batch(*FAILING, events=(silent(1),))
    first = committer.commit(whole)
    assert [alarm.type for alarm in first.alarms] == ["lampFailure", "communicationFailure"]
    seen = alarms(engine)
    assert committer.commit(whole).alarms == ()
    assert resumed(engine, telemetry).commit(whole).alarms == ()
    assert alarms(engine) == seen
    assert telemetry.count(LAMPS, DUSK, DUSK + timedelta(days=1)) == 4


def test_a_refresh_of_the_inventory_waits_for_the_commit_that_runs(
    engine: sa.Engine, telemetry: TelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    committer = resumed(engine, telemetry)
    storing, may_store = threading.Event(), threading.Event()
    write = telemetry.write

    def slow_write(readings: Sequence[DeviceReading]) -> None:
        storing.set()
        assert may_store.wait(30)
        write(readings)

    monkeypatch.setattr(telemetry, "write", slow_write)
    with ThreadPoolExecutor(2) as threads:
        commit = threads.submit(committer.commit, batch(lit(0)))
        assert storing.wait(30)
        refresh = threads.submit(committer.refresh_inventory)
        assert wait([refresh], timeout=0.2).not_done == {refresh}
        may_store.set()
        assert commit.result(30).lamps
        refresh.result(30)


def test_a_batch_enters_fewer_than_20_functions_of_the_ingester(committer: Committer) -> None:
    """The way of a batch can be read in one go: assess, persist, publish."""
    committer.commit(batch(lit(0)))
    entered: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and not code.co_name.startswith("<") and "/cloud/ingest/" in code.co_filename:
            entered.add(f"{Path(code.co_filename).name}:{code.co_name}")

    sys.setprofile(note)
    try:
        committer.commit(batch(lit(1), events=(silent(1),), first=2))
    finally:
        sys.setprofile(None)
    assert {"commit.py:commit", "assess.py:assess", "persist.py:persist", "publish.py:live_update"} <= entered
    assert len(entered) < 20, sorted(entered)


def test_the_whole_state_survives_a_restart(
    committer: Committer, engine: sa.Engine, telemetry: TelemetryStore
) -> None:
    committer.commit(batch(*FAILING))
    with engine.connect() as connection:
        assert load_lamp_states(connection)[LAMPS[0]].reading == FAILING[-1]
    after = resumed(engine, telemetry)
    assert after.commit(batch(lit(4, active_power_w=1.0), lit(5, active_power_w=1.0), first=5)).alarms == ()
    update = after.commit(batch(*(lit(minute) for minute in range(6, 9)), first=7))
    assert [(alarm.type, alarm.cleared_at) for alarm in update.alarms] == [
        ("lampFailure", DUSK + timedelta(minutes=7))
    ]
    assert update.lamps[-1].state is LampCondition.LIT


def test_a_transfer_by_another_process_is_loaded_while_offline(
    committer: Committer, engine: sa.Engine, telemetry: TelemetryStore
) -> None:
    committer.commit(batch(lit(0)))
    resumed(engine, telemetry).commit(batch(*FAILING[1:], first=2))  # `lentera admin import`
    committer.refresh_inventory()
    update = committer.commit(batch(*(lit(minute) for minute in range(6, 9)), first=7))
    assert [(alarm.type, alarm.cleared_at) for alarm in update.alarms] == [
        ("lampFailure", DUSK + timedelta(minutes=8))
    ]


def test_a_commit_that_fails_is_as_if_it_had_not_been(
    committer: Committer, engine: sa.Engine, telemetry: TelemetryStore
) -> None:
    def fail(_connection: sa.Connection) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, OSError("disk is full"))

    sa.event.listen(engine, "commit", fail)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        committer.commit(batch(*FAILING, events=(silent(1),)))
    sa.event.remove(engine, "commit", fail)
    assert alarms(engine) == []
    update = committer.commit(batch(*FAILING, events=(silent(1),)))
    assert [alarm.type for alarm in update.alarms] == ["lampFailure", "communicationFailure"]
    assert telemetry.count(LAMPS, DUSK, DUSK + timedelta(days=1)) == 4


def test_the_newest_event_counts_in_whatever_order_they_come(committer: Committer, engine: sa.Engine) -> None:
    committer.commit(batch(events=(silent(9, active=False),), first=9))
    committer.commit(batch(events=(silent(5),), first=1))
    assert alarms(engine) == []
    committer.commit(batch(events=(silent(12), silent(13, active=False), silent(14)), first=20))
    (alarm,) = alarms(engine)
    assert (alarm.raised_at, alarm.cleared_at) == (DUSK + timedelta(minutes=14), None)


def test_presence_of_a_gateway_and_its_lamps(committer: Committer, engine: sa.Engine) -> None:
    committer.commit(batch(lit(0), lit(0, LAMPS[1])))
    died = Batch()
    died.add_node(NodeDied(*NODE))
    update = committer.commit(died)
    assert {lamp.state for lamp in update.lamps} == {LampCondition.UNKNOWN}
    assert [gateway.online for gateway in update.gateways] == [False]
    update = committer.commit(Batch(lost=[NODE]))
    assert [(alarm.lamp_id, alarm.type) for alarm in update.alarms] == [(None, "communicationFailure")]
    born = Batch()
    born.add_node(NodeBorn(*NODE, gateway_birth(78, 0), 3))
    born.devices[LAMPS[0]] = DevicePresence(NODE, online=True)
    update = committer.commit(born)
    assert {lamp.id: lamp.state for lamp in update.lamps} == {LAMPS[0]: LampCondition.LIT}
    assert [alarm.cleared_at is None for alarm in update.alarms] == [False]
    with engine.connect() as connection:
        assert load_gateway_states(connection)[NODE[1]].epoch == 78
        states = load_lamp_states(connection)
    assert {lamp: state.online for lamp, state in states.items()} == {LAMPS[0]: True, LAMPS[1]: False}


def test_a_result_of_a_known_command_shows_its_override(committer: Committer, engine: sa.Engine) -> None:
    CommandStore(engine).add(Command("c1", 40, DUSK, DUSK, None, "siti", "parade"), LAMPS)
    work = batch(lit(1, target_level_percent=40, feedback_level_percent=40, reason=Reason.OVERRIDE))
    work.results = [CommandResult("c1", LAMPS[0], CommandStatus.CONFIRMED, DUSK, 40)]
    update = committer.commit(work)
    assert [command.id for command in update.commands] == ["c1"]
    (lamp,) = update.lamps
    assert lamp.override is not None
    assert (lamp.override.requested_by, lamp.override.note) == ("siti", "parade")


POISON = {
    "a reading beyond the column": lambda work: work.readings.append(lit(9, switch_on_counter=2**70)),
    "a reading without time zone": lambda work: work.readings.append(
        replace(lit(1), time=datetime(2026, 3, 1, 11, 1))  # noqa: DTZ001
    ),
    "an event beyond the column": lambda work: work.events.append(
        ReportedEvent(NODE[1], 77, 2**70, silent(1))
    ),
    "an event without time zone": lambda work: work.events.append(
        ReportedEvent(NODE[1], 77, 50, replace(silent(1), time=datetime(2026, 3, 1)))  # noqa: DTZ001
    ),
    "a result beyond the column": lambda work: work.results.append(
        CommandResult("c1", LAMPS[0], CommandStatus.CONFIRMED, DUSK, 2**70)
    ),
    "a result before the calendar": lambda work: work.results.append(
        CommandResult("c1", LAMPS[0], CommandStatus.CONFIRMED, datetime(2026, 3, 1), 40)  # noqa: DTZ001
    ),
}


@pytest.mark.parametrize("kind", POISON)
def test_one_record_no_store_takes_is_a_dead_letter_the_others_stored(
    committer: Committer, engine: sa.Engine, telemetry: TelemetryStore, kind: str
) -> None:
    CommandStore(engine).add(Command("c1", 40, DUSK, DUSK, None, "siti", ""), LAMPS)
    work = batch(*FAILING, events=(silent(1),))
    work.results = [CommandResult("c1", LAMPS[1], CommandStatus.CONFIRMED, DUSK, 40)]
    work.add_node(NodeBorn(*NODE, gateway_birth(77, 0), 3))
    POISON[kind](work)
    for _ in range(2):
        committer.commit(work)
        assert {alarm.type for alarm in alarms(engine)} == {"lampFailure", "communicationFailure"}
        assert telemetry.count(LAMPS, DUSK, DUSK + timedelta(days=1)) == 4
        with engine.connect() as connection:
            (row,) = connection.execute(sa.select(table_of(DeadLetterRow))).all()
            assert load_gateway_states(connection)[NODE[1]].online
        assert row.kind == kind.split()[1]
        assert row.device_id in LAMPS


FAR = 40_000_000.0  # minutes from dusk: the year 2102


def test_a_lamp_removed_and_added_again_can_fail_again(committer: Committer, engine: sa.Engine) -> None:
    committer.commit(batch(*FAILING))
    whole = InventoryStore(engine).load()
    import_inventory(engine, replace(whole, lamps=whole.lamps[1:]))
    committer.refresh_inventory()
    import_inventory(engine, whole)
    committer.refresh_inventory()
    again = [
        lit(20),
        lit(21),
        lit(22, active_power_w=1.0),
        lit(23, active_power_w=1.0),
    ]
    assert [alarm.type for alarm in committer.commit(batch(*again, first=20)).alarms] == ["lampFailure"]


def test_a_clock_far_ahead_neither_freezes_a_lamp_nor_mutes_its_alarms(
    committer: Committer, telemetry: TelemetryStore
) -> None:
    wrong = batch(lit(FAR), *FAILING[:2], events=(silent(FAR, active=False), silent(1)))
    first = committer.commit(wrong)
    assert [alarm.type for alarm in first.alarms] == ["communicationFailure"]
    assert [lamp.observed_at for lamp in first.lamps if lamp.id == LAMPS[0]] == [FAILING[1].time]
    assert [alarm.type for alarm in committer.commit(batch(*FAILING[2:], first=9)).alarms] == ["lampFailure"]
    assert telemetry.count(LAMPS, DUSK, DUSK + timedelta(days=60_000)) == 5


def test_states_that_are_in_the_future_already_are_healed(
    engine: sa.Engine, telemetry: TelemetryStore
) -> None:
    later = Committer(
        engine,
        telemetry,
        InventoryCache(InventoryStore(engine).load),
        ScaledClock(DUSK + timedelta(minutes=FAR), 0.0, 1.0, lambda: 0.0),
    )
    later.resume()
    wrong = batch(lit(FAR))
    wrong.cabinets, wrong.sources = [cabinet(FAR)], {**wrong.sources, CABINET: NODE}
    later.commit(wrong)
    after = resumed(engine, telemetry)
    right = batch(lit(1), first=2)
    right.cabinets, right.sources = [cabinet(1)], {**right.sources, CABINET: NODE}
    after.commit(right)
    with engine.connect() as connection:
        assert load_lamp_states(connection)[LAMPS[0]].reading == lit(1)
        assert load_cabinet_states(connection)[CABINET].reading == cabinet(1)


def test_records_about_another_gateways_devices_are_dead_letters(
    committer: Committer, engine: sa.Engine, telemetry: TelemetryStore
) -> None:
    committer.commit(batch(lit(0)))
    work = Batch(foreign=[(lit(1), "other"), (ReportedEvent("other", 1, 1, silent(1)), "other")])
    assert committer.commit(work) == committer.commit(work) == LiveUpdate()
    assert telemetry.count(LAMPS, DUSK, DUSK + timedelta(days=1)) == 1
    with engine.connect() as connection:
        kept = connection.execute(sa.select(table_of(DeadLetterRow))).all()
    assert sorted((row.kind, row.gateway_id, row.device_id) for row in kept) == [
        ("event", "other", LAMPS[1]),
        ("reading", "other", LAMPS[0]),
    ]


def test_records_that_cannot_be_read_are_dead_letters(committer: Committer, engine: sa.Engine) -> None:
    """They are acknowledged, so they must be kept; the same one again is the same row."""
    work = Batch(malformed=[MalformedRecord(NODE[1], "SOR\0", "a\0b, expected c", '[{"value":"\\u0000"}]')])
    committer.commit(work)
    committer.commit(work)
    with engine.connect() as connection:
        (row,) = connection.execute(sa.select(table_of(DeadLetterRow))).all()
    assert (row.kind, row.gateway_id, row.device_id, row.error) == (
        "malformed",
        NODE[1],
        "SOR",
        "ab, expected c",
    )
    assert row.record == '[{"value":"\\u0000"}]'


def test_lamps_that_are_in_no_inventory_are_stored_and_not_shown(
    committer: Committer, engine: sa.Engine, telemetry: TelemetryStore
) -> None:
    strays = [lit(minute, "STRAY", active_power_w=0.2) for minute in range(4)]
    update = committer.commit(batch(*strays))
    assert update.lamps == ()
    assert telemetry.count(["STRAY"], DUSK, DUSK + timedelta(days=1)) == 4
    (alarm,) = alarms(engine)
    assert (alarm.lamp_id, alarm.gateway_id, alarm.area_id) == ("STRAY", NODE[1], NODE[0])


def cabinet(minute: float, **changes: Any) -> CabinetReading:
    reading = CabinetReading(CABINET, DUSK + timedelta(minutes=minute), total_power_kw=3.0, door_open=False)
    return replace(reading, **changes)


def cabinet_batch(*readings: CabinetReading) -> Batch:
    return Batch(cabinets=list(readings), sources={CABINET: NODE})


def test_a_cabinet_is_stored_and_its_open_door_raises_one_alarm(
    committer: Committer, engine: sa.Engine, telemetry: TelemetryStore
) -> None:
    work = cabinet_batch(cabinet(0), cabinet(1, door_open=True))
    update = committer.commit(work)
    assert [(alarm.type, alarm.lamp_id, alarm.gateway_id) for alarm in update.alarms] == [
        ("cabinetDoorOpen", None, NODE[1])
    ]
    assert committer.commit(work).alarms == ()
    after = resumed(engine, telemetry)
    assert after.commit(cabinet_batch(cabinet(2, door_open=True))).alarms == ()
    (ended,) = after.commit(cabinet_batch(cabinet(3))).alarms
    assert ended.cleared_at == DUSK + timedelta(minutes=3)
    assert telemetry.count([CABINET], DUSK, DUSK + timedelta(days=1), kind=CABINETS) == 4
    with engine.connect() as connection:
        assert load_cabinet_states(connection)[CABINET].reading == cabinet(3)


def test_a_cabinet_that_falls_silent_is_an_alarm_of_the_gateway(committer: Committer) -> None:
    event = DeviceEvent(CABINET, EventType.COMMUNICATION_FAILURE, DUSK, active=True)
    (alarm,) = committer.commit(batch(events=(event,))).alarms
    assert (alarm.type, alarm.lamp_id, alarm.gateway_id) == ("communicationFailure", None, NODE[1])


def test_presence_of_a_cabinet(committer: Committer, engine: sa.Engine) -> None:
    def online() -> bool:
        with engine.connect() as connection:
            return load_cabinet_states(connection)[CABINET].online

    committer.commit(cabinet_batch(cabinet(0)))
    assert online()
    for seen in (False, True):
        work = Batch()
        work.devices[CABINET] = DevicePresence(NODE, online=seen)
        committer.commit(work)
        assert online() is seen
    died = Batch()
    died.add_node(NodeDied(*NODE))
    committer.commit(died)
    assert not online()


def test_one_ingester_holds_the_leader_lock_of_a_database(database_url: str) -> None:
    engines = [create_engine(database_url) for _ in range(2)]
    first, second = (leader_lock_for(engine) for engine in engines)
    assert (first.acquire(), first.acquire(), second.acquire()) == (True, True, False)
    first.release()
    assert (second.acquire(), first.acquire()) == (True, False)
    second.release()
    for engine in engines:
        engine.dispose()
