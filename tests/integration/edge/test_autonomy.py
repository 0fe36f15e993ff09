"""Thirty days without a cloud: every switching within a second of its instant, through two power cuts.

Every lamp has a calendar of its own, none of which is the built-in plan. The first cut is in the middle of
a night and under an override. After the second one the clock shows 1970 for two hours. One command's start
comes after the first cut, another's within the second. Time is virtual, the files and the controllers'
firmware are real.
"""

import asyncio
import random
import struct
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import structlog

from edge.config.line_settings import DeviceConfig
from edge.config.settings import GatewayConfig
from edge.gateway import run_gateway
from edge.line import Lane, Line, LineCounters, LineSettings
from edge.outbox import Outbox, StoredRecord
from edge.storage.state import StateStore
from edge.uplink.uplink import Uplink
from firmware_sim.devices.controller import LampController
from firmware_sim.devices.luminaire import Luminaire, LuminaireTraits
from firmware_sim.devices.mains import Feeder, FeederTraits
from protocols.clock import Clock, ScaledClock
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult, CommandStatus, LampReading, LightCommand
from protocols.lighting.calendar import Calendar, CalendarRule, MonthDay
from protocols.lighting.plan import LightingPlan, encode_plan, levels_of_nights
from protocols.lighting.priority import Override
from protocols.lighting.program import LightingProgram, Place, SwitchPoint
from protocols.modbus.codec import ReadBlock, Write
from tests.support import virtual_time
from tests.support.clocks import OffsetClock
from tests.support.gateway_configs import make_gateway_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ZONE = ZoneInfo("Asia/Jakarta")
PLACE = Place(-7.03, 107.52, ZONE)
START = datetime(2026, 6, 1, 12, 0, tzinfo=ZONE)
DAYS = 30
LAMPS = (1, 2, 3)
SAFE_LEVEL = 80
TRANSACTION_S = 0.03
EXACT = timedelta(seconds=1)

CUT = START + timedelta(days=10, hours=11, minutes=30)  # 23:30: lamps are dimmed
BACK = CUT + timedelta(minutes=5)
HELD = Override("c1", 30, START + timedelta(days=10, hours=8), START + timedelta(days=10, hours=16))
SECOND_CUT = START + timedelta(days=20, hours=14)  # 02:00
BACK_IN_1970 = SECOND_CUT + timedelta(hours=1)
TIME_SET = BACK_IN_1970 + timedelta(hours=2)
END = START + timedelta(days=DAYS)

WEEKEND = frozenset({6, 7})
PLAN = LightingPlan(
    (
        LightingProgram(
            "market", "Market", -10, 5, 90, (SwitchPoint(clock_time(22), 60), SwitchPoint(clock_time(4), 95))
        ),
        LightingProgram("quiet", "Quiet", 5, -10, 70, (SwitchPoint(clock_time(21, 30), 20),)),
        LightingProgram("all-night", "All night", initial_level_percent=85),
    ),
    (
        Calendar("market", "", (CalendarRule("all-night", weekdays=WEEKEND),), "market"),
        Calendar(
            "village",
            "",
            (
                CalendarRule("all-night", date(2026, 6, 16), date(2026, 6, 17)),  # the Islamic new year
                CalendarRule("market", MonthDay(6, 26), MonthDay(6, 27)),
                CalendarRule("quiet"),
            ),
        ),
        Calendar("usual", "", (), "market"),
    ),
    {"SOR-00001": "market", "SOR-00002": "village"},
    "usual",
)
TO_COME = LightCommand(
    "c2",
    "SOR-00002",
    45,
    START + timedelta(days=12, hours=10),  # 22:00
    START + timedelta(days=12, hours=10, minutes=5),
    START + timedelta(days=12, hours=12),
)
TOO_LATE = LightCommand(
    "c3",
    "SOR-00001",
    10,
    SECOND_CUT + timedelta(minutes=30),
    SECOND_CUT + timedelta(minutes=40),
    SECOND_CUT + timedelta(hours=6),
)


@dataclass
class Street:
    """The controllers of one line; what they were at, and when they were polled, by the true time."""

    true: Clock
    controllers: dict[int, LampController] = field(default_factory=dict)
    changes: dict[int, list[tuple[datetime, int]]] = field(default_factory=dict)
    answered: dict[int, list[datetime]] = field(default_factory=dict)

    def build(self) -> None:
        t_s, rng = self.true.now().timestamp(), random.Random(1)
        feeder = Feeder(FeederTraits.draw(rng), 300.0, 0.1, 107.52)
        for unit in LAMPS:
            traits = LuminaireTraits.draw(rng, 90.0, 107.52, 0.5, 0)
            self.controllers[unit] = LampController(Luminaire(traits, feeder, t_s), 7, t_s)
            self.changes[unit], self.answered[unit] = [], []

    def ask(self, units: Sequence[int], pdu: bytes) -> bytes:
        now = self.true.now()
        answer = b""
        for unit in units:
            controller = self.controllers[unit]
            controller.hears(now.timestamp())
            answer = controller.answer(pdu, now.timestamp())
            level = controller.feedback_percent
            if not self.changes[unit] or self.changes[unit][-1][1] != level:
                self.changes[unit].append((now, level))
        return answer


