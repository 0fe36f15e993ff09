"""From the API to a confirmed lamp, at the pace of the street, on a 9600-baud line with 50 lamps."""

import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.results import Result
from tests.support.whole_town import Town, start_town

COMMANDS = 20
PROMISE_S = 2.0
LEVEL_TOLERANCE_PERCENT = 2.0
GIVE_UP_S = 10.0


async def command_latency() -> list[Result]:
    """Median and slowest time until `confirmed`, while the line is being polled."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--lamps", "50", "--speed", "1", "--faults", "0", "--baud", "9600")
        with start_town(Path(folder), *options) as town:
            lamps = sorted(town.truth())
            times = [_time_one(town, lamps[n], 30 + n) for n in range(COMMANDS)]
    return [
        Result("command confirmed, median", statistics.median(times), "s", PROMISE_S, max(times) < PROMISE_S),
        Result("command confirmed, slowest of 20", max(times), "s", PROMISE_S, max(times) < PROMISE_S),
    ]


def _time_one(town: Town, lamp_id: str, level: int) -> float:
    """Wall seconds until the command is confirmed and the luminaire gives that level."""
    began = time.monotonic()
    body = {"lampIds": [lamp_id], "level": level, "duration": 600, "note": "benchmark"}
    command = town.api.post("/api/v1/commands", json=body).raise_for_status().json()
    while command["status"] == "pending":
        command = town.api.get(f"/api/v1/commands/{command['id']}").raise_for_status().json()
    if command["status"] != "confirmed":
        raise AssertionError(f"expected a confirmed command, got {command}")
    lamp = f"/sim/v1/lamps/{lamp_id}"
    while abs(town.sim.get(lamp).raise_for_status().json()["trueLevel"] - level) > LEVEL_TOLERANCE_PERCENT:
        if time.monotonic() - began > GIVE_UP_S:
            raise AssertionError(f"{lamp_id} was confirmed at {level} % and gives another level")
    return time.monotonic() - began
