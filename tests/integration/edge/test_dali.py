"""Many lamps behind one unit: a gateway drives them through a DALI gateway, by its profile alone."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.config.line_settings import DeviceConfig
from edge.config.settings import GatewayConfig
from edge.gateway import run_gateways
from firmware_sim.devices.dali import DaliGateway, Gear
from firmware_sim.devices.luminaire import Luminaire, LuminaireTraits
from firmware_sim.devices.mains import Feeder, FeederTraits
from firmware_sim.faults import FaultType
from firmware_sim.wire.line import SimulatedLine, Station
from firmware_sim.wire.ports import pseudo_terminal
from firmware_sim.wire.timing import SimulatedWireTiming, WireTimer
from protocols.clock import ScaledClock
from protocols.lamp import CommandStatus, LampReading
from protocols.modbus.builtin import load_builtin
from tests.conftest import Broker, eventually
from tests.support.edge_cloud import AREA, EVENING, GATEWAY, Cloud, clock_at
from tests.support.gateway_configs import make_gateway_config

BAUD = 38400
UNIT = 9
GEARS = {(0, 0): "DALI-1", (0, 63): "DALI-2", (1, 0): "DALI-3"}


@dataclass
class Site:
    """A running gateway before a simulated DALI gateway."""

    gears: dict[str, Gear]
    cloud: Cloud
    clock: ScaledClock

    def now_s(self) -> float:
        return self.clock.now().timestamp()

    def level(self, lamp_id: str) -> float:
        """The true level of the light."""
        return self.gears[lamp_id].luminaire.measure(self.now_s()).level_percent

    def newest(self, lamp_id: str) -> LampReading | None:
        """The newest reading that came up."""
        own = [each for (lamp, _), each in self.cloud.readings.items() if lamp == lamp_id]
        return max(own, key=lambda each: each.time, default=None)


def dali_gateway(now_s: float) -> DaliGateway:
    rng = random.Random(1)
    feeder = Feeder(FeederTraits.draw(rng), 270.0, 0.1, 107.5)
    luminaires = {
        place: Luminaire(LuminaireTraits.draw(rng, 90.0, 107.5, 0.5, index), feeder, now_s)
        for index, place in enumerate(GEARS)
    }
    return DaliGateway(load_builtin("intesis-dali"), luminaires)


def config_for(port: Path, broker: Broker, folder: Path) -> GatewayConfig:
    devices = tuple(
        DeviceConfig(id=lamp_id, unit=UNIT, profile="intesis-dali", bus=bus, address=address)
        for (bus, address), lamp_id in GEARS.items()
    )
    return make_gateway_config(
        folder, str(port), devices, gateway_id=GATEWAY, area=AREA, baud=BAUD, broker_port=broker.port
    )


@asynccontextmanager
async def site(broker: Broker, folder: Path) -> AsyncIterator[Site]:
    clock, timer = clock_at(EVENING), WireTimer(asyncio.get_running_loop())
    unit = dali_gateway(clock.now().timestamp())
    line = SimulatedLine(
        name="dali-1",
        stations={UNIT: Station(None, unit)},
        timing=SimulatedWireTiming(BAUD),
        timer=timer,
        now_s=lambda: clock.now().timestamp(),
        rng=random.Random(2),
        on_poll=lambda *_: None,
        strict=True,
    )
    cloud = Cloud(clock)
    timer.start()
    try:
        with pseudo_terminal(line, folder / "line"):
            async with cloud.connected(broker.port), asyncio.TaskGroup() as tasks:
                running = tasks.create_task(
                    run_gateways([config_for(folder / "line", broker, folder)], clock)
                )
                await eventually(lambda: cloud.alive == set(GEARS.values()), what="every lamp's birth")
                yield Site({GEARS[place]: gear for place, gear in unit.gears.items()}, cloud, clock)
                running.cancel()
    finally:
        timer.close()


async def test_each_lamp_follows_the_programme_and_its_own_command(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here:
        await eventually(
            lambda: all(here.level(lamp) == 100 for lamp in GEARS.values()), what="all lamps at 100 %"
        )
        await here.cloud.command("DALI-2", 30, "c1")
        await eventually(lambda: here.cloud.result("c1") is not None, what="the result")
        result = here.cloud.result("c1")
        assert result is not None
        assert (result.status, result.level_percent) == (CommandStatus.CONFIRMED, 30)
        await eventually(lambda: here.level("DALI-2") == 30, what="30 %")
        assert [here.level(lamp) for lamp in ("DALI-1", "DALI-3")] == [100, 100]

        def is_reported() -> bool:
            newest = here.newest("DALI-2")
            return newest is not None and (newest.feedback_level_percent, newest.actual_level_percent) == (
                30,
                30,
            )

        await eventually(is_reported, what="a reading at 30 %")


async def test_a_gears_faults_are_its_own(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here:
        await eventually(lambda: here.level("DALI-1") == 100, what="light")
        here.gears["DALI-1"].set_fault(FaultType.LAMP_OUT, True, here.now_s())
        here.gears["DALI-3"].set_fault(FaultType.DRIVER_FAILURE, True, here.now_s())

        def faults() -> list[tuple[bool | None, bool | None, float | None]]:
            newest = [here.newest(lamp) for lamp in GEARS.values()]
            return [
                (each.lamp_failure, each.control_gear_failure, each.actual_level_percent)
                for each in newest
                if each is not None
            ]

        await eventually(
            lambda: faults() == [(True, False, 0), (False, False, 100), (False, True, None)],
            what="the faults",
        )
