"""When a contactor is switched, how often, and what is said of one that does not go: in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from edge.clock.timekeeper import Timekeeper
from edge.control.contactor import SHORTEST_DWELL, Contactor
from edge.control.contactor_io import ContactorIo, wiring_of
from edge.control.levels import Levels
from edge.devices.device import Device, device_of, part_of
from edge.line import Lane, NoResponseError, RequestRefusedError
from edge.outbox import Record
from edge.polling.reader import DeviceReader
from protocols.cabinet import CabinetReading, SwitchState
from protocols.events import DeviceEvent, EventType
from protocols.lamp import Reason
from protocols.lighting.plan import DEFAULT_PLAN
from protocols.lighting.priority import Override
from protocols.lighting.program import Place
from protocols.modbus.builtin import load_builtin
from protocols.modbus.codec import ReadBlock, Write
from protocols.modbus.profile import Profile, Table
from protocols.sun import night_of
from tests.support import virtual_time
from tests.support.clocks import LoopClock

PLACE = Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta"))
NIGHT = night_of(PLACE.latitude, PLACE.longitude, PLACE.time_zone, datetime(2026, 6, 1, 12, tzinfo=UTC))
assert NIGHT.sunset is not None
SUNSET = NIGHT.sunset
POLL_S = 10.0
ON, OFF, MANUAL = EventType.SWITCHING_ERROR_ON, EventType.SWITCHING_ERROR_OFF, EventType.LOCAL_OVERRIDE


@dataclass
class Module:
    """An I/O module with a contactor behind it; in place of the line. `broken` says where the contact is."""

    relay: bool
    broken: bool | None = None
    problem: str | None = None
    is_silent: bool = False
    refuses: bool = False
    ignores: bool = False
    travel_s: float = 0.1
    writes: list[tuple[float, bool]] = field(default_factory=list)
    _moving_until: float = 0.0

    def contact(self) -> bool:
        if self.broken is not None:
            return self.broken
        return self.relay is not (asyncio.get_running_loop().time() < self._moving_until)

    async def read(self, unit: int, block: ReadBlock, lane: Lane) -> Sequence[int]:  # noqa: ARG002 - as a line
        await self._answer()
        assert unit == 202
        if block.table is Table.COIL:
            return [int(self.relay)] + [0] * (block.count - 1)
        contacts = [0, 0, int(self.contact()), 0]
        return contacts[block.address : block.address + block.count]

    async def probe(self, unit: int, block: ReadBlock, lane: Lane) -> None:
        await self.read(unit, block, lane)

    async def write(self, unit: int, write: Write, lane: Lane) -> None:  # noqa: ARG002 - as a line
        await self._answer()
        if self.refuses:
            raise RequestRefusedError("unit 202 refused function 5 with code 4", 4)
        assert (unit, write.table, write.address) == (202, Table.COIL, 0)
        now = asyncio.get_running_loop().time()
        self.writes.append((now, bool(write.words[0])))
        if not self.ignores:
            self.relay = bool(write.words[0])
            self._moving_until = now + self.travel_s

    async def _answer(self) -> None:
        await virtual_time.passes(0.02)
        if self.is_silent:
            raise NoResponseError("no answer of unit 202")


class Site:
    """A contactor with its module, polled as a gateway polls."""

    def __init__(self, module: Module, start: datetime, *, stays_closed: bool, profile: Profile) -> None:
        self.module = module
        self.records: list[Record] = []
        self.timekeeper = Timekeeper(LoopClock(start), LoopClock(start))
        self.timekeeper.start(None)
        self.levels = Levels(DEFAULT_PLAN, PLACE, 100, {})
        self.device: Device = device_of("cabinet", 202, profile)
        self.reader = DeviceReader(module, self.timekeeper, self.records, [self.device], {})  # type: ignore[arg-type]
        wiring = wiring_of(self.device)
        assert wiring is not None
        self.contactor = Contactor(
            self.device,
            ContactorIo(module, wiring),  # type: ignore[arg-type]
            self.reader,
            levels=self.levels,
            timekeeper=self.timekeeper,
            records=self.records,
            stays_closed=stays_closed,
        )
        self.reader.cabinet_observers.append(self.contactor)
        self.reader.state_loss_observers.append(self.contactor)

    @property
    def events(self) -> list[tuple[EventType, bool]]:
        return [(each.type, each.active) for each in self.records if isinstance(each, DeviceEvent)]

    @property
    def begun(self) -> list[EventType]:
        return [kind for kind, active in self.events if active]

    async def poll(self) -> None:
        while True:
            try:
                await self.reader.poll(self.device, Lane.READING)
            except NoResponseError:
                await virtual_time.passes(1)
            await virtual_time.passes(POLL_S)

    @property
    def reason(self) -> Reason | None:
        return None if self.contactor.target is None else self.contactor.target.reason

    def override(self, level: int) -> None:
        self.levels.put_override("cabinet", Override("c1", level, self.timekeeper.now(), None))
        self.contactor.refresh()


def on_site(
    module: Module,
    play: Callable[[Site], Coroutine[None, None, None]],
    *,
    start: datetime = SUNSET + timedelta(hours=1),
    stays_closed: bool = False,
    profile: Profile | None = None,
) -> Site:
    """What became of a site where `play` happened."""

    async def main() -> Site:
        site = Site(
            module, start, stays_closed=stays_closed, profile=profile or load_builtin("cabinet-contacts")
        )
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(site.contactor.run()), tasks.create_task(site.poll())]
            await play(site)
            for task in running:
                task.cancel()
        return site

    return virtual_time.run(main())


def wait(seconds: float) -> Callable[[Site], Coroutine[None, None, None]]:
    async def play(_: Site) -> None:
        await virtual_time.passes(seconds)

    return play


def test_the_state_of_now_is_asserted_once_and_shown() -> None:
    module = Module(relay=False)
    site = on_site(module, wait(600))
    assert [closed for _, closed in module.writes] == [True]
    assert not site.begun
    assert site.reason is Reason.PROGRAM
    readings = [each for each in site.records if isinstance(each, CabinetReading)]
    assert [each.contactor_state for each in readings[:3]].count(SwitchState.ON) >= 2


def test_a_relay_that_is_right_is_not_written() -> None:
    module = Module(relay=True)
    on_site(module, wait(600))
    assert module.writes == []


def test_the_plan_switches_at_its_instant() -> None:
    module = Module(relay=False)
    on_site(module, wait(600), start=SUNSET - timedelta(seconds=300))
    ((at, closed),) = module.writes
    assert closed
    assert 300 <= at < 300.5


def test_a_segment_that_stays_energised_does_so_by_day_until_a_command() -> None:
    async def play(site: Site) -> None:
        await virtual_time.passes(5)
        assert module.relay
        assert site.reason is Reason.DEFAULT
        site.override(0)
        assert await site.contactor.apply([site.device], Lane.COMMAND) == {}
        assert not module.relay

    module = Module(relay=False)
    on_site(module, play, start=SUNSET - timedelta(hours=6), stays_closed=True)
    assert [closed for _, closed in module.writes] == [True, False]


def test_a_module_that_resets_is_set_again_after_the_dwell() -> None:
    async def play(_site: Site) -> None:
        for _ in range(60):
            await virtual_time.passes(5)
            module.relay = False

    module = Module(relay=True)
    site = on_site(module, play)
    times = [at for at, closed in module.writes if closed]
    assert 4 <= len(times) <= 6
    assert all(later - sooner >= SHORTEST_DWELL.seconds for sooner, later in pairwise(times))
    assert not site.begun


def test_a_command_does_not_wait_for_the_dwell() -> None:
    async def play(site: Site) -> None:
        await virtual_time.passes(5)
        for level in (0, 100, 0, 100):
            site.override(level)
            assert await site.contactor.apply([site.device], Lane.COMMAND) == {}
            assert module.relay is bool(level)

    module = Module(relay=True)
    on_site(module, play)
    assert len(module.writes) == 4


def test_a_welded_contactor_is_an_error_until_it_is_seen_open() -> None:
    async def play(site: Site) -> None:
        await virtual_time.passes(20)
        module.broken = True
        site.override(0)
        problems = await site.contactor.apply([site.device], Lane.COMMAND)
        assert [each.error for each in problems.values()] == ["relay is OFF, auxiliary contact is ON"]
        assert site.events[-1] == (ON, True)
        site.override(100)
        site.contactor.wake()
        await virtual_time.passes(300)
        # That it is closed where it should be proves nothing.
        assert site.begun == [ON]
        assert (ON, False) not in site.events[site.events.index((ON, True)) :]
        site.override(0)
        site.contactor.wake()
        module.broken = None
        await virtual_time.passes(20)
        assert (ON, False) in site.events[-2:]

    module = Module(relay=True)
    on_site(module, play)


def test_one_that_does_not_close_is_an_error_until_it_does() -> None:
    async def play(site: Site) -> None:
        await virtual_time.passes(300)
        assert site.begun == [OFF]
        module.broken = None
        await virtual_time.passes(POLL_S + 1)
        assert site.events[-1] == (OFF, False)

    module = Module(relay=False, broken=False)
    site = on_site(module, play)
    assert site.begun == [OFF]
    assert len(module.writes) == 1


def test_one_that_closes_by_itself_was_switched_manually() -> None:
    async def play(site: Site) -> None:
        await virtual_time.passes(60)
        module.broken = True
        await virtual_time.passes(60)
        assert site.begun == [MANUAL]
        module.broken = None
        await virtual_time.passes(POLL_S + 1)
        assert site.events[-1] == (MANUAL, False)

    module = Module(relay=True)
    site = on_site(module, play, start=SUNSET - timedelta(hours=3))
    assert site.begun == [MANUAL]
    assert [closed for _, closed in module.writes] == [False]


def test_a_manual_switch_after_a_weld_is_recognised() -> None:
    async def play(site: Site) -> None:
        await virtual_time.passes(60)
        assert site.begun == [ON]
        module.broken = None
        await virtual_time.passes(POLL_S + 0.5)
        module.broken = True
        await virtual_time.passes(60)
        assert site.begun == [ON, MANUAL]

    module = Module(relay=True, broken=True)
    on_site(module, play, start=SUNSET - timedelta(hours=3))


@pytest.mark.parametrize("fault", ["refuses", "ignores"])
def test_a_relay_that_does_not_take_it_is_an_error(fault: str) -> None:
    module = Module(relay=False)
    setattr(module, fault, True)
    assert on_site(module, wait(120)).begun == [OFF]


def test_a_silent_module_is_no_fault_and_is_set_at_its_return() -> None:
    async def play(_: Site) -> None:
        await virtual_time.passes(120)
        module.is_silent = False
        await virtual_time.passes(POLL_S + 3)
        assert module.relay

    module = Module(relay=False, is_silent=True)
    site = on_site(module, play)
    assert site.begun == [EventType.COMMUNICATION_FAILURE]


def test_without_an_auxiliary_contact_the_relay_is_read() -> None:
    async def play(_: Site) -> None:
        await virtual_time.passes(90)
        assert module.relay
        module.relay = False
        await virtual_time.passes(70)
        assert module.relay

    module = Module(relay=False, broken=False)
    profile = load_builtin("cabinet-contacts").without("contactor_state")
    site = on_site(module, play, profile=profile)
    assert not site.begun


def test_the_contactor_may_be_at_a_unit_beside_the_meter_or_nowhere() -> None:
    meter, contacts = load_builtin("sdm630"), load_builtin("cabinet-contacts")
    wiring = wiring_of(device_of("cabinet", 201, meter, part_of(202, contacts)))
    assert wiring is not None
    assert (wiring.unit, wiring.profile) == (202, contacts)
    assert wiring_of(device_of("cabinet", 201, meter)) is None
