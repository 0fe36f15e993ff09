"""The demo's child processes: started, restarted when they die, and all ended together."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

GRACE_S = 5.0
"""How long a process may take to end itself before it is killed."""

RESTART_DELAY_S = 1.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h: the child gets a signal when its parent dies


class ProcessFailedError(Exception):
    """A process of the demo ended before it was ready; the message carries the end of its log."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: its name, what to run, and what its environment has besides ours."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Processes:
    """Children of this process, each logging to `<folder>/<name>.log`, its id in `<folder>/<name>.pid`."""

    def __init__(self, folder: Path, tasks: asyncio.TaskGroup) -> None:
        self._folder = folder
        self._tasks = tasks
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._ready = False

    async def start(self, spec: ProcessSpec) -> None:
        """Start a process and keep it running from now on."""
        process = await self._spawn(spec)
        self._watchers.append(self._tasks.create_task(self._watch(spec, process)))

    def all_ready(self) -> None:
        """From here on a process that dies is started again instead of ending the demo."""
        self._ready = True

    async def end(self) -> None:
        """End every process: SIGTERM, then SIGKILL for those that do not follow."""
        for watcher in self._watchers:
            watcher.cancel()
        for process in self._running.values():
            _signal(process, signal.SIGTERM)
        for process in self._running.values():
            try:
                await asyncio.wait_for(process.wait(), GRACE_S)
            except TimeoutError:
                _signal(process, signal.SIGKILL)
                await process.wait()

    async def _spawn(self, spec: ProcessSpec) -> asyncio.subprocess.Process:
        with self._log(spec).open("ab") as log:
            process = await _run(spec, log)
        self._running[spec.name] = process
        (self._folder / f"{spec.name}.pid").write_text(str(process.pid))
        return process

    async def _watch(self, spec: ProcessSpec, process: asyncio.subprocess.Process) -> None:
        while True:
            status = await process.wait()
            if not self._ready:
                raise ProcessFailedError(
                    f"{spec.name} ended with status {status} before it was ready:\n{self.tail(spec)}"
                )
            sys.stderr.write(f"lentera demo: {spec.name} ended with status {status}, starting it again\n")
            await asyncio.sleep(RESTART_DELAY_S)
            process = await self._spawn(spec)

    def tail(self, spec: ProcessSpec, lines: int = 15) -> str:
        """Return the last lines a process logged."""
        return "\n".join(self._log(spec).read_text(errors="replace").splitlines()[-lines:])

    def _log(self, spec: ProcessSpec) -> Path:
        return self._folder / f"{spec.name}.log"


@asynccontextmanager
async def running_processes(folder: Path) -> AsyncIterator[Processes]:
    """Processes that log into `folder` and end, all of them, when the block is left, however it is left."""
    async with asyncio.TaskGroup() as tasks:
        processes = Processes(folder, tasks)
        try:
            yield processes
        finally:
            await processes.end()


async def _run(spec: ProcessSpec, log: BinaryIO) -> asyncio.subprocess.Process:
    # A session of its own keeps the terminal's Ctrl-C from the children: this process ends them in order.
    return await asyncio.create_subprocess_exec(
        *spec.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **spec.environment},
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)
