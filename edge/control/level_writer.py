"""Tells lamps their level and proves that they took it: one broadcast or single writes, then read-back."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge.devices.device import Device
from edge.line import Lane, Line, LineError, PortUnavailableError, RequestRefusedError
from edge.polling.reader import Reader
from protocols.lamp import LampReading
from protocols.modbus.codec import CodecError, Write, encode_write
from protocols.modbus.points import LEVEL_POINT, RAMP_POINT

ATTEMPTS: Final = 3

_FEWEST_FOR_BROADCAST = 3
_READ_BACK_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a lamp is not at its target; `disobeyed` when it answers and is not seen at that level."""

    why: str
    disobeyed: bool = False
    is_final: bool = False


Problems = dict[Device, Problem]


class LevelWriter:
    """The writes of one line. A lamp's target is read when it is told, so the newest one always wins."""

    def __init__(self, line: Line, reader: Reader, lamps: Sequence[Device]) -> None:
        self._line = line
        self._reader = reader
        self._lamps = lamps
        self._broadcasting = asyncio.Lock()

    async def settle(
        self,
        lamps: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,
        on_confirmed: Callable[[Device], None] | None = None,
        *,
        may_broadcast: bool = False,
    ) -> Problems:
        """Bring lamps to their targets, repeating what fails; returns those that did not follow, and why.

        `may_broadcast` says that what reaches every unit of the line does no harm to any.
        """
        left = list(lamps)
        final: Problems = {}
        problems: Problems = {}
        for attempt in range(ATTEMPTS):
            untold = await self._tell(left, lane, ramp_s, may_broadcast=may_broadcast and attempt == 0)
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
        problems: Problems = {}
        for lamp in lamps:
            # Before each, for a burst of commands comes in pieces: what is set by now may be told at once.
            if may_broadcast and self._broadcast_write() is not None:
                problems |= await self._broadcast_once(lamps, lane, ramp_s)
            if lamp not in problems and _is_untold(lamp):
                problems |= await self._tell_one(lamp, lane, ramp_s)
        return problems

    async def _broadcast_once(self, lamps: Sequence[Device], lane: Lane, ramp_s: float) -> Problems:
        async with self._broadcasting:
            write = self._broadcast_write()
            return {} if write is None else await self._tell_all(write, lamps, lane, ramp_s)

    def _broadcast_write(self) -> Write | None:
        """The one write that suits every lamp of the line, when there is one and half of them wait for it."""
        living = self._responsive()
        untold = sum(lamp.written_level_percent != lamp.target_level_percent for lamp in living)
        if untold < _FEWEST_FOR_BROADCAST or 2 * untold < len(living):
            return None
        first = self._lamps[0]
        if first.target_level_percent is None or any(
            lamp.target_level_percent != first.target_level_percent for lamp in self._lamps
        ):
            return None
        return encode_write(first.profile, LEVEL_POINT, first.target_level_percent)

    async def _tell_all(self, write: Write, lamps: Sequence[Device], lane: Lane, ramp_s: float) -> Problems:
        level = self._lamps[0].target_level_percent
        try:
            if any(_needs_ramp(lamp, ramp_s) for lamp in self._responsive()):
                await self._line.broadcast(encode_write(self._lamps[0].profile, RAMP_POINT, ramp_s), lane)
                for lamp in self._responsive():
                    lamp.written_ramp_s = ramp_s
            await self._line.broadcast(write, lane)
        except CodecError as error:
            return dict.fromkeys(lamps, problem_of(error))
        except LineError as error:
            for lamp in self._responsive():
                lamp.invalidate_written()  # nobody knows whether it was heard
            return dict.fromkeys(lamps, problem_of(error))
        for lamp in self._responsive():
            lamp.written_level_percent = level
        return {}

    def _responsive(self) -> list[Device]:
        """The lamps that may be there: nobody knows what one that is away has heard."""
        return [lamp for lamp in self._lamps if lamp.answering is not False]

    async def _tell_one(self, lamp: Device, lane: Lane, ramp_s: float) -> Problems:
        try:
            if _needs_ramp(lamp, ramp_s):
                await self._line.write(lamp.unit, encode_write(lamp.profile, RAMP_POINT, ramp_s), lane)
                lamp.written_ramp_s = ramp_s
            level = lamp.target_level_percent
            if level is not None:
                await self._line.write(lamp.unit, encode_write(lamp.profile, LEVEL_POINT, level), lane)
                lamp.written_level_percent = level
        except CodecError as error:
            return {lamp: problem_of(error)}
        except LineError as error:
            lamp.invalidate_written()  # it may have been carried out all the same
            return {lamp: problem_of(error)}
        return {}

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
        if lamp.feedback_point is None:
            return None  # that it acknowledged the write is all it will ever say
        try:
            reading = await self._reader.read(lamp, lane)
        except LineError as error:
            lamp.invalidate_written()
            return problem_of(error)
        feedback = reading.feedback_level_percent if isinstance(reading, LampReading) else None
        target = lamp.target_level_percent
        if feedback == target:
            return None
        lamp.written_level_percent = None
        says = "does not tell its level" if feedback is None else f"reads back level {feedback} %"
        return Problem(f"{says}, expected {target} %", disobeyed=True)


def _is_untold(lamp: Device) -> bool:
    """Whether a write is due: always to a lamp that is proved by nothing but its acknowledgement."""
    return lamp.feedback_point is None or lamp.written_level_percent != lamp.target_level_percent


def _needs_ramp(lamp: Device, ramp_s: float) -> bool:
    """Whether the fade differs, or is not known: one of an earlier command may have been left there."""
    if lamp.written_ramp_s == ramp_s:
        return False
    return any(register.name == RAMP_POINT and register.writable for register in lamp.profile.registers)


def proof_of(lamp: Device) -> str:
    """What a confirmation rests on where that is less than a read-back; empty otherwise."""
    return "acknowledged; the lamp never tells its level" if lamp.feedback_point is None else ""


def problem_of(error: LineError | CodecError) -> Problem:
    """What an exchange that failed says of the device."""
    is_final = isinstance(error, RequestRefusedError | CodecError | PortUnavailableError)
    return Problem(str(error), disobeyed=isinstance(error, RequestRefusedError), is_final=is_final)
