"""What a gateway leaves in its controllers: their watchdog, no ramp longer than asked for, no meter set."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

from edge.config.line_settings import DeviceConfig
from edge.gateway import run_gateways
from protocols.lamp import CommandStatus, LightCommand
from protocols.mapping import command_metrics
from tests.conftest import Broker, eventually
from tests.integration.edge.test_gateway import config_for, lamp, site
from tests.support.modbus_slave import Unit, healthy_inputs


async def test_watchdogs_are_set_where_they_differ_and_again_after_a_restart(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port):
        odd, sound = here.slave.units[2], here.slave.units[1]
        odd.holdings[2:5] = [60, 0, 0]
        async with here.gateway():
            await eventually(lambda: odd.holdings[2:5] == [3600, 100, 100], what="the watchdog")
            assert {address for address, _, _ in sound.writes} == {0, 1}  # level and fade alone
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


async def test_a_ramp_left_in_a_controller_is_not_used_at_the_start_either(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port):
        for unit in here.slave.units.values():
            unit.holdings[1] = 600
        async with here.gateway():
            await eventually(lambda: len(here.cloud.alive) == 3, what="births")
            for unit in here.slave.units.values():
                await eventually(partial(_is_lit_without_ramp, unit), what="level without ramp")
                assert [address for address, _, _ in unit.writes][:2] == [1, 0]


async def test_what_the_lamps_of_a_line_are_told_reaches_no_meter(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path, lamps=4) as here, here.cloud.connected(mosquitto.port):
        meter = DeviceConfig(id="cabinet", unit=5, profile="pzem-016")
        here.slave.units[5] = Unit()
        config = config_for(here.slave, mosquitto, tmp_path)
        (line,) = config.lines
        line = line.model_copy(update={"devices": (*line.devices[:4], meter)})
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(
                run_gateways([config.model_copy(update={"lines": (line,)})], here.clock)
            )
            await eventually(lambda: len(here.cloud.alive) == 5, what="births")
            lamps = [here.slave.units[unit] for unit in range(1, 5)]
            await eventually(lambda: all(each.holdings[0] == 100 for each in lamps), what="light")
            for unit in range(1, 5):
                await here.cloud.command(lamp(unit), 40, f"c{unit}")
            await eventually(lambda: all(each.holdings[0] == 40 for each in lamps), what="40 %")
            assert here.slave.units[5].writes == []
            running.cancel()


async def test_a_level_that_a_controller_does_not_tell_is_not_confirmed(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port), here.gateway():
        await eventually(lambda: len(here.cloud.alive) == 3, what="births")
        here.slave.units[2].ignores_writes = True
        here.slave.units[2].inputs[1] = 0xFFFF
        await here.cloud.command(lamp(2), 40, "c1")
        await eventually(lambda: here.cloud.result("c1"), what="the result")
        result = here.cloud.result("c1")
        assert result is not None
        assert (result.status, result.detail) == (
            CommandStatus.FAILED,
            "does not tell its level, expected 40 %",
        )


def _is_lit_without_ramp(unit: Unit) -> bool:
    return unit.holdings[:2] == [100, 0]
