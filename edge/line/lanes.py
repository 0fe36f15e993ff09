"""Who may speak next on a line: five lanes, and units that must be left alone for a while."""

import asyncio
from collections import deque
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
class Transaction:
    """A request that waits for the wire and the future that takes its answer.

    `timeout_s` is how long its unit may take, where that is not for the line to say. `before` is the job
    that waits for the answer to this one.
    """

    lane: Lane
    request: Request
    answer: "asyncio.Future[bytes]" = field(repr=False)
    timeout_s: float | None = None
    before: "Transaction | None" = None


class Lanes:
    """The waiting jobs of one line. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._lanes: tuple[deque[Transaction], ...] = tuple(deque() for _ in Lane)
        self._held: dict[int, float] = {}

    def put(self, job: Transaction) -> None:
        """Let a job wait in its lane, behind those already there."""
        self._lanes[job.lane].append(job)

    def put_first(self, job: Transaction) -> None:
        """Let a job wait in its lane, before those already there."""
        self._lanes[job.lane].appendleft(job)

    def hold(self, unit: int, until: float) -> None:
        """Do not ask `unit` before `until`: an answer of its may still be under way."""
        self._held[unit] = until

    def release(self, unit: int) -> None:
        """The unit may be asked again."""
        self._held.pop(unit, None)

    def take(self, now: float) -> Transaction | None:
        """The next job that may go now. Jobs that were given up are dropped."""
        if self._held:
            self._held = {unit: until for unit, until in self._held.items() if until > now}
        for lane in self._lanes:
            if lane and (job := self._take_from(lane)) is not None:
                return job
        return None

    def next_release(self) -> float | None:
        """When the first unit is let go that a job waits for."""
        waited_for = {job.request.unit for lane in self._lanes for job in lane}
        return min((until for unit, until in self._held.items() if unit in waited_for), default=None)

    def fail_all(self, error: Exception) -> None:
        """Answer every waiting job with `error`."""
        for lane in self._lanes:
            while lane:
                job = lane.popleft()
                if not job.answer.done():
                    job.answer.set_exception(error)

    def _take_from(self, lane: deque[Transaction]) -> Transaction | None:
        while lane and lane[0].answer.done():
            lane.popleft()
        if lane and lane[0].request.unit not in self._held:
            return lane.popleft()
        for index, job in enumerate(lane):
            if job.request.unit not in self._held and not job.answer.done():
                del lane[index]
                return job
        return None
