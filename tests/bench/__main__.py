"""`make bench`: run the benchmarks, or the one named by --only."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console

from tests.bench.broadcast import broadcast_and_read_back
from tests.bench.command import command_latency
from tests.bench.cpu import processor_time
from tests.bench.dead import dead_lamps
from tests.bench.drain import backlog_drains
from tests.bench.ingest import ingest_rate
from tests.bench.latency import command_to_wire
from tests.bench.line import polls_against_wire_limit, silence_kept
from tests.bench.memory import memory_over_a_month
from tests.bench.peer import lamp_polls_against_peer
from tests.bench.results import Result, SkippedError, report

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Result]]]] = {
    "line": polls_against_wire_limit,
    "silence": silence_kept,
    "dead": dead_lamps,
    "latency": command_to_wire,
    "broadcast": broadcast_and_read_back,
    "cpu": processor_time,
    "peer": lamp_polls_against_peer,
    "ingest": ingest_rate,
    "command": command_latency,
    "drain": backlog_drains,
    "memory": memory_over_a_month,
}


async def _run(names: list[str]) -> list[Result]:
    results: list[Result] = []
    for name in names:
        try:
            results += await BENCHMARKS[name]()
        except SkippedError as error:
            Console(stderr=True).print(f"{name} is skipped: {error}")
    return results


def main() -> None:
    """Run, print, write; exit status 1 when a figure does not hold."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=sorted(BENCHMARKS))
    only = parser.parse_args().only
    results = asyncio.run(_run([only] if only else list(BENCHMARKS)))
    report(results)
    sys.exit(0 if all(result.holds for result in results) else 1)


main()
