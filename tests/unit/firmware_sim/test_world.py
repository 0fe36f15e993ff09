"""The same seed gives the same night, however it is read; another seed gives another night."""

import asyncio
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from firmware_sim.config import SimulatorConfig
from firmware_sim.devices.luminaire import Measurement
from firmware_sim.faults import FaultType
from firmware_sim.scenario import NIGHT, plan_night
from firmware_sim.town.city import generate_city
from firmware_sim.wire.timing import WireTimer
from firmware_sim.world import World, build_world
from protocols.inventory.model import InventoryError
from tests.support.clocks import FakeClock

DUSK = datetime(2026, 6, 1, 10, 40, tzinfo=UTC)
TOWN = generate_city(120, seed=1)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    event_loop = asyncio.new_event_loop()
    yield event_loop
    event_loop.close()


def new_world(seed: int, clock: FakeClock, loop: asyncio.AbstractEventLoop) -> World:
    return build_world(SimulatorConfig(Path("unused"), seed=seed), TOWN, clock, WireTimer(loop))


def live_through(seed: int, polls_seed: int, loop: asyncio.AbstractEventLoop) -> dict[str, Measurement]:
    """A night with its faults, a dimming at midnight and polls at times of their own."""
    clock = FakeClock(DUSK)
    world = new_world(seed, clock, loop)
    faults = [
        (fault.at, partial(world.inject, fault.lamp_id, fault.type))
        for fault in plan_night(list(world.lamps), DUSK, seed, per_1000=250)
    ]
    levels = [
        (DUSK + timedelta(minutes=minutes), partial(set_level, world, level))
        for minutes, level in ((20, 100), (380, 50), (700, 0))
    ]
    rng = random.Random(polls_seed)
    looks = [
        (DUSK + NIGHT * rng.random(), partial(world.measure, lamp_id))
        for lamp_id in rng.choices(list(world.lamps), k=300)
    ]
    actions: list[tuple[datetime, Callable[[], object]]] = [*faults, *levels, *looks]
    for at, act in sorted(actions, key=lambda moment: moment[0]):
        clock.instant = at
        act()
    clock.instant = DUSK + NIGHT
    return {lamp_id: world.measure(lamp_id) for lamp_id in world.lamps}


def set_level(world: World, level: int) -> None:
    for simulated in world.lamps.values():
        if simulated.controller.hears(world.now_s()):
            simulated.controller.answer(struct.pack(">BHH", 6, 0, level), world.now_s())


def rounded(night: dict[str, Measurement]) -> dict[str, tuple[object, ...]]:
    return {
        lamp_id: (
            truth.lit,
            truth.switch_ons,
            round(truth.level_percent, 6),
            round(truth.energy_wh, 4),
            round(truth.supply_voltage_v, 6),
            round(truth.temperature_c, 6),
        )
        for lamp_id, truth in night.items()
    }


def test_the_same_seed_gives_the_same_night_whoever_watches(loop: asyncio.AbstractEventLoop) -> None:
    night = rounded(live_through(seed=5, polls_seed=1, loop=loop))
    assert night == rounded(live_through(seed=5, polls_seed=2, loop=loop))
    assert night != rounded(live_through(seed=6, polls_seed=1, loop=loop))


def test_the_night_has_lamps_that_are_dark_or_burn_when_they_should_not(
    loop: asyncio.AbstractEventLoop,
) -> None:
    night = live_through(seed=5, polls_seed=1, loop=loop)
    assert 0 < sum(truth.lit for truth in night.values()) < 40


def test_a_fault_is_put_on_and_taken_off(loop: asyncio.AbstractEventLoop) -> None:
    world, lamp_id = new_world(1, FakeClock(DUSK), loop), TOWN.lamps[0].id
    simulated = world.lamps[lamp_id]
    station = simulated.line.stations[simulated.lamp.unit]
    for fault in FaultType:
        world.inject(lamp_id, fault)
    assert set(simulated.faults) == set(FaultType) - {FaultType.REBOOT}
    assert set(station.wire_faults) == {
        FaultType.SILENT,
        FaultType.LATE_ANSWER,
        FaultType.CORRUPT_CRC,
        FaultType.WRONG_UNIT,
    }
    world.mend(lamp_id, FaultType.SILENT)
    assert FaultType.SILENT not in simulated.faults
    world.mend(lamp_id)
    assert not simulated.faults
    assert not station.wire_faults
    assert not simulated.controller.faults


def test_lamps_are_wired_to_their_own_line_and_unit(loop: asyncio.AbstractEventLoop) -> None:
    world = new_world(1, FakeClock(DUSK), loop)
    for lamp in TOWN.lamps:
        simulated = world.lamps[lamp.id]
        assert simulated.line.name == f"{lamp.gateway_id}-{lamp.line}"
        assert simulated.line.stations[lamp.unit].lamp_id == lamp.id


def test_a_controller_of_another_make_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    town = replace(TOWN, lamps=[replace(TOWN.lamps[0], profile="intesis-dali"), *TOWN.lamps[1:]])
    with pytest.raises(InventoryError, match="has profile 'intesis-dali', expected 'lentera-lamp'"):
        build_world(SimulatorConfig(Path("unused")), town, FakeClock(DUSK), WireTimer(loop))
