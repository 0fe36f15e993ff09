"""A week without a cloud: how fast a gateway's backlog follows, and how long live readings take meanwhile."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.clock.timekeeper import Timekeeper
from edge.config.line_settings import DeviceConfig
from edge.control.command_executor import CommandExecutor
from edge.control.levels import Levels
from edge.control.plan_follower import PlanFollower
from edge.outbox import Outbox
from edge.storage.state import StateStore
from edge.uplink.uplink import Uplink
from protocols.clock import system_clock
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from protocols.lamp import LampReading, Reason
from protocols.lighting.plan import DEFAULT_PLAN
from protocols.lighting.program import Place
from tests.bench.ingester import running_ingester
from tests.bench.results import Result
from tests.conftest import Broker, eventually, free_port, require_program
from tests.support.gateway_configs import make_gateway_config
from tests.support.outbox_observer import CallingObserver

AREA, GATEWAY = "32.04.37", "soreang-01"
LAMPS = 100
POLL_S = 60
DAYS = 7
SPEED_WANTED = 50.0
LIVE_WANTED_S = 2.0
LIVE_LOST_AFTER_S = 60.0
ROWS_AT_ONCE = 20_000


async def backlog_drains() -> list[Result]:
    """A full week's backlog of a hundred lamps, watched from its first record to its last."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Broker(require_program("mosquitto"), free_port(), folder)
        broker.start()
        try:
            with running_ingester(folder, broker.port, _inventory()):
                return await _drain(folder, broker.port)
        finally:
            broker.kill()


