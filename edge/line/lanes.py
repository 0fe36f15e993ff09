"""Who may speak next on a line: five lanes, and units that must be left alone for a while."""

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum

from edge.line.framing import Request


class Lane(IntEnum):
    """What a request is for; the lowest number goes first."""

    COMMAND = 0
    READ_BACK = 1
    ALARM = 2
    READING = 3
    SLOW = 4


@dataclass(slots=True)
class Job:
    """A request that waits for the wire and the future that takes its answer."""

    lane: Lane
    request: Request
    answer: "asyncio.Future[bytes]" = field(repr=False)


class Lanes:
    """The waiting jobs of one line."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._held: dict[int, float] = {}
        self._changed = asyncio.Event()
        self._interrupted = False

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: Job) -> None:
        """Let a job wait in its lane, behind those already there."""
        self._jobs.append(job)
        self._changed.set()

    def hold(self, unit: int, until: float) -> None:
        """Do not ask `unit` before loop time `until`: an answer of its may still be under way."""
        self._held[unit] = until

    def release(self, unit: int) -> None:
        """The unit may be asked again."""
        if self._held.pop(unit, None) is not None:
            self._changed.set()

    def interrupt(self) -> None:
        """Let the `take` under way, or the next one, return None."""
        self._interrupted = True
        self._changed.set()

    async def take(self) -> Job | None:
        """The next job that may go, waiting for one; None when interrupted. Jobs given up are dropped."""
        loop = asyncio.get_running_loop()
        while True:
            if self._interrupted:
                self._interrupted = False
                return None
            self._changed.clear()
            job, wait_until = self._choose(loop.time())
            if job is not None:
                return job
            if wait_until is None:
                await self._changed.wait()
                continue
            timer = loop.call_at(wait_until, self._changed.set)
            try:
                await self._changed.wait()
            finally:
                timer.cancel()

    def fail_all(self, error: Exception) -> None:
        """Answer every waiting job with `error`."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            if not job.answer.done():
                job.answer.set_exception(error)

    def _choose(self, now: float) -> tuple[Job | None, float | None]:
        if self._held:
            self._held = {unit: until for unit, until in self._held.items() if until > now}
        self._jobs = [job for job in self._jobs if not job.answer.done()]
        free = [job for job in self._jobs if job.request.unit not in self._held]
        if free:
            job = min(free, key=lambda each: each.lane)
            self._jobs.remove(job)
            return job, None
        waits = [self._held[job.request.unit] for job in self._jobs]
        return None, min(waits, default=None)
