"""What dead lamps cost the living on a saturated line, and how soon they are missed and welcomed."""

import asyncio
import time
from dataclasses import replace

from edge.devices.device import Device
from protocols.modbus.builtin import load_builtin
from tests.bench.polling import PolledLine, polled
from tests.bench.results import Result
from tests.bench.simulator import Simulation, lamp_id, simulated
from tests.conftest import eventually

BAUD = 9600
LAMPS = 10
SECONDS = 30.0
LEAST_RATE = {1: 0.98, 5: 0.95}
NOTICED_WITHIN_POLLS = 3
WELCOMED_WITHIN_S = 60.0
MANY_LAMPS, MANY_DEAD = 100, 60
POLLS_UNTIL_KNOWN = 5
LEAST_RATE_WITH_MANY_DEAD = 0.95


async def dead_lamps() -> list[Result]:
    """The line's answers a second with some of ten lamps dead against all alive; then one lamp comes back."""
    results: list[Result] = []
    with simulated(BAUD, lamps=LAMPS) as simulation:
        async with polled(simulation, BAUD, LAMPS, load_builtin("lentera-lamp")) as line:
            await eventually(lambda: all(lamp.answering for lamp in line.devices), what="an answer of each")
            healthy = await line.answers_per_s(SECONDS)
            for dead, least in LEAST_RATE.items():
                polls = await _let_die(simulation, line.devices[:dead])
                rate = await line.answers_per_s(SECONDS)
                name = f"answers per second with {dead} of {LAMPS} lamps dead"
                results += [
                    Result(name, rate, "1/s", healthy, rate >= least * healthy),
                    Result(
                        f"polls until {dead} of {LAMPS} count as dead, at most",
                        polls,
                        "polls",
                        NOTICED_WITHIN_POLLS,
                        polls <= NOTICED_WITHIN_POLLS,
                    ),
                ]
            results.append(await _welcome(simulation, line))
    return results + await _many_dead()


async def _many_dead() -> list[Result]:
    """Sixty of a hundred dead, beside a line with nothing on it but forty healthy ones.

    The lamp that comes back does so when it has just been asked in vain: nobody has to wait longer.
    """
    profile, healthy = load_builtin("lentera-lamp"), MANY_LAMPS - MANY_DEAD
    with simulated(BAUD, lines=2, lamps=MANY_LAMPS) as simulation:
        other = replace(simulation, lines=simulation.lines[1:])
        async with (
            polled(simulation, BAUD, healthy, profile) as alone,
            polled(other, BAUD, MANY_LAMPS, profile) as line,
        ):
            dead = line.devices[healthy:]
            known = POLLS_UNTIL_KNOWN * MANY_LAMPS
            await eventually(lambda: line.line.counters.answers > known, WELCOMED_WITHIN_S, "the lamps' pace")
            for lamp in dead:
                simulation.silence(lamp_id(2, lamp.unit))
                lamp.answering = False
            counters = alone.line.counters, line.line.counters
            await eventually(lambda: any(lamp.failures for lamp in dead), what="a probe")
            back = next(lamp for lamp in dead if lamp.failures)
            before, began = [each.answers for each in counters], time.monotonic()
            simulation.wake(lamp_id(2, back.unit))
            await eventually(lambda: back.answering, 2 * WELCOMED_WITHIN_S, "its return")
            took_s = time.monotonic() - began
            of_alone, with_dead = [
                (each.answers - start) / took_s for each, start in zip(counters, before, strict=True)
            ]
    name = f"with {MANY_DEAD} of {MANY_LAMPS} lamps dead"
    return [
        Result(
            f"answers per second {name}, against the {healthy} healthy ones alone",
            with_dead,
            "1/s",
            of_alone,
            with_dead >= LEAST_RATE_WITH_MANY_DEAD * of_alone,
        ),
        Result(
            f"the one just asked in vain is back after, {name}",
            took_s,
            "s",
            WELCOMED_WITHIN_S,
            took_s <= WELCOMED_WITHIN_S,
        ),
    ]


async def _let_die(simulation: Simulation, lamps: list[Device]) -> int:
    """The most polls that one of those not dead already took to be noticed."""
    newly_dead = [lamp for lamp in lamps if lamp.answering]
    for lamp in newly_dead:
        simulation.silence(lamp.id)
    noticed: dict[Device, int] = {}

    def all_noticed() -> bool:
        for lamp in newly_dead:
            if lamp.answering is False:
                noticed.setdefault(lamp, lamp.failures)
        return len(noticed) == len(newly_dead)

    await eventually(all_noticed, 30.0, "their silence")
    return max(noticed.values())


async def _welcome(simulation: Simulation, line: PolledLine) -> Result:
    lamp = line.devices[0]
    # Until it is asked as seldom as it ever will be.
    await asyncio.sleep(2 * SECONDS)
    simulation.wake(lamp.id)
    began = time.monotonic()
    await eventually(lambda: lamp.answering, 2 * WELCOMED_WITHIN_S, "its return")
    took_s = time.monotonic() - began
    return Result(
        "a lamp that answers again is back after", took_s, "s", WELCOMED_WITHIN_S, took_s <= WELCOMED_WITHIN_S
    )
