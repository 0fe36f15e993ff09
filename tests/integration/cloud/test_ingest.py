"""From a gateway's outbox into the stores, over a real broker, whatever is killed on the way."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import aiomqtt
import msgspec
import pytest
import sqlalchemy as sa

from cloud.alarms.events import EventRow
from cloud.alarms.store import AlarmRow
from cloud.commands.model import Command
from cloud.commands.store import CommandStore
from cloud.config import LIVE_TOPIC
from cloud.database import create_engine, upgrade
from cloud.ingest.dead_letters import DeadLetterRow
from cloud.ingest.service import IngestComponents, IngestLimits, run_ingest
from cloud.inventory.store import InventoryStore
from cloud.mqtt import BrokerAddress
from cloud.provisioning import import_inventory
from cloud.state.store import GatewayStateRow, LampStateRow
from cloud.telemetry.open import open_store
from cloud.telemetry.store import StoreUnavailable, TelemetryStore
from protocols.clock import system_clock
from protocols.events import DeviceEvent, EventType
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from protocols.lamp import CommandResult, CommandStatus, LampReading, Reason
from protocols.sparkplug.edge_node import HostOffline
from protocols.sparkplug.messages import decode_state
from tests.conftest import Broker, eventually
from tests.support.ingest_edge import Edge

DUSK = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
LATER = DUSK + timedelta(days=30)
AREA, GATEWAY = "32.04.37", "soreang-01"
LAMPS = [f"SOR-{number:05d}" for number in range(1, 11)]


def inventory() -> Inventory:
    lamps = [
        Lamp(lamp_id, AREA, GATEWAY, 1, unit, -7.03, 107.52, "Jalan Raya", rated_power_w=90.0)
        for unit, lamp_id in enumerate(LAMPS, 1)
    ]
    gateway = Gateway(GATEWAY, AREA, -7.03, 107.52, "Asia/Jakarta")
    return Inventory([Area(AREA, "Soreang", -7.03, 107.52)], [gateway], lamps)


def lit(lamp_id: str, minute: float, **changes: object) -> LampReading:
    reading = LampReading(
        lamp_id,
        DUSK + timedelta(minutes=minute),
        target_level_percent=100,
        feedback_level_percent=100,
        reason=Reason.PROGRAM,
        actual_level_percent=100.0,
        supply_voltage_v=228.0,
        active_power_w=88.0,
        lamp_failure=False,
        control_gear_failure=False,
    )
    return replace(reading, **changes)  # type: ignore[arg-type]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = create_engine(f"sqlite:///{tmp_path}/lentera.db")
    upgrade(engine)
    import_inventory(engine, inventory())
    yield engine
    engine.dispose()


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[TelemetryStore]:
    store = open_store(f"sqlite:///{tmp_path}/telemetry.db")
    yield store
    store.close()


@pytest.fixture
def parts(engine: sa.Engine, telemetry: TelemetryStore, mosquitto: Broker) -> IngestComponents:
    return IngestComponents(
        engine=engine,
        telemetry=telemetry,
        broker=BrokerAddress("127.0.0.1", mosquitto.port),
        load_inventory=InventoryStore(engine).load,
        clock=system_clock(time.time),
        limits=IngestLimits(linger_s=0.02, gateway_patience_s=0.2, gateway_return_s=1.0),
    )


@asynccontextmanager
async def running(*work: Awaitable[None]) -> AsyncIterator[None]:
    """Coroutines that run while the context is open and may not end by themselves."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield
        assert not [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def rows(engine: sa.Engine, table: type[Any]) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(table.__table__)).all())


def open_alarms(engine: sa.Engine) -> list[tuple[str, str]]:
    return sorted((row.device_id, row.type) for row in rows(engine, AlarmRow) if row.cleared_ms is None)


def delivered(edge: Edge) -> Callable[[], bool]:
    return lambda: edge.born and not edge.outbox


