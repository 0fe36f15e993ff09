"""The demo's child processes: started, restarted when they end, and all ended together."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

GRACE_S = 5.0
"""Seconds for a process to end after SIGTERM before SIGKILL. Our choice: enough to write an outbox."""

RESTART_DELAY_S = 1.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h: the child receives a signal when its parent ends


class ProcessFailedError(Exception):
    """A process ended before the demo was ready; the message contains the end of its log."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: its name, its command, and its variables besides those of this process."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Processes:
    """Children of this process, each logging to `<folder>/<name>.log`, its id in `<folder>/<name>.pid`.

    Before `are_ready` is set, a process that ends fails the task group with ProcessFailedError; afterwards it
    is started again.
    """

    def __init__(self, folder: Path, tasks: asyncio.TaskGroup) -> None:
        self._folder = folder
        self._tasks = tasks
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self.are_ready = False

    async def start(self, spec: ProcessSpec) -> None:
        """Start a process and keep it running from now on."""
        process = await self._spawn(spec)
        self._watchers.append(self._tasks.create_task(self._watch(spec, process)))

    async def end(self) -> None:
        """End every process: SIGTERM, then SIGKILL for those that are still running after `GRACE_S`."""
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
            # A session of its own keeps the terminal's Ctrl-C from the children: this process ends them in
            # order.
            process = await asyncio.create_subprocess_exec(
                *spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **spec.environment},
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self._running[spec.name] = process
        (self._folder / f"{spec.name}.pid").write_text(str(process.pid))
        return process

    async def _watch(self, spec: ProcessSpec, process: asyncio.subprocess.Process) -> None:
        while True:
            status = await process.wait()
            if not self.are_ready:
                raise ProcessFailedError(
                    f"{spec.name} ended with status {status} before it was ready:\n{self.tail(spec)}"
                )
            sys.stderr.write(f"lentera demo: {spec.name} ended with status {status}, starting it again\n")
            await asyncio.sleep(RESTART_DELAY_S)
            process = await self._spawn(spec)

    def tail(self, spec: ProcessSpec, lines: int = 15) -> str:
        """Return the last lines of a process's log."""
        return "\n".join(self._log(spec).read_text(errors="replace").splitlines()[-lines:])

    def _log(self, spec: ProcessSpec) -> Path:
        return self._folder / f"{spec.name}.log"


@asynccontextmanager
async def running_processes(folder: Path) -> AsyncIterator[Processes]:
    """Provide processes that log into `folder` and all end when the block is left, also by an error."""
    async with asyncio.TaskGroup() as tasks:
        processes = Processes(folder, tasks)
        try:
            yield processes
        finally:
            await processes.end()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)
