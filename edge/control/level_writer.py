"""Writes target levels to lamps and verifies them: one broadcast or single writes, then read-back."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from edge.control.commanded_state import CommandedState
from edge.control.ports import Problem, Problems, problem_of
from edge.devices.device import Device
from edge.line import Lane, Line, LineError
from edge.polling.reader import DeviceReader
from protocols.lamp import Reason
from protocols.modbus.codec import CodecError, Write, encode_write
from protocols.modbus.points import LEVEL_POINT, RAMP_POINT

ATTEMPTS: Final = 3

_FEWEST_FOR_BROADCAST = 3
_READ_BACK_WORKERS = 2


class LevelWriter:
    """The level writes of one line. Owns the commanded state of its lamps.

    A target is read at the moment it is written, so the newest one wins over any that came before.
    `may_broadcast` says that a write to all units at once does no harm to any: see `broadcast_blocker`.
    """

    def __init__(
        self,
        line: Line,
        reader: DeviceReader,
        states: Mapping[Device, CommandedState],
        *,
        may_broadcast: bool,
    ) -> None:
        self._line = line
        self._reader = reader
        self._states = states
        self._may_broadcast = may_broadcast
        self._broadcasting = asyncio.Lock()

    @property
    def lamps(self) -> Iterable[Device]:
        """The lamps of the line that levels are written to."""
        return self._states.keys()

    def state(self, lamp: Device) -> CommandedState:
        """Return the commanded state of one of the lamps; for callers to read, not to write."""
        return self._states[lamp]

    def set_target(self, lamp: Device, level_percent: int, reason: Reason) -> bool:
        """Set the level that a lamp should have, without writing it; returns whether it differs."""
        state = self._states[lamp]
        differs = state.target_level_percent != level_percent
        state.target_level_percent, state.reason = level_percent, reason
        return differs

    def is_due(self, lamp: Device) -> bool:
        """Whether a lamp that may be there awaits its target, and nothing is writing to it."""
        state = self._states[lamp]
        return state.is_pending and not state.writes_in_progress and self._may_respond(lamp)

    def record_ramp(self, device: Device, ramp_s: float | None) -> None:
        """Record the ramp found in a device, None if it does not say; ignored of a device that is no lamp."""
        if (state := self._states.get(device)) is not None:
            state.record_ramp(ramp_s)

    def compare(self, lamp: Device, feedback_level_percent: int | None) -> bool:
        """Compare the level read from a lamp with the one written; returns whether to write it again.

        A level other than the one written means that the lamp lost it, and its ramp too. None proves nothing.
        """
        state = self._states[lamp]
        written = state.written_level_percent
        if written is not None and feedback_level_percent not in (None, written):
            state.invalidate()
        return state.written_level_percent is None

    def state_lost(self, device: Device) -> None:
        """Write level and ramp again: the device restarted, or cannot be reached."""
        if (state := self._states.get(device)) is not None:
            state.invalidate()

    async def write_and_verify(
        self,
        lamps: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,
        on_verified: Callable[[Device], None] | None = None,
    ) -> Problems:
        """Bring lamps to their targets, repeating what fails; returns those that are not there, and why.

        `on_verified` is called for each of the others as soon as it is verified.
        """
        left = list(lamps)
        states = [self._states[lamp] for lamp in left]
        for state in states:
            state.writes_in_progress += 1
        final: Problems = {}
        problems: Problems = {}
        try:
            for attempt in range(ATTEMPTS):
                # One broadcast at most: whoever missed it is written to directly.
                unwritten = await self._write(left, lane, ramp_s, may_broadcast=attempt == 0)
                written = [lamp for lamp in left if lamp not in unwritten]
                problems = unwritten | await self._verify(written, lane, on_verified)
                final |= {lamp: problem for lamp, problem in problems.items() if problem.is_final}
                left = [lamp for lamp in problems if lamp not in final]
                if not left:
                    break
        finally:
            for state in states:
                state.writes_in_progress -= 1
        return final | {lamp: problems[lamp] for lamp in left}

    async def _write(
        self, lamps: Sequence[Device], lane: Lane, ramp_s: float, *, may_broadcast: bool
    ) -> Problems:
        problems: Problems = {}
        for lamp in lamps:
            is_pending = self._states[lamp].is_pending
            # Checked before each lamp: commands come in pieces, and by now one broadcast may suit all.
            if may_broadcast and is_pending and self._broadcast_write() is not None:
                async with self._broadcasting:
                    # Another call may have sent it while this one waited for its turn.
                    if (write := self._broadcast_write()) is not None:
                        problems |= await self._broadcast(write, lamps, lane, ramp_s)
            # Without feedback only the acknowledgement of this very write proves anything.
            if lamp not in problems and (self._states[lamp].is_pending or lamp.feedback_point is None):
                problems |= await self._write_one(lamp, lane, ramp_s)
        return problems

    def _broadcast_write(self) -> Write | None:
        """The one write that suits all lamps of the line, if there is one and half of them wait for it."""
        if not self._may_broadcast:
            return None
        reachable = self._reachable()
        pending = sum(self._states[lamp].is_pending for lamp in reachable)
        if pending < _FEWEST_FOR_BROADCAST or 2 * pending < len(reachable):
            return None
        # Of all lamps, not of the reachable ones: one that is taken for absent may hear it too.
        targets = {state.target_level_percent for state in self._states.values()}
        level = targets.pop()
        if targets or level is None:
            return None
        return encode_write(reachable[0].profile, LEVEL_POINT, level)

    async def _broadcast(self, write: Write, lamps: Sequence[Device], lane: Lane, ramp_s: float) -> Problems:
        first = next(iter(self._states))
        level = self._states[first].target_level_percent
        try:
            if any(self._needs_ramp(lamp, ramp_s) for lamp in self._reachable()):
                await self._line.broadcast(encode_write(first.profile, RAMP_POINT, ramp_s), lane)
                for lamp in self._reachable():
                    self._states[lamp].record_ramp(ramp_s)
            await self._line.broadcast(write, lane)
        except CodecError as error:
            return dict.fromkeys(lamps, problem_of(error))
        except LineError as error:
            for lamp in self._reachable():
                self._states[lamp].invalidate()  # it may have gone out all the same
            return dict.fromkeys(lamps, problem_of(error))
        if level is not None:
            for lamp in self._reachable():
                self._states[lamp].record_write(level)
        return {}

    def _reachable(self) -> list[Device]:
        # What an unresponsive lamp has heard cannot be known: it is written to when it is back.
        return [lamp for lamp in self._states if self._may_respond(lamp)]

    def _may_respond(self, lamp: Device) -> bool:
        return not self._reader.presences[lamp].is_unresponsive

    async def _write_one(self, lamp: Device, lane: Lane, ramp_s: float) -> Problems:
        state = self._states[lamp]
        try:
            if self._needs_ramp(lamp, ramp_s):
                await self._line.write(lamp.unit, encode_write(lamp.profile, RAMP_POINT, ramp_s), lane)
                state.record_ramp(ramp_s)
            level = state.target_level_percent
            if level is not None:
                await self._line.write(lamp.unit, encode_write(lamp.profile, LEVEL_POINT, level), lane)
                state.record_write(level)
        except CodecError as error:
            return {lamp: problem_of(error)}
        except LineError as error:
            state.invalidate()  # it may have been carried out all the same
            return {lamp: problem_of(error)}
        return {}

    def _needs_ramp(self, lamp: Device, ramp_s: float) -> bool:
        """Whether the ramp is another, or unknown: that of an earlier command may still be in the device."""
        if self._states[lamp].written_ramp_s == ramp_s:
            return False
        return any(register.name == RAMP_POINT and register.writable for register in lamp.profile.registers)

    async def _verify(
        self, lamps: Sequence[Device], lane: Lane, on_verified: Callable[[Device], None] | None
    ) -> Problems:
        # Two at a time: the next read-back is queued before this one ends, so no poll slips in between.
        queue = list(reversed(lamps))
        problems: Problems = {}

        async def work() -> None:
            while queue:
                lamp = queue.pop()
                problem = await self._read_back(lamp, lane)
                if problem is not None:
                    problems[lamp] = problem
                elif on_verified is not None:
                    on_verified(lamp)

        async with asyncio.TaskGroup() as workers:
            for _ in range(_READ_BACK_WORKERS):
                workers.create_task(work())
        return problems

    async def _read_back(self, lamp: Device, lane: Lane) -> Problem | None:
        if lamp.feedback_point is None:
            return None  # its acknowledgement of the write is all there will ever be
        state = self._states[lamp]
        try:
            feedback = (await self._reader.read_lamp(lamp, lane)).feedback_level_percent
        except LineError as error:
            state.invalidate()
            return problem_of(error)
        target = state.target_level_percent
        if feedback == target:
            return None
        self.compare(lamp, feedback)
        state.invalidate_level()
        says = "does not report its level" if feedback is None else f"reads back level {feedback} %"
        return Problem(f"{says}, expected {target} %", disobeyed=True)