class VirtualLine(Line):
    """A wire whose time is virtual: each transaction takes what it takes at 9600 baud."""

    def __init__(self, street: Street, name: str) -> None:
        self.name = name
        self.counters = LineCounters()
        self._street = street
        self._wire = asyncio.Lock()
        self._down = None

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def read(self, unit: int, block: ReadBlock, lane: Lane) -> Sequence[int]:
        del lane
        function = 4 if block.table.value == "input" else 3
        answer = await self._transact([unit], struct.pack(">BHH", function, block.address, block.count))
        if function == 4:
            self._street.answered[unit].append(self._street.true.now())
        return struct.unpack(f">{block.count}H", answer[2:])

    async def write(self, unit: int, write: Write, lane: Lane) -> None:
        del lane
        await self._transact([unit], struct.pack(">BHH", 6, write.address, write.words[0]))

    async def broadcast(self, write: Write, lane: Lane) -> None:
        del lane
        await self._transact(LAMPS, struct.pack(">BHH", 6, write.address, write.words[0]))

    async def _transact(self, units: Sequence[int], pdu: bytes) -> bytes:
        async with self._wire:
            await asyncio.sleep(TRANSACTION_S)
            return self._street.ask(units, pdu)


def lamp(unit: int) -> str:
    return f"SOR-{unit:05}"


def config(folder: Path) -> GatewayConfig:
    devices = [DeviceConfig(id=lamp(unit), unit=unit) for unit in LAMPS]
    return make_gateway_config(
        folder, "/dev/ttyUSB0", devices, poll_interval_s=1800, default_level=SAFE_LEVEL
    )


async def powered(folder: Path, street: Street, system: OffsetClock, until: datetime) -> None:
    """The gateway from now until the power is cut."""

    def make_line(settings: LineSettings) -> Line:
        return VirtualLine(street, settings.port)

    # The steady clock begins again with each start, wherever it begins.
    loop = asyncio.get_running_loop()
    steady = ScaledClock(START, loop.time(), 1.0, loop.time)
    task = asyncio.ensure_future(run_gateway(config(folder), system, steady=steady, make_line=make_line))
    await asyncio.sleep((until - street.true.now()).total_seconds())
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def thirty_days(folder: Path) -> tuple[Street, list[StoredRecord]]:
    loop = asyncio.get_running_loop()
    true = ScaledClock(START.astimezone(UTC), loop.time(), 1.0, loop.time)
    street, system = Street(true), OffsetClock(true)
    street.build()
    store = StateStore(config(folder).outbox.state_path)
    await store.open()
    await store.save_plan(encode_plan(PLAN))
    await store.save_overrides({lamp(3): HELD})
    await store.save_commands([TO_COME, TOO_LATE])
    await store.close()

    await powered(folder, street, system, CUT)
    await asyncio.sleep((BACK - true.now()).total_seconds())
    await powered(folder, street, system, SECOND_CUT)
    await asyncio.sleep((BACK_IN_1970 - true.now()).total_seconds())
    system.offset = datetime(1970, 1, 1, 0, 0, 9, tzinfo=UTC) - true.now()
    loop.call_later((TIME_SET - true.now()).total_seconds(), setattr, system, "offset", timedelta(0))
    await powered(folder, street, system, END)

    outbox = Outbox(config(folder).outbox.path, lambda: 1)
    await outbox.open()
    records = await outbox.after(0, 1_000_000)
    assert len(records) == await outbox.count(), "records whose time is still not known"
    await outbox.close()
    return street, records


def overridden(unit: int) -> Override | None:
    """The commands for a lamp in that month."""
    if unit == 2:
        return Override("c2", 45, TO_COME.start, TO_COME.expiration)
    return HELD if unit == 3 else None


