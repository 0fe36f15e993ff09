"""Tells lamps their level and proves that they took it: one broadcast or single writes, then read-back."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge.device import LEVEL_POINT, RAMP_POINT, Device
from edge.line import Lane, Line, LineError, PortUnavailableError, RequestRefusedError
from edge.reader import Reader
from protocols.lamp import LampReading
from protocols.modbus.codec import CodecError, Write, encode_write, writable

ATTEMPTS: Final = 3

_FEWEST_FOR_BROADCAST = 3
_READ_BACK_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a lamp is not at its target; `disobeyed` when it answers and is at another level."""

    why: str
    disobeyed: bool = False
    is_final: bool = False


Problems = dict[Device, Problem]


class Teller:
    """The writes of one line. A lamp's target is read when it is told, so the newest one always wins."""

    def __init__(self, line: Line, reader: Reader, lamps: Sequence[Device]) -> None:
        self._line = line
        self._reader = reader
        self._lamps = lamps

    async def settle(
        self,
        lamps: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,
        on_confirmed: Callable[[Device], None] | None = None,
    ) -> Problems:
        """Bring lamps to their targets, repeating what fails; returns those that did not follow, and why."""
        left = list(lamps)
        final: Problems = {}
        problems: Problems = {}
        for attempt in range(ATTEMPTS):
            untold = await self._tell(left, lane, ramp_s, may_broadcast=attempt == 0)
            told = [lamp for lamp in left if lamp not in untold]
            problems = untold | await self._verify(told, lane, on_confirmed)
            final |= {lamp: problem for lamp, problem in problems.items() if problem.is_final}
            left = [lamp for lamp in problems if lamp not in final]
            if not left:
                break
        return final | {lamp: problems[lamp] for lamp in left}

    async def _tell(
        self, lamps: Sequence[Device], lane: Lane, ramp_s: float, *, may_broadcast: bool
    ) -> Problems:
        if may_broadcast and (write := self._broadcast_for(lamps)) is not None:
            return await self._tell_all(write, lamps, lane, ramp_s)
        problems: Problems = {}
        for lamp in lamps:
            try:
                await self._tell_one(lamp, lane, ramp_s)
            except (LineError, CodecError) as error:
                problems[lamp] = problem_of(error)
        return problems

    def _broadcast_for(self, lamps: Sequence[Device]) -> Write | None:
        """The one write that suits every lamp of the line, when there is one and it is worth it."""
        if len(lamps) < _FEWEST_FOR_BROADCAST or 2 * len(lamps) < len(self._lamps):
            return None
        first = self._lamps[0]
        if first.target_level_percent is None or not writable(first.profile, LEVEL_POINT).broadcast:
            return None
        for lamp in self._lamps:
            if lamp.profile is not first.profile or lamp.target_level_percent != first.target_level_percent:
                return None
        return encode_write(first.profile, LEVEL_POINT, first.target_level_percent)

    async def _tell_all(self, write: Write, lamps: Sequence[Device], lane: Lane, ramp_s: float) -> Problems:
        level = self._lamps[0].target_level_percent
        try:
            if any(_needs_ramp(lamp, ramp_s) for lamp in self._lamps):
                await self._line.broadcast(encode_write(self._lamps[0].profile, RAMP_POINT, ramp_s), lane)
                for lamp in self._lamps:
                    lamp.told_ramp_s = ramp_s
            await self._line.broadcast(write, lane)
        except (LineError, CodecError) as error:
            return dict.fromkeys(lamps, problem_of(error))
        for lamp in self._lamps:
            lamp.told_level_percent = level
        return {}

    async def _tell_one(self, lamp: Device, lane: Lane, ramp_s: float) -> None:
        if _needs_ramp(lamp, ramp_s):
            await self._line.write(lamp.unit, encode_write(lamp.profile, RAMP_POINT, ramp_s), lane)
            lamp.told_ramp_s = ramp_s
        level = lamp.target_level_percent
        if level is not None:
            await self._line.write(lamp.unit, encode_write(lamp.profile, LEVEL_POINT, level), lane)
            lamp.told_level_percent = level

    async def _verify(
        self, lamps: Sequence[Device], lane: Lane, on_confirmed: Callable[[Device], None] | None
    ) -> Problems:
        # Two at a time, so that the next read-back waits for the wire and no poll slips in between.
        queue = list(reversed(lamps))
        problems: Problems = {}

        async def work() -> None:
            while queue:
                lamp = queue.pop()
                problem = await self._read_back(lamp, lane)
                if problem is not None:
                    problems[lamp] = problem
                elif on_confirmed is not None:
                    on_confirmed(lamp)

        async with asyncio.TaskGroup() as workers:
            for _ in range(_READ_BACK_WORKERS):
                workers.create_task(work())
        return problems

    async def _read_back(self, lamp: Device, lane: Lane) -> Problem | None:
        try:
            reading = await self._reader.read(lamp, lane)
        except LineError as error:
            lamp.told_level_percent = None
            return problem_of(error)
        feedback = reading.feedback_level_percent if isinstance(reading, LampReading) else None
        target = lamp.target_level_percent
        if feedback == target or feedback is None:
            return None
        lamp.told_level_percent = None
        return Problem(f"reads back level {feedback} %, expected {target} %", disobeyed=True)


def _needs_ramp(lamp: Device, ramp_s: float) -> bool:
    if (lamp.told_ramp_s or 0.0) == ramp_s:
        return False
    return any(register.name == RAMP_POINT and register.writable for register in lamp.profile.registers)


def problem_of(error: LineError | CodecError) -> Problem:
    """What an exchange that failed says of the device."""
    is_final = isinstance(error, RequestRefusedError | CodecError | PortUnavailableError)
    return Problem(str(error), disobeyed=isinstance(error, RequestRefusedError), is_final=is_final)
