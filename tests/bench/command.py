"""From the API to a confirmed lamp, at the pace of the street, on a 9600-baud line with 50 lamps."""

import statistics
import tempfile
import time
from pathlib import Path

import httpx

from tests.bench.results import Result
from tests.e2e.town import start_town

COMMANDS = 20
PROMISE_S = 2.0


async def command_latency() -> list[Result]:
    """Median and slowest time until `confirmed`, while the line is being polled."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--lamps", "50", "--speed", "1", "--faults", "0", "--baud", "9600")
        with start_town(Path(folder), *options) as town:
            lamps = sorted(town.truth())
            times = [_time_one(town.api, lamps[n], 30 + n) for n in range(COMMANDS)]
            levels = town.truth()
            assert all(abs(levels[lamps[n]]["trueLevel"] - (30 + n)) <= 2 for n in range(COMMANDS))
    return [
        Result("command confirmed, median", statistics.median(times), "s", PROMISE_S, max(times) < PROMISE_S),
        Result("command confirmed, slowest of 20", max(times), "s", PROMISE_S, max(times) < PROMISE_S),
    ]


def _time_one(api: httpx.Client, lamp_id: str, level: int) -> float:
    began = time.monotonic()
    body = {"lampIds": [lamp_id], "level": level, "duration": 600, "note": "benchmark"}
    command = api.post("/api/v1/commands", json=body).raise_for_status().json()
    while command["status"] == "pending":
        command = api.get(f"/api/v1/commands/{command['id']}").raise_for_status().json()
    took = time.monotonic() - began
    assert command["status"] == "confirmed", command
    return took
