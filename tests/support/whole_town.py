"""A demo under test: started by its command, read through its API, compared with its simulator."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import PATIENCE_S, wait_until

START_TIMEOUT_S = 90
FROM_CHECKOUT = (sys.executable, "-m", "lentera")
_MODULE_PATHS = ("PYTHONPATH", "PYTHONHOME")


@dataclass
class Town:
    """A running demo and clients of its two HTTP interfaces."""

    process: subprocess.Popen[str]
    folder: Path
    url: str
    start_s: float
    api: httpx.Client
    sim: httpx.Client
    inventory: dict[str, Any] = field(default_factory=dict)

    def now(self) -> datetime:
        """Domain time, by the simulator's clock."""
        return datetime.fromisoformat(self.sim.get("/sim/v1/clock").raise_for_status().json()["time"])

    def wait_for(self, instant: datetime, timeout_s: float = 600.0) -> None:
        """Wait until domain time reaches `instant`."""
        wait_until(lambda: self.now() >= instant, timeout_s, f"domain time {instant}")

    def lamps(self) -> dict[str, dict[str, Any]]:
        """What the map shows, by lamp id."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            parameters = {"limit": "5000"} | ({"cursor": cursor} if cursor else {})
            answer = self.api.get("/api/v1/lamps", params=parameters).raise_for_status().json()
            items += answer["items"]
            cursor = answer["nextCursor"]
            if cursor is None:
                return {item["id"]: item for item in items}

    def truth(self) -> dict[str, dict[str, Any]]:
        """What the simulator knows, by lamp id."""
        answer = self.sim.get("/sim/v1/lamps").raise_for_status().json()
        return {item["id"]: item for item in (answer["items"] if isinstance(answer, dict) else answer)}

    def active_alarms(self) -> list[dict[str, Any]]:
        """The alarms in force."""
        answer = self.api.get("/api/v1/alarms", params={"state": "active", "limit": "500"})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items

    def all_alarms(self) -> list[dict[str, Any]]:
        """Every alarm of the night, ended ones too."""
        answer = self.api.get("/api/v1/alarms", params={"state": "all", "limit": "500"})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items

    def kill(self, name: str) -> None:
        """End one of the demo's processes with SIGKILL; returns when a new one has taken its place."""
        pid_file = self.folder / "processes" / f"{name}.pid"
        before = int(pid_file.read_text())
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: int(pid_file.read_text() or before) != before, what=f"a new {name}")


@contextmanager
def start_town(folder: Path, *options: str, program: Sequence[str] = FROM_CHECKOUT) -> Iterator[Town]:
    """Run `lentera demo --json` with `options`; ends it, and checks that every process is gone.

    It runs in `folder`, so that nothing is found only because a checkout is the working directory.
    """
    command = [
        *program,
        "demo",
        "--json",
        "--port",
        "0",
        "--folder",
        str(folder / "town"),
        *options,
    ]
    began = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name not in _MODULE_PATHS}
    with (folder / "demo.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        ready = _ready_line(process, folder)
        with (
            httpx.Client(
                base_url=_origin(ready["url"]),
                headers={"Authorization": f"Bearer {ready['token']}"},
                timeout=PATIENCE_S,
            ) as api,
            httpx.Client(base_url=ready["sim"], timeout=PATIENCE_S) as sim,
        ):
            yield Town(process, folder / "town", ready["url"], time.monotonic() - began, api, sim)
    finally:
        pids = _pids(folder / "town")
        _interrupt(process)
    left = [name for name, pid in pids.items() if _alive(pid)]
    assert left == [], f"still running after Ctrl-C: {left}"


def _interrupt(process: subprocess.Popen[str]) -> None:
    """End it as Ctrl-C does; it is killed, and the test fails, if it does not follow."""
    with process:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()


def _ready_line(process: subprocess.Popen[str], folder: Path) -> dict[str, str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        logs = "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
            for path in [folder / "demo.log", *sorted((folder / "town" / "processes").glob("*.log"))]
        )
        pytest.fail(f"the demo ended before it was ready:\n{logs}")
    ready: dict[str, str] = json.loads(line)
    assert ready["event"] == "ready"
    return ready


def _origin(url: str) -> str:
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.host}:{parsed.port}"


def _pids(folder: Path) -> dict[str, int]:
    return {path.stem: int(path.read_text()) for path in (folder / "processes").glob("*.pid")}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/status").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text()
