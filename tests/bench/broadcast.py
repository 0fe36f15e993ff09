"""A whole line of 247 lamps set by one broadcast and read back, while it is polled without a pause."""

import time

from edge.line import Lane
from edge.line.timing import serial_timing
from protocols.lamp import Reason
from protocols.modbus.builtin import load_builtin
from tests.bench.line import fast_block
from tests.bench.polling import polled
from tests.bench.results import Result
from tests.bench.simulator import REQUEST_CHARACTERS, shortest_s, simulated
from tests.conftest import eventually

BAUD = 9600
LAMPS = 247
LEVEL = 60
MOST_OF_LIMIT = 1.05


async def broadcast_and_read_back() -> list[Result]:
    """Seconds from the order until the last lamp is proved to have taken it."""
    with simulated(BAUD, lamps=LAMPS) as simulation:
        async with polled(simulation, BAUD, LAMPS, load_builtin("lentera-lamp")) as line:
            await eventually(lambda: line.line.counters.answers > 20, what="a busy line")
            for lamp in line.devices:
                line.writer.set_target(lamp, LEVEL, Reason.OVERRIDE)
                line.writer.record_ramp(lamp, 0.0)  # as it is known once a gateway has written any level
            began = time.monotonic()
            problems = await line.writer.write_and_verify(line.devices, Lane.READ_BACK)
            took_s = time.monotonic() - began
        (counts,) = simulation.counts()
        (row,) = simulation.api.get("/sim/v1/lines").raise_for_status().json()
        lamps = simulation.api.get("/sim/v1/lamps").raise_for_status().json()
    at_level = sum(abs(lamp["trueLevel"] - LEVEL) < 1 for lamp in lamps)
    timing = serial_timing(BAUD)
    broadcast_s = timing.duration_s(REQUEST_CHARACTERS) + timing.broadcast_pause_s
    limit_s = broadcast_s + LAMPS * shortest_s(BAUD, fast_block().count, counts.turnaround_ms)
    holds = (
        took_s <= MOST_OF_LIMIT * limit_s
        and not problems
        and at_level == LAMPS
        and row["broadcasts"] == 1
        and counts.silence_violations == 0
    )
    return [Result(f"{LAMPS} lamps written by one broadcast and read back", took_s, "s", limit_s, holds)]