def planned(unit: int) -> list[tuple[datetime, int]]:
    """What a lamp must do: its calendar, its override, the safe level without a clock."""
    plan = levels_of_nights(PLAN, PLAN.calendar_of(lamp(unit)), PLACE, date(2026, 5, 31), DAYS + 3)
    pauses = [(SECOND_CUT, BACK_IN_1970), (CUT, BACK)]
    instants = {time for time in plan.times if START < time < END} | {START, BACK_IN_1970, TIME_SET}
    override = overridden(unit)
    if override is not None and override.expiration is not None:
        instants |= {override.start, override.expiration}
    changes: list[tuple[datetime, int]] = []
    for instant in sorted(instants):
        assert not any(begin < instant < end for begin, end in pauses)
        level = plan.at(instant).level_percent
        if override is not None and override.is_active(instant):
            level = override.level_percent
        if BACK_IN_1970 <= instant < TIME_SET:
            level = SAFE_LEVEL
        if not changes or changes[-1][1] != level:
            changes.append((instant, level))
    return changes


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Street, list[StoredRecord]]:
    """Thirty days, lived once."""

    async def no_cloud(_: Uplink) -> None:
        await asyncio.Event().wait()  # trying to connect 500,000 times would prove nothing here

    with pytest.MonkeyPatch.context() as patch, structlog.testing.capture_logs():
        patch.setattr(Uplink, "run", no_cloud)
        return virtual_time.run(thirty_days(tmp_path_factory.mktemp("month")))


@pytest.mark.parametrize("unit", LAMPS)
def test_every_lamp_switches_within_a_second_of_its_instant(
    month: tuple[Street, list[StoredRecord]], unit: int
) -> None:
    street, _ = month
    expected, actual = planned(unit), street.changes[unit]
    assert [level for _, level in actual] == [level for _, level in expected]
    for (due, level), (done, _) in zip(expected, actual, strict=True):
        # A clock that was set is noticed by looking at it once a second.
        patience = 2 * EXACT if due == TIME_SET else EXACT
        assert timedelta(0) <= done - due <= patience, f"{level} % was due at {due}"
    assert len(actual) > 2 * (DAYS - 1)


def test_what_the_calendars_say_is_seen_in_that_month() -> None:
    """Else a plan that was lost, or a rule, would not be noticed."""
    levels = {unit: {level for _, level in planned(unit)} for unit in LAMPS}
    assert levels == {
        1: {0, 85, 90, 60, 95, 80},
        2: {0, 70, 20, 85, 90, 60, 95, 45, 80},
        3: {0, 90, 60, 95, 30, 80},
    }


@pytest.mark.parametrize("unit", LAMPS)
def test_a_reboot_does_not_move_a_lamp_that_is_where_it_should_be(
    month: tuple[Street, list[StoredRecord]], unit: int
) -> None:
    street, _ = month
    at_the_cut = [level for time, level in street.changes[unit] if time < CUT][-1]
    moved = [time for time, _ in street.changes[unit] if CUT <= time <= BACK + timedelta(hours=1)]
    assert moved == []
    polled = [time for time in street.answered[unit] if BACK <= time <= BACK + timedelta(minutes=1)]
    assert polled, "the level of now was not looked at"
    assert at_the_cut == {1: 60, 2: 20, 3: 30}[unit]


def test_scheduled_commands_start_once_or_expire(month: tuple[Street, list[StoredRecord]]) -> None:
    _, records = month
    results = [each.record for each in records if isinstance(each.record, CommandResult)]
    answers = [(each.command_id, each.status, each.level_percent) for each in results]
    assert answers == [("c2", CommandStatus.CONFIRMED, 45), ("c3", CommandStatus.EXPIRED, None)]
    for result, due in zip(results, (TO_COME.start, TIME_SET), strict=True):
        assert timedelta(0) <= result.time - due <= timedelta(seconds=2)


def test_nothing_is_stamped_outside_the_month(month: tuple[Street, list[StoredRecord]]) -> None:
    _, records = month
    assert all(START <= each.record.time <= END for each in records)


def test_no_record_has_a_time_that_was_not(month: tuple[Street, list[StoredRecord]]) -> None:
    street, records = month
    readings = [each.record for each in records if isinstance(each.record, LampReading)]
    assert len(readings) == sum(len(times) for times in street.answered.values())
    for reading in readings:
        times = street.answered[int(reading.device_id[-5:])]
        nearest = times[max(0, bisect_left(times, reading.time) - 1) :][:2]
        # Put right by what the clock was off when that was noticed, a second after it was set at most.
        assert min(abs(reading.time - time) for time in nearest) <= timedelta(seconds=1.5)


def test_the_time_without_a_clock_is_one_event_that_begins_and_ends(
    month: tuple[Street, list[StoredRecord]],
) -> None:
    _, records = month
    events = [each.record for each in records if isinstance(each.record, DeviceEvent)]
    reported = [(each.active, each.time) for each in events if each.type is EventType.LAST_SYNC_ERROR]
    assert [active for active, _ in reported] == [True, False]
    assert {each.type for each in events} == {EventType.LAST_SYNC_ERROR}
    for (_, time), due in zip(reported, (BACK_IN_1970, TIME_SET), strict=True):
        assert abs(time - due) < timedelta(seconds=2)


def test_readings_come_at_their_pace_but_for_the_cuts(month: tuple[Street, list[StoredRecord]]) -> None:
    street, _ = month
    for times in street.answered.values():
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert sum(gap > timedelta(minutes=31) for gap in gaps) <= 2
