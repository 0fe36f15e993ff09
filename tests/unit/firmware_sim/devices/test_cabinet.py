"""A cabinet counts what its lamps draw, phase by phase, and breaks as cabinets do."""

import asyncio
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from firmware_sim.config import SimulatorConfig
from firmware_sim.devices.cabinet import (
    CABLE_LOSS_SHARE,
    OWN_USE_W,
    CabinetFault,
    CabinetModel,
    CabinetTruth,
    Meter,
)
from firmware_sim.faults import FaultType
from firmware_sim.town.city import CONTACTS_UNIT, METER_UNIT, generate_city
from firmware_sim.wire.line import Station
from firmware_sim.wire.timing import WireTimer
from firmware_sim.world import World, build_world, phase_of
from protocols.inventory.model import InventoryError
from protocols.modbus.builtin import load_builtin
from protocols.modbus.codec import ReadBlock, decode_block, plan_reads
from protocols.modbus.profile import Poll, Profile, Table
from protocols.sun import night_of

TOWN = generate_city(120, seed=3)
GATEWAY = TOWN.gateways[0].id


class Actuator:
    """A clock that a test turns."""

    speed = 1.0

    def __init__(self) -> None:
        self.instant = datetime(2026, 6, 1, 11, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def forward(self, **by: float) -> None:
        self.instant += timedelta(**by)


@pytest.fixture
def clock() -> Actuator:
    return Actuator()


@pytest.fixture
async def world(clock: Actuator, tmp_path: Path) -> World:
    return build_world(SimulatorConfig(tmp_path), TOWN, clock, WireTimer(asyncio.get_running_loop()))


def cabinet(world: World) -> CabinetModel:
    return world.cabinets[GATEWAY].cabinet


def truth(world: World) -> CabinetTruth:
    return cabinet(world).measure(world.now_s())


def lamps_on(phase: int | None = None) -> list[str]:
    return [
        lamp.id for lamp in TOWN.lamps if lamp.gateway_id == GATEWAY and phase in (None, phase_of(lamp) + 1)
    ]


def light_all(world: World, level: int) -> None:
    for lamp_id in lamps_on():
        controller = world.lamps[lamp_id].controller
        if controller.hears(world.now_s()):
            controller.answer(struct.pack(">BHH", 6, 0, level), world.now_s())


def drawn_w(world: World, phase: int | None = None) -> float:
    return sum(world.measure(lamp_id).active_power_w for lamp_id in lamps_on(phase))


def ask(world: World, profile: Profile, unit: int, block: ReadBlock) -> dict[str, float | bool | None]:
    """What a gateway would decode of one block."""
    station = next(line for line in world.lines if line.name == f"{GATEWAY}-1").stations[unit]
    function = {Table.DISCRETE: 2, Table.COIL: 1, Table.INPUT: 4}[block.table]
    answer = station.controller.answer(
        struct.pack(">BHH", function, block.address, block.count), world.now_s()
    )
    assert answer[0] == function
    data = answer[2:]
    if function in (1, 2):
        words = [data[index >> 3] >> (index & 7) & 1 for index in range(block.count)]
    else:
        words = list(struct.unpack(f">{block.count}H", data))
    return decode_block(profile, block, words)


def read_all(world: World, name: str, unit: int) -> dict[str, float | bool | None]:
    profile = load_builtin(name)
    blocks = [*plan_reads(profile, Poll.FAST), *plan_reads(profile, Poll.SLOW)]
    return {key: value for block in blocks for key, value in ask(world, profile, unit, block).items()}


async def test_power_is_the_sum_of_the_lamps_and_the_losses(world: World, clock: Actuator) -> None:
    light_all(world, 100)
    clock.forward(minutes=5)
    for phase, seen in enumerate(truth(world).phases, 1):
        own = OWN_USE_W if phase == 1 else 0.0
        assert seen.power_w == pytest.approx(drawn_w(world, phase) * (1 + CABLE_LOSS_SHARE) + own)
        assert seen.power_w > 1000
        assert seen.current_a == pytest.approx(seen.apparent_va / seen.voltage_v)


async def test_energy_is_the_power_of_the_whole_night(world: World, clock: Actuator) -> None:
    """Levels change, lamps fail, a phase goes and comes: the meter counts what was drawn, and no more."""
    steps = [(0, 100), (60, 50), (140, 80), (210, 0)]
    began = read_all(world, "sdm630", METER_UNIT)
    true_began_wh = truth(world).energy_wh
    summed_ws, powers = 0.0, []
    for minute in range(240):
        for at, level in steps:
            if at == minute:
                light_all(world, level)
        if minute == 80:
            world.inject(lamps_on()[3], FaultType.LAMP_OUT)
        if minute in (100, 120):
            cabinet(world).set_fault(CabinetFault.BREAKER_TRIPPED, 2, minute == 100, world.now_s())
        for _ in range(12):
            before = truth(world).power_w
            clock.forward(seconds=5)
            after = truth(world).power_w
            summed_ws += 5 * (before + after) / 2
        powers.append(truth(world).power_w)
    counted_wh = truth(world).energy_wh - true_began_wh
    assert counted_wh == pytest.approx(summed_ws / 3600, rel=0.002)
    ended = read_all(world, "sdm630", METER_UNIT)
    shown = float(ended["total_active_energy_kwh"] or 0) - float(began["total_active_energy_kwh"] or 0)
    assert shown * 1000 == pytest.approx(counted_wh, abs=1.0)
    phases = sum(
        float(ended[f"phase{n}_active_energy_kwh"] or 0) - float(began[f"phase{n}_active_energy_kwh"] or 0)
        for n in (1, 2, 3)
    )
    assert phases == pytest.approx(shown, abs=0.002)
    assert max(powers) > 3 * min(powers)
    assert any(later < earlier for earlier, later in pairwise(powers))


@pytest.mark.parametrize("name", ["sdm630", "sdm120", "pzem-016"])
async def test_a_meter_of_any_make_shows_the_same(world: World, clock: Actuator, name: str) -> None:
    line = next(line for line in world.lines if line.name == f"{GATEWAY}-1")
    line.stations[210] = Station(None, Meter(cabinet(world), load_builtin(name)))
    light_all(world, 70)
    clock.forward(minutes=2)
    shown, real = read_all(world, name, 210), truth(world)
    assert shown["total_power_kw"] == pytest.approx(real.power_w / 1000, rel=1e-4)
    assert shown["total_active_energy_kwh"] == pytest.approx(real.energy_wh / 1000, abs=0.002)
    assert shown["supply_voltage_v"] == pytest.approx(229, abs=6)


async def test_a_tripped_breaker_darkens_its_phase_and_mending_restarts_it(
    world: World, clock: Actuator
) -> None:
    light_all(world, 100)
    clock.forward(minutes=1)
    cabinet(world).set_fault(CabinetFault.BREAKER_TRIPPED, 2, True, world.now_s())
    seen = truth(world)
    assert [phase.power_w > 0 for phase in seen.phases] == [True, False, True]
    assert seen.phases[1].voltage_v > 200
    assert seen.breaker_tripped
    for lamp_id in lamps_on():
        dark = lamp_id in lamps_on(2)
        assert world.lamps[lamp_id].controller.hears(world.now_s()) is not dark
        assert world.measure(lamp_id).lit is not dark
    cabinet(world).set_fault(CabinetFault.BREAKER_TRIPPED, 2, False, world.now_s())
    clock.forward(seconds=3)
    assert world.lamps[lamps_on(2)[0]].controller.hears(world.now_s())
    assert world.measure(lamps_on(2)[0]).lit
    assert not truth(world).breaker_tripped


async def test_a_lost_phase_shows_at_the_meter(world: World) -> None:
    cabinet(world).set_fault(CabinetFault.SUPPLY_LOSS, 1, True, world.now_s())
    shown = read_all(world, "sdm630", METER_UNIT)
    assert shown["phase1_voltage_v"] == 0.0
    assert shown["phase1_active_power_kw"] == 0.0
    assert float(shown["phase2_voltage_v"] or 0) > 200


async def test_the_contacts_say_door_breaker_contactor_and_darkness(world: World) -> None:
    healthy = {
        "door_open": False,
        "breaker_tripped": False,
        "contactor_state": True,
        "contactor_target": True,
        "photocell_output_on": True,
    }
    assert read_all(world, "cabinet-contacts", CONTACTS_UNIT) == healthy
    cabinet(world).set_fault(CabinetFault.DOOR_OPEN, 0, True, world.now_s())
    cabinet(world).set_fault(CabinetFault.BREAKER_TRIPPED, 3, True, world.now_s())
    seen = read_all(world, "cabinet-contacts", CONTACTS_UNIT)
    assert seen == healthy | {"door_open": True, "breaker_tripped": True}


async def test_a_contactor_follows_its_relay_unless_it_is_stuck(world: World, clock: Actuator) -> None:
    module = next(line for line in world.lines if line.name == f"{GATEWAY}-1").stations[CONTACTS_UNIT]
    light_all(world, 100)
    cabinet(world).set_fault(CabinetFault.CONTACTOR_STUCK, 0, True, world.now_s())
    assert module.controller.answer(b"\x05\0\0\0\0", world.now_s()) == b"\x05\0\0\0\0"
    stuck = read_all(world, "cabinet-contacts", CONTACTS_UNIT)
    assert (stuck["contactor_target"], stuck["contactor_state"]) == (False, True)
    clock.forward(minutes=1)
    assert drawn_w(world) > 1000
    cabinet(world).set_fault(CabinetFault.CONTACTOR_STUCK, 0, False, world.now_s())
    assert read_all(world, "cabinet-contacts", CONTACTS_UNIT)["contactor_state"] is False
    assert drawn_w(world) == 0.0
    assert truth(world).power_w == pytest.approx(OWN_USE_W)


@pytest.mark.parametrize(
    ("fault", "orders", "ends_closed"),
    [
        (CabinetFault.CONTACTOR_WELDED, (False,), True),
        (CabinetFault.CONTACTOR_STUCK_OPEN, (), False),
        (CabinetFault.CONTACTOR_STUCK_OPEN, (True,), False),
        (CabinetFault.HAND_SWITCH_ON, (False,), True),
        (CabinetFault.CONTACTS_RESET, (), False),
        (CabinetFault.CONTACTS_RESET, (True,), True),
    ],
)
async def test_a_contactor_breaks_as_contactors_do(
    world: World, fault: CabinetFault, orders: tuple[bool, ...], ends_closed: bool
) -> None:
    light_all(world, 100)
    cabinet(world).set_fault(fault, 0, True, world.now_s())
    for order in orders:
        cabinet(world).switch(order, world.now_s())
    assert truth(world).contactor_closed is ends_closed
    assert (drawn_w(world) > 0) is ends_closed


async def test_a_welded_contactor_that_is_open_welds_when_it_closes(world: World) -> None:
    cabinet(world).switch(False, world.now_s())
    cabinet(world).set_fault(CabinetFault.CONTACTOR_WELDED, 0, True, world.now_s())
    assert not truth(world).contactor_closed
    for order in (True, False):
        cabinet(world).switch(order, world.now_s())
    assert truth(world).contactor_closed
    cabinet(world).set_fault(CabinetFault.CONTACTOR_WELDED, 0, False, world.now_s())
    assert not truth(world).contactor_closed


async def test_the_photocell_follows_the_sun_until_it_breaks(world: World, clock: Actuator) -> None:
    turns: list[tuple[datetime, bool]] = []
    clock.instant = datetime(2026, 6, 1, 5, tzinfo=UTC)  # noon
    for _ in range(24 * 60):
        says = truth(world).photocell_on
        if not turns or turns[-1][1] is not says:
            turns.append((clock.now(), says))
        clock.forward(minutes=1)
    assert [says for _, says in turns] == [False, True, False]
    place = next(each for each in TOWN.gateways if each.id == GATEWAY)
    night = night_of(place.latitude, place.longitude, ZoneInfo(place.time_zone), turns[1][0])
    assert night.sunset is not None
    assert night.sunrise is not None
    assert timedelta(minutes=5) < turns[1][0] - night.sunset < timedelta(minutes=14)
    assert timedelta(minutes=4) < night.sunrise - turns[2][0] < timedelta(minutes=12)
    cabinet(world).set_fault(CabinetFault.PHOTOCELL_STUCK_ON, 0, True, world.now_s())
    assert truth(world).photocell_on


async def test_a_lamp_whose_own_supply_is_lost_stays_dark_when_its_phase_is_back(world: World) -> None:
    lamp_id = lamps_on(2)[0]
    light_all(world, 100)
    world.inject(lamp_id, FaultType.SUPPLY_LOSS)
    for active in (True, False):
        cabinet(world).set_fault(CabinetFault.SUPPLY_LOSS, 2, active, world.now_s())
    assert not world.measure(lamp_id).lit
    cabinet(world).set_fault(CabinetFault.SUPPLY_LOSS, 2, True, world.now_s())
    world.mend(lamp_id)
    assert not world.measure(lamp_id).lit
    cabinet(world).set_fault(CabinetFault.SUPPLY_LOSS, 2, False, world.now_s())
    assert world.measure(lamp_id).lit


async def test_a_cabinet_on_a_line_without_lamps_is_refused(clock: Actuator, tmp_path: Path) -> None:
    town = replace(TOWN, cabinets=[replace(TOWN.cabinets[0], line=9)])
    with pytest.raises(InventoryError, match="expected one for each gateway, on a line that has lamps"):
        build_world(SimulatorConfig(tmp_path), town, clock, WireTimer(asyncio.get_running_loop()))


def test_every_gateway_of_a_town_has_a_cabinet() -> None:
    assert [each.gateway_id for each in TOWN.cabinets] == [each.id for each in TOWN.gateways]