async def _drain(folder: Path, port: int) -> list[Result]:
    telemetry = folder / "telemetry.db"
    outbox = Outbox(folder / "outbox.db", lambda: time.time_ns() // 1_000_000)
    backlog = await _fill(outbox)
    async with _uplink(folder, port, outbox):
        await eventually(lambda: outbox.holding.waiting < backlog, 60, "the first acknowledgement")
        before, began = backlog - outbox.holding.waiting, time.monotonic()
        latencies = await _live(outbox, telemetry)
        took_s = time.monotonic() - began
        lost = backlog + len(latencies) - _stored(telemetry)
    drained_s = (backlog - before) * POLL_S / LAMPS
    speed, wanted_s = drained_s / took_s, drained_s / SPEED_WANTED
    ranked = sorted(latencies)
    usual, slowest = ranked[len(ranked) * 99 // 100], ranked[-1]
    return [
        Result(
            f"{DAYS:g} days of {LAMPS} lamps drained, times real time",
            speed,
            "x",
            SPEED_WANTED,
            speed >= SPEED_WANTED and not lost,
        ),
        Result(
            f"{DAYS:g} days of {LAMPS} lamps drained in",
            took_s,
            "s",
            wanted_s,
            took_s <= wanted_s and not lost,
        ),
        Result(
            "live reading stored all the while, median", ranked[len(ranked) // 2], "s", LIVE_WANTED_S, True
        ),
        Result("live reading stored all the while, p99", usual, "s", LIVE_WANTED_S, usual <= LIVE_WANTED_S),
        Result(
            "live reading stored all the while, slowest",
            slowest,
            "s",
            LIVE_WANTED_S,
            slowest <= LIVE_WANTED_S,
        ),
    ]


async def _fill(outbox: Outbox) -> int:
    """A week of readings, one a minute and lamp, written as the gateway writes them; says how many."""
    await outbox.open()
    start = datetime.now(UTC) - timedelta(days=DAYS, minutes=10)
    readings = (
        _reading(lamp, start + timedelta(seconds=POLL_S * n + 0.5 * lamp))
        for n in range(int(DAYS * 86400) // POLL_S)
        for lamp in range(LAMPS)
    )
    while portion := list(islice(readings, ROWS_AT_ONCE)):
        for reading in portion:
            outbox.append(reading)
        while outbox.unwritten:
            await outbox._commit()
    return int(DAYS * 86400) // POLL_S * LAMPS


async def _live(outbox: Outbox, telemetry: Path) -> list[float]:
    """Record readings at the lamps' pace until nothing waits; wall seconds until each is in the store."""
    latencies: list[float] = []
    while outbox.holding.waiting:
        reading = _reading(len(latencies) % LAMPS, datetime.now(UTC))
        began = time.monotonic()
        outbox.append(reading)
        await eventually(partial(_holds, telemetry, reading), LIVE_LOST_AFTER_S, "a live reading")
        latencies.append(time.monotonic() - began)
        await asyncio.sleep(max(0.0, POLL_S / LAMPS - latencies[-1]))
    return latencies


class _LitLamps:
    """All lamps respond."""

    def last_readings(self) -> dict[str, LampReading]:
        return {_lamp(n): _reading(n, datetime.now(UTC)) for n in range(LAMPS)}


@asynccontextmanager
async def _uplink(folder: Path, port: int, outbox: Outbox) -> AsyncIterator[None]:
    config = make_gateway_config(
        folder,
        "/dev/null",
        [DeviceConfig(id=_lamp(0), unit=1)],
        gateway_id=GATEWAY,
        area=AREA,
        broker_port=port,
        poll_interval_s=60.0,
    )
    memory, clock = StateStore(folder / "memory.db"), system_clock(time.time)
    await memory.open()
    levels = Levels(DEFAULT_PLAN, Place(-7.0, 107.5, ZoneInfo("Asia/Jakarta")), 100, {})
    uplink = Uplink(
        config,
        outbox=outbox,
        state=memory,
        commands=CommandExecutor({}, levels, memory, clock, outbox),
        plan=PlanFollower("soreang-01", memory, levels),
        time=Timekeeper(clock, clock),
        devices=_LitLamps(),
        clock=clock,
    )
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(outbox.run(CallingObserver(uplink.sender.offer))),
            tasks.create_task(uplink.run()),
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
    await outbox.close()
    await memory.close()


def _stored(telemetry: Path) -> int:
    with closing(sqlite3.connect(f"file:{telemetry}?mode=ro", uri=True, timeout=10)) as database:
        count: int = database.execute("SELECT COUNT(*) FROM readings").fetchone()[0]
        return count


def _holds(telemetry: Path, reading: LampReading) -> bool:
    query = "SELECT 1 FROM readings WHERE lamp = (SELECT key FROM lamps WHERE id = ?) AND time_ms >= ?"
    since_ms = int(reading.time.timestamp() * 1000)
    with closing(sqlite3.connect(f"file:{telemetry}?mode=ro", uri=True, timeout=10)) as database:
        return database.execute(query, (reading.device_id, since_ms)).fetchone() is not None


def _inventory() -> Inventory:
    lamps = [Lamp(_lamp(n), AREA, GATEWAY, 1 + n // 50, 1 + n % 50, -7.0, 107.5) for n in range(LAMPS)]
    gateway = Gateway(GATEWAY, AREA, -7.0, 107.5, "Asia/Jakarta")
    return Inventory([Area(AREA, "Soreang", -7.0, 107.5)], [gateway], lamps)


def _lamp(number: int) -> str:
    return f"SOR-{number + 1:05}"


def _reading(lamp: int, at: datetime) -> LampReading:
    return LampReading(
        device_id=_lamp(lamp),
        time=at,
        target_level_percent=100,
        feedback_level_percent=100,
        reason=Reason.PROGRAM,
        actual_level_percent=100.0,
        supply_voltage_v=228.4,
        supply_current_a=0.412,
        active_power_w=90.3,
        power_factor=0.96,
        temperature_c=41.0,
        active_energy_kwh=123.4,
        operating_hours_h=1234.5,
        switch_on_counter=321,
        lamp_failure=False,
        control_gear_failure=False,
    )
