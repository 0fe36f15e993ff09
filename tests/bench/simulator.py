"""A simulator in a process of its own, with as many lines and lamps as a benchmark wants."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from edge.line.timing import serial_timing
from firmware_sim.api.server import run_simulator
from firmware_sim.config import SimulatorConfig
from protocols.clock import system_clock
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from tests.conftest import free_port, wait_until

ZONE = "Asia/Jakarta"
LATITUDE, LONGITUDE = -7.03, 107.52
REQUEST_CHARACTERS = 8
ANSWER_CHARACTERS = 5
"""Beside two for each register."""


@dataclass(frozen=True, slots=True)
class LineCounts:
    """What the simulator counted on one line; times are means per answer."""

    frames: int
    answers: int
    silence_violations: int
    collisions: int
    crc_errors: int
    turnaround_ms: float
    lateness_ms: float


@dataclass(frozen=True, slots=True)
class Simulation:
    """Lines to open, and the simulator's own account of them."""

    lines: list[Path]
    api: httpx.Client

    def counts(self) -> list[LineCounts]:
        """The lines' counts since the start."""
        rows = self.api.get("/sim/v1/lines").raise_for_status().json()
        return [
            LineCounts(
                row["frames"],
                row["answers"],
                row["silenceViolations"],
                row["collisions"],
                row["crcErrors"],
                row["meanTurnaround"],
                row["meanLateness"],
            )
            for row in rows
        ]

    def silence(self, lamp_id: str) -> None:
        """Let a lamp's controller say nothing more."""
        self.api.post(f"/sim/v1/lamps/{lamp_id}/faults", json={"type": "silent"}).raise_for_status()

    def wake(self, lamp_id: str) -> None:
        """Let it answer again."""
        self.api.delete(f"/sim/v1/lamps/{lamp_id}/faults").raise_for_status()


def lamp_id(line: int, unit: int) -> str:
    """The lamp at this address on this line (from 1)."""
    return f"L{line:02}-{unit:03}"


def shortest_s(baud: int, words: int, turnaround_ms: float) -> float:
    """What the serial line specification lets one read take at the least."""
    timing = serial_timing(baud)
    characters = REQUEST_CHARACTERS + ANSWER_CHARACTERS + 2 * words
    return timing.duration_s(characters) + 2 * timing.silence_s + turnaround_ms / 1000


@contextmanager
def simulated(baud: int, *, lines: int = 1, lamps: int = 50, strict: bool = True) -> Iterator[Simulation]:
    """Lines of `lamps` each, until the block ends."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.simulator", folder, str(port), str(baud)]
        counts = [str(lines), str(lamps), *([] if strict else ["--lenient"])]
        process = subprocess.Popen([*command, *counts], stderr=subprocess.DEVNULL)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as api:
                wait_until(lambda: _answers(api), timeout_s=60, what="the simulator")
                paths = [Path(folder) / "lines" / f"bench-{number}" for number in range(1, lines + 1)]
                yield Simulation(paths, api)
        finally:
            process.terminate()
            process.wait()


def _answers(api: httpx.Client) -> bool:
    try:
        return api.get("/sim/v1/clock").is_success
    except httpx.TransportError:
        return False


def _inventory(lines: int, lamps: int) -> Inventory:
    return Inventory(
        areas=[Area("bench", "Bench", LATITUDE, LONGITUDE)],
        gateways=[Gateway("bench", "bench", LATITUDE, LONGITUDE, ZONE)],
        lamps=[
            Lamp(lamp_id(line, unit), "bench", "bench", line, unit, LATITUDE, LONGITUDE)
            for line in range(1, lines + 1)
            for unit in range(1, lamps + 1)
        ],
    )


def main() -> None:
    """Simulate until terminated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name in ("port", "baud", "lines", "lamps"):
        parser.add_argument(name, type=int)
    parser.add_argument("--lenient", action="store_true")
    given = parser.parse_args()
    config = SimulatorConfig(
        run_dir=given.folder,
        http_port=given.port,
        baud=given.baud,
        strict_silence=not given.lenient,
        logged_polls=1000,
    )
    asyncio.run(run_simulator(config, _inventory(given.lines, given.lamps), system_clock(time.time)))


if __name__ == "__main__":
    main()
