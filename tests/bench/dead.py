"""What unresponsive lamps cost the others of a saturated line, and how soon they are missed and back."""

import asyncio
import time
from dataclasses import replace

from edge.polling.presence import PresenceState
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
BACK_WITHIN_S = 60.0
MANY_LAMPS, MANY_DEAD = 100, 60
POLLS_UNTIL_KNOWN = 5
LEAST_RATE_WITH_MANY_DEAD = 0.95


async def dead_lamps() -> list[Result]:
    """The line's answers a second with some of ten lamps dead against all alive; then one lamp comes back."""
    results: list[Result] = []
    with simulated(BAUD, lamps=LAMPS) as simulation:
        async with polled(simulation, BAUD, LAMPS, load_builtin("lentera-lamp")) as line:
            await eventually(line.all_responsive, what="an answer of each")
            healthy = await line.answers_per_s(SECONDS)
            for dead, least in LEAST_RATE.items():
                polls = await _silence(simulation, line, dead)
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
            results.append(await _return_of_a_lamp(simulation, line))
    return results + await _many_dead()


async def _many_dead() -> list[Result]:
    """Sixty of a hundred dead, beside a line with nothing on it but forty healthy ones.

    The lamp that comes back does so right after a probe without a response: no other lamp waits longer.
    """
    profile, healthy = load_builtin("lentera-lamp"), MANY_LAMPS - MANY_DEAD
    with simulated(BAUD, lines=2, lamps=MANY_LAMPS) as simulation:
        other = replace(simulation, lines=simulation.lines[1:])
        async with (
            polled(simulation, BAUD, healthy, profile) as alone,
            polled(other, BAUD, MANY_LAMPS, profile) as line,
        ):
            dead = range(healthy, MANY_LAMPS)
            known = POLLS_UNTIL_KNOWN * MANY_LAMPS
            await eventually(lambda: line.line.counters.answers > known, BACK_WITHIN_S, "the lamps' pace")
            for number in dead:
                simulation.silence(lamp_id(2, line.devices[number].unit))
                line.presence(number).state = PresenceState.UNRESPONSIVE
            counters = alone.line.counters, line.line.counters
            await eventually(lambda: any(line.presence(each).failures for each in dead), what="a probe")
            number = next(each for each in dead if line.presence(each).failures)
            back = line.presence(number)
            before, began = [each.answers for each in counters], time.monotonic()
            simulation.wake(lamp_id(2, line.devices[number].unit))
            await eventually(lambda: back.is_responsive, 2 * BACK_WITHIN_S, "its return")
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
            f"the one just probed without a response is back after, {name}",
            took_s,
            "s",
            BACK_WITHIN_S,
            took_s <= BACK_WITHIN_S,
        ),
    ]


async def _silence(simulation: Simulation, line: PolledLine, lamps: int) -> int:
    """The most polls that one of the first `lamps`, if not silent already, took to count as unresponsive."""
    newly_silent = [number for number in range(lamps) if line.presence(number).is_responsive]
    for number in newly_silent:
        simulation.silence(line.devices[number].id)
    noticed: dict[int, int] = {}

    def all_noticed() -> bool:
        for number in newly_silent:
            if line.presence(number).is_unresponsive:
                noticed.setdefault(number, line.presence(number).failures)
        return len(noticed) == len(newly_silent)

    await eventually(all_noticed, 30.0, "their silence")
    return max(noticed.values())


async def _return_of_a_lamp(simulation: Simulation, line: PolledLine) -> Result:
    lamp, presence = line.devices[0], line.presence(0)
    # Until it is probed as seldom as it ever will be.
    await asyncio.sleep(2 * SECONDS)
    simulation.wake(lamp.id)
    began = time.monotonic()
    await eventually(lambda: presence.is_responsive, 2 * BACK_WITHIN_S, "its return")
    took_s = time.monotonic() - began
    return Result(
        "a lamp that answers again is back after", took_s, "s", BACK_WITHIN_S, took_s <= BACK_WITHIN_S
    )
