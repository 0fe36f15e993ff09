"""What a gateway leaves in its controllers: their own watchdog, and no ramp longer than was asked for."""

from datetime import timedelta
from pathlib import Path

from protocols.lamp import LightCommand
from protocols.sparkplug.lentera import command_metrics
from tests.conftest import Broker, eventually
from tests.integration.edge_slave import healthy_inputs
from tests.integration.test_edge_gateway import lamp, site


async def test_watchdogs_are_set_where_they_differ_and_again_after_a_restart(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port):
        odd, sound = here.slave.units[2], here.slave.units[1]
        odd.holdings[2:5] = [60, 0, 0]
        async with here.gateway():
            await eventually(lambda: odd.holdings[2:5] == [3600, 100, 100], what="the watchdog")
            assert {address for address, _, _ in sound.writes} == {0}
            odd.holdings[2:5] = [0, 30, 100]
            odd.inputs[:] = healthy_inputs(100, boots=2)
            await eventually(lambda: odd.holdings[2:5] == [3600, 100, 100], what="the watchdog set again")


async def test_a_ramp_goes_to_the_controller_and_does_not_stay_there(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        await eventually(lambda: len(here.cloud.alive) == 3, what="births")
        unit, now = here.slave.units[2], here.clock.now()
        slowly = LightCommand(
            "c1", lamp(2), 40, now, now + timedelta(minutes=1), now + timedelta(hours=1), 30.0
        )
        await here.cloud.send_metrics(lamp(2), command_metrics(slowly))
        await eventually(lambda: unit.holdings[:2] == [40, 300], what="level and ramp")
        await here.cloud.command(lamp(2), None, "c2")
        await eventually(lambda: unit.holdings[:2] == [100, 0], what="the programme's level without it")


async def test_a_ramp_left_in_a_controller_is_undone_before_the_next_level(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port):
        here.slave.units[2].holdings[1] = 300
        async with here.gateway():
            await eventually(lambda: len(here.cloud.alive) == 3, what="births")
            await here.cloud.command(lamp(2), 40, "c1")
            await eventually(lambda: here.slave.units[2].holdings[:2] == [40, 0], what="level without ramp")
