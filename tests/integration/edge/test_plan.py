"""A lighting plan on its way: from a real broker to the lamps of a real line, and what is reported of it."""

from datetime import timedelta
from pathlib import Path

import pytest

from edge.control.level_writer import ATTEMPTS
from protocols.lamp import CommandStatus
from protocols.lighting.calendar import Calendar, CalendarRule
from protocols.lighting.plan import LightingPlan, encode_plan, plan_hash
from protocols.lighting.program import LightingProgram
from protocols.mapping import PlanState, plan_metrics
from tests.conftest import Broker, eventually
from tests.integration.edge.test_gateway import Site, lamp, site

MARKET = LightingProgram("market", "Market", initial_level_percent=70)
QUIET = LightingProgram("quiet", "Quiet", initial_level_percent=30)
PLAN = LightingPlan(
    (MARKET, QUIET),
    (
        Calendar("usual", "", (CalendarRule("market"),)),
        Calendar("monday", "", (CalendarRule("quiet", weekdays=frozenset({1})),), "market"),
    ),
    {lamp(3): "monday"},  # the evening of the test is one
    "usual",
)
DOCUMENT = encode_plan(PLAN)
IN_FORCE = PlanState(plan_hash(DOCUMENT), "")


def levels(here: Site) -> list[int]:
    return [unit.holdings[0] for unit in here.slave.units.values()]


def written(here: Site, unit: int) -> list[int]:
    """The levels that were written to a lamp, without repetitions."""
    values = [value for address, value, _ in here.slave.units[unit].writes if address == 0]
    return [value for at, value in enumerate(values) if at == 0 or values[at - 1] != value]


async def test_a_plan_reaches_the_lamps_and_its_hash_the_cloud(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path) as here, here.cloud.connected(mosquitto.port):
        cloud = here.cloud
        async with here.gateway():
            await eventually(lambda: levels(here) == [100, 100, 100], what="the built-in plan")
            await eventually(lambda: cloud.plans == [PlanState("", "")], what="the birth")
            await cloud.send_node_metrics(plan_metrics(DOCUMENT))
            await eventually(lambda: levels(here) == [70, 70, 30], what="the plan's levels")
            await eventually(lambda: cloud.plans == [PlanState("", ""), IN_FORCE], what="the hash")
            assert written(here, 3) == [100, 30]

            await cloud.send_node_metrics(plan_metrics(b'{"type":"LightingPlan"}'))
            await eventually(lambda: len(cloud.plans) == 3, what="the refusal")
            assert cloud.plans[-1].hash == IN_FORCE.hash
            assert "missing required field" in cloud.plans[-1].problem
            assert levels(here) == [70, 70, 30]

            await cloud.send_node_metrics(plan_metrics(DOCUMENT))
            await eventually(lambda: cloud.plans[3:] == [IN_FORCE], what="the same plan to be answered")
        for unit in here.slave.units.values():
            unit.writes.clear()
        async with here.gateway():
            await eventually(lambda: cloud.plans[4:] == [IN_FORCE], what="the birth after a restart")
            await eventually(lambda: all(written(here, unit) for unit in (1, 2, 3)), what="the level of now")
        assert [written(here, unit) for unit in (1, 2, 3)] == [[70], [70], [30]]


@pytest.mark.timing
async def test_a_scheduled_command_outlives_a_restart(mosquitto: Broker, tmp_path: Path) -> None:
    async with site(mosquitto, tmp_path, speed=30.0) as here, here.cloud.connected(mosquitto.port):
        cloud = here.cloud
        async with here.gateway():
            await eventually(lambda: levels(here) == [100, 100, 100], what="the level of now")
            await cloud.command(lamp(2), 40, "c1", start=timedelta(seconds=60))
            await cloud.command(lamp(3), 20, "c2")
            await eventually(lambda: cloud.result("c2"), what="the other command")
            assert cloud.result("c1") is None
        async with here.gateway():
            await eventually(lambda: cloud.result("c1"), what="the command")
        result = cloud.result("c1")
        assert result is not None
        assert (result.status, result.level_percent) == (CommandStatus.CONFIRMED, 40)
        assert written(here, 2) == [100, 40]
        assert len([each for each in here.slave.units[2].writes if each[:2] == (0, 40)]) <= ATTEMPTS
        assert [each.command_id for each in cloud.results.values()].count("c1") == 1