async def test_a_reading_is_acknowledged_after_it_is_stored(
    parts: IngestComponents, mosquitto: Broker, telemetry: TelemetryStore, engine: sa.Engine
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    for minute in range(5):
        for lamp in LAMPS:
            edge.put(lit(lamp, minute))
    async with running(run_ingest(parts), edge.run()):
        await eventually(delivered(edge), what="every record acknowledged")
    assert telemetry.count(LAMPS, DUSK, LATER) == 50
    states = {row.lamp_id: row for row in rows(engine, LampStateRow)}
    assert set(states) == set(LAMPS)
    assert states[LAMPS[0]].active_power_w == 88.0
    assert states[LAMPS[0]].online
    (gateway,) = rows(engine, GatewayStateRow)
    assert (gateway.gateway_id, gateway.online, gateway.epoch) == (GATEWAY, True, edge.epoch)


async def test_late_readings_do_not_overwrite_the_present(
    parts: IngestComponents, mosquitto: Broker, telemetry: TelemetryStore, engine: sa.Engine
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    for minute in (60, 1, 2, 3):
        edge.put(lit(LAMPS[0], minute, temperature_c=float(minute)))
    async with running(run_ingest(parts), edge.run()):
        await eventually(delivered(edge))
    assert telemetry.count(LAMPS, DUSK, LATER) == 4
    (state,) = rows(engine, LampStateRow)
    assert state.temperature_c == 60.0
    assert open_alarms(engine) == []


async def test_a_gateway_gets_the_time_at_its_birth(parts: IngestComponents, mosquitto: Broker) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    async with running(run_ingest(parts), edge.run()):
        await eventually(lambda: edge.sent_times, what="the time")
    (updates,) = edge.sent_times
    assert abs(updates - parts.clock.now()) < timedelta(seconds=10)


async def test_lamp_failure_from_first_dark_readings_to_repair(
    parts: IngestComponents, mosquitto: Broker, engine: sa.Engine
) -> None:
    edge, lamp = Edge(mosquitto.port, GATEWAY, LAMPS), LAMPS[3]
    for minute in range(3):
        edge.put(lit(lamp, minute))
    for minute in (3, 4):
        edge.put(lit(lamp, minute, active_power_w=0.8))
    async with running(run_ingest(parts), edge.run()):
        await eventually(lambda: open_alarms(engine) == [(lamp, "lampFailure")], what="lampFailure")
    edge.put(lit(lamp, 5, active_power_w=0.8))
    async with running(run_ingest(parts), edge.run()):  # a new ingester knows it already
        await eventually(delivered(edge))
        assert [row.type for row in rows(engine, AlarmRow)] == ["lampFailure"]
        for minute in (6, 7, 8):
            edge.put(lit(lamp, minute))
        await eventually(lambda: open_alarms(engine) == [], what="the end of lampFailure")
    (alarm,) = rows(engine, AlarmRow)
    assert (alarm.lamp_id, alarm.gateway_id, alarm.area_id) == (lamp, GATEWAY, AREA)
    assert alarm.severity == "critical"
    assert "0.8 W" in alarm.info


async def test_events_are_kept_once_and_the_newest_one_counts(
    parts: IngestComponents, mosquitto: Broker, engine: sa.Engine
) -> None:
    lamp = LAMPS[0]
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)

    def silent(minute: float, active: bool) -> DeviceEvent:
        return DeviceEvent(
            lamp, EventType.COMMUNICATION_FAILURE, DUSK + timedelta(minutes=minute), active, "no answer"
        )

    edge.put(silent(9, True))
    edge.put(silent(5, False))  # backlog: what was true before
    edge.put(DeviceEvent(lamp, EventType.DEVICE_RESET, DUSK, True, "boot counter 7"))
    async with running(run_ingest(parts), edge.run()):
        await eventually(delivered(edge))
        assert open_alarms(engine) == [(lamp, "communicationFailure")]
        edge.put(silent(12, False))
        await eventually(lambda: open_alarms(engine) == [], what="the end of communicationFailure")
    assert len(rows(engine, EventRow)) == 4
    assert [row.type for row in rows(engine, AlarmRow)] == ["communicationFailure"]


async def test_a_gateway_out_of_reach_is_one_alarm_and_its_lamps_are_unknown(
    parts: IngestComponents, mosquitto: Broker, engine: sa.Engine
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    for lamp in LAMPS:
        edge.put(lit(lamp, 0))
    async with running(run_ingest(parts)), running(edge.run()):
        await eventually(delivered(edge))
        await edge.kill_lamp(LAMPS[0])
        await eventually(lambda: [row.lamp_id for row in offline(engine)] == [LAMPS[0]])
        await edge.cut()
        await eventually(lambda: open_alarms(engine) == [(GATEWAY, "communicationFailure")])
        assert len(offline(engine)) == len(LAMPS)
        assert not rows(engine, GatewayStateRow)[0].online
        await edge.rebirth()
        await eventually(lambda: open_alarms(engine) == [], what="the end of communicationFailure")
        await eventually(lambda: [row.lamp_id for row in offline(engine)] == [LAMPS[0]])


def offline(engine: sa.Engine) -> list[Any]:
    return [row for row in rows(engine, LampStateRow) if not row.online]


async def test_a_gateway_that_vanished_while_no_one_looked_is_found(
    parts: IngestComponents, mosquitto: Broker, engine: sa.Engine
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    edge.put(lit(LAMPS[0], 0))
    async with running(run_ingest(parts), edge.run()):
        await eventually(delivered(edge))
    async with running(run_ingest(parts)):
        await eventually(lambda: open_alarms(engine) == [(GATEWAY, "communicationFailure")])
        assert not rows(engine, GatewayStateRow)[0].online


async def test_a_gateway_that_was_never_heard_of_is_missed_after_a_while(
    parts: IngestComponents, mosquitto: Broker, engine: sa.Engine
) -> None:
    parts = replace(parts, limits=replace(parts.limits, first_birth_s=1.0, inventory_refresh_s=0.2))
    other = Gateway("soreang-02", AREA, -7.03, 107.52, "Asia/Jakarta")
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    async with running(run_ingest(parts), edge.run()):
        await eventually(lambda: edge.born)
        import_inventory(engine, replace(inventory(), gateways=[*inventory().gateways, other]))
        await eventually(lambda: open_alarms(engine) == [("soreang-02", "communicationFailure")])


async def test_a_second_ingester_stands_by_until_the_first_ends(
    parts: IngestComponents, mosquitto: Broker, telemetry: TelemetryStore
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    async with running(edge.run()):
        first = asyncio.ensure_future(run_ingest(parts))
        await eventually(lambda: edge.born)
        async with running(run_ingest(parts)):
            births, until = edge.births, time.monotonic() + 2.5
            await eventually(lambda: time.monotonic() > until)
            assert edge.births == births, "they took the broker from one another"
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            edge.put(lit(LAMPS[0], 1))
            await eventually(delivered(edge), what="the second ingester")
    assert telemetry.count(LAMPS, DUSK, LATER) == 1


async def test_a_result_completes_its_command(
    parts: IngestComponents, mosquitto: Broker, engine: sa.Engine
) -> None:
    control = CommandStore(engine)
    command = Command("c1", 40, DUSK, DUSK + timedelta(minutes=1), None, "siti", "parade")
    control.add(command, LAMPS[:2])
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    edge.put(lit(LAMPS[0], 1, target_level_percent=40, feedback_level_percent=40, reason=Reason.OVERRIDE))
    edge.put(CommandResult("c1", LAMPS[0], CommandStatus.CONFIRMED, DUSK, 40))
    edge.put(CommandResult("unknown", LAMPS[0], CommandStatus.CONFIRMED, DUSK, 40))
    live: list[dict[str, Any]] = []
    async with running(listen(mosquitto.port, live), run_ingest(parts), edge.run()):
        await eventually(delivered(edge))
        await eventually(lambda: any(update["commands"] for update in live), what="the command, live")
    found = control.command("c1")
    assert found is not None
    assert {result.lamp_id: result.status.value for result in found[1]} == {
        LAMPS[0]: "confirmed",
        LAMPS[1]: "pending",
    }
    overrides = [lamp["override"] for update in live for lamp in update["lamps"] if lamp["override"]]
    assert overrides[-1]["requestedBy"] == "siti"


async def listen(port: int, live: list[dict[str, Any]]) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(LIVE_TOPIC)
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            live.append(msgspec.json.decode(message.payload))


async def test_open_maps_receive_what_changed(parts: IngestComponents, mosquitto: Broker) -> None:
    edge, live = Edge(mosquitto.port, GATEWAY, LAMPS), list[dict[str, Any]]()
    async with running(listen(mosquitto.port, live), run_ingest(parts), edge.run()):
        for minute in range(2):
            edge.put(lit(LAMPS[0], minute))
        edge.put(lit(LAMPS[0], 2, active_power_w=0.5, lamp_failure=True))
        await eventually(lambda: any(update["alarms"] for update in live), what="the alarm, live")
    last = [lamp for update in live for lamp in update["lamps"]][-1]
    assert last["state"] == "fault"
    assert last["alarms"] == ["lampFailure"]
    assert last["areaId"] == AREA
    assert next(gateway["online"] for update in live for gateway in update["gateways"]) is True


async def test_the_heartbeat_says_when_nothing_is_stored(
    parts: IngestComponents, mosquitto: Broker, telemetry: TelemetryStore
) -> None:
    """Alive is not at work: a store that stays away shows, and so does when readings were stored at last."""
    edge, live = Edge(mosquitto.port, GATEWAY, LAMPS), list[dict[str, Any]]()
    poison = Poison(telemetry, "none", away=1_000_000)
    limits = replace(parts.limits, longest_retry_s=0.5)
    parts = replace(parts, telemetry=cast("TelemetryStore", poison), limits=limits)

    def updates(storing: bool) -> list[dict[str, Any]]:
        beats = [update["ingest"] for update in live if update["ingest"]]
        return [beat for beat in beats if beat["storing"] is storing]

    edge.put(lit(LAMPS[0], 0))
    async with running(listen(mosquitto.port, live), run_ingest(parts), edge.run()):
        await eventually(lambda: updates(storing=False), what="the trouble, live")
        assert updates(storing=False)[-1]["dataAsOf"] is None
        poison.away = 0
        await eventually(
            lambda: [one for one in updates(storing=True) if one["dataAsOf"]], what="the recovery"
        )


async def test_state_says_offline_when_the_ingester_leaves(
    parts: IngestComponents, mosquitto: Broker
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    async with running(edge.run()):
        async with running(run_ingest(parts)):
            await eventually(lambda: edge.born)
        await eventually(lambda: not edge.born, what=HostOffline.__name__)
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.subscribe("spBv1.0/STATE/lentera")
        message = await anext(client.messages)
        assert isinstance(message.payload, bytes)
        assert decode_state(message.payload).online is False


class Poison:
    """A telemetry store that is away at first and never takes one reading."""

    def __init__(self, store: TelemetryStore, refused: str, away: int) -> None:
        self._store = store
        self._refused = refused
        self.away = away

    def write(self, readings: list[LampReading]) -> None:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        absurd = [
            replace(one, switch_on_counter=2**80) if one.device_id == self._refused else one
            for one in readings
        ]
        self._store.write(absurd)


async def test_an_unavailable_store_is_retried_a_refused_reading_is_kept(
    parts: IngestComponents, mosquitto: Broker, telemetry: TelemetryStore, engine: sa.Engine
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS, resend_s=5)
    for lamp in LAMPS:
        edge.put(lit(lamp, 0))
    poison = Poison(telemetry, LAMPS[4], away=2)
    async with running(run_ingest(replace(parts, telemetry=cast("TelemetryStore", poison))), edge.run()):
        await eventually(delivered(edge))
    assert poison.away == 0
    assert telemetry.count(LAMPS, DUSK, LATER) == len(LAMPS) - 1
    (letter,) = rows(engine, DeadLetterRow)
    assert (letter.kind, letter.device_id, letter.gateway_id) == ("reading", LAMPS[4], GATEWAY)


async def test_the_broker_is_killed_and_nothing_is_lost(
    parts: IngestComponents, mosquitto: Broker, telemetry: TelemetryStore
) -> None:
    edge = Edge(mosquitto.port, GATEWAY, LAMPS)
    async with running(run_ingest(parts), edge.run()):
        for minute in range(300):
            edge.put(lit(LAMPS[minute % 10], minute))
            if minute % 100 == 50:
                await eventually(lambda: edge.acknowledged > 0)
                mosquitto.kill()
                mosquitto.start()
            await asyncio.sleep(0.002)
        await eventually(delivered(edge))
    assert telemetry.count(LAMPS, DUSK, LATER) == 300


async def test_repeated_kills_of_the_ingester_neither_lose_nor_double_anything(
    mosquitto: Broker, telemetry: TelemetryStore, engine: sa.Engine, tmp_path: Path
) -> None:
    edges = [
        Edge(mosquitto.port, f"soreang-{n:02d}", [f"K{n}-{lamp}" for lamp in range(10)]) for n in range(3)
    ]
    total = 0

    def put(minute: int) -> int:
        for edge in edges:
            for lamp in edge.lamps:
                edge.put(lit(lamp, minute))
            edge.put(
                DeviceEvent(edge.lamps[0], EventType.DEVICE_RESET, DUSK + timedelta(minutes=minute), True)
            )
        return sum(len(edge.lamps) for edge in edges)

    async with running(*(edge.run() for edge in edges)):
        for life in range(4):
            with ingest_process(mosquitto.port, tmp_path) as process:
                await eventually(lambda: all(edge.born for edge in edges), what="births")
                enough = sum(edge.acknowledged for edge in edges) + 200
                for minute in range(life * 40, life * 40 + 40):
                    total += put(minute)
                    await asyncio.sleep(0.005)
                await eventually(lambda least=enough: sum(e.acknowledged for e in edges) > least)  # type: ignore[misc]
                process.send_signal(signal.SIGKILL)
                process.wait()
            assert any(edge.outbox for edge in edges), "killed too late to prove anything"
        with ingest_process(mosquitto.port, tmp_path):
            await eventually(lambda: not any(edge.outbox for edge in edges), what="all acknowledged")
    stored = [telemetry.count([lamp], DUSK, LATER) for edge in edges for lamp in edge.lamps]
    assert stored == [160] * 30
    assert sum(stored) == total
    events = rows(engine, EventRow)
    assert len(events) == 160 * 3
    assert sum(edge.sent for edge in edges) > total + len(events), "nothing was ever sent twice"


@contextmanager
def ingest_process(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An ingester in a process of its own."""
    script = Path(__file__).parents[2] / "support" / "ingest_process.py"
    process = subprocess.Popen(
        [sys.executable, str(script), str(port), str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
