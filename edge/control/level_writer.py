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
    """Writes the levels of one line's lamps; `states` is for callers to read, not to write.

    A target is read at the moment it is written, so the newest one replaces any that came before.
    `may_broadcast`: one write to all units at once is safe for each of them, see `broadcast_blocker`.
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
        self.states = states
        self._may_broadcast = may_broadcast
        self._broadcasting = asyncio.Lock()

    def set_target(self, lamp: Device, level_percent: int, reason: Reason) -> bool:
        """Set the level that a lamp should have, without writing it; returns whether it differs."""
        state = self.states[lamp]
        differs = state.target_level_percent != level_percent
        state.target_level_percent, state.reason = level_percent, reason
        return differs

    def is_due(self, lamp: Device) -> bool:
        """Return whether a lamp that may respond has yet to get its target, and nothing is writing to it."""
        state, presence = self.states[lamp], self._reader.presences[lamp]
        return state.is_pending and not state.writes_in_progress and not presence.is_unresponsive

    def record_ramp(self, device: Device, ramp_s: float | None) -> None:
        """Record the ramp read from a device, None if it has no valid one; ignored if it is no lamp."""
        if (state := self.states.get(device)) is not None:
            state.written_ramp_s = ramp_s

    def compare(self, lamp: Device, feedback_level_percent: int | None) -> bool:
        """Compare the level read from a lamp with the one written; returns whether to write it again.

        A level other than the one written means that the lamp lost it, and its ramp too. None is no evidence.
        """
        state = self.states[lamp]
        written = state.written_level_percent
        if written is not None and feedback_level_percent not in (None, written):
            state.invalidate()
        return state.written_level_percent is None

    def state_lost(self, device: Device) -> None:
        """Write level and ramp again: the device restarted, or cannot be reached."""
        if (state := self.states.get(device)) is not None:
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
        states = [self.states[lamp] for lamp in left]
        for state in states:
            state.writes_in_progress += 1
        final: Problems = {}
        problems: Problems = {}
        try:
            for attempt in range(ATTEMPTS):
                # One broadcast at most: lamps that missed it are written to one by one.
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
            is_pending = self.states[lamp].is_pending
            # Checked before each lamp: commands arrive in parts, and by now one broadcast may suit all.
            if may_broadcast and is_pending and self._broadcast_write() is not None:
                async with self._broadcasting:
                    # Another call may have sent it while this one waited for the lock.
                    if (write := self._broadcast_write()) is not None:
                        problems |= await self._broadcast(write, lamps, lane, ramp_s)
            # Without feedback only the acknowledgement of this very write proves anything.
            if lamp not in problems and (self.states[lamp].is_pending or lamp.feedback_point is None):
                problems |= await self._write_one(lamp, lane, ramp_s)
        return problems

    def _broadcast_write(self) -> Write | None:
        """Return the one write that suits all lamps of the line, if there is one and half of them need it."""
        if not self._may_broadcast:
            return None
        reachable = self._reachable()
        pending = sum(self.states[lamp].is_pending for lamp in reachable)
        if pending < _FEWEST_FOR_BROADCAST or 2 * pending < len(reachable):
            return None
        # Of all lamps, not of the reachable ones: one that does not respond may receive it even so.
        targets = {state.target_level_percent for state in self.states.values()}
        level = targets.pop()
        if targets or level is None:
            return None
        return encode_write(reachable[0].profile, LEVEL_POINT, level)

    async def _broadcast(self, write: Write, lamps: Sequence[Device], lane: Lane, ramp_s: float) -> Problems:
        first = next(iter(self.states))
        level = self.states[first].target_level_percent
        try:
            if any(self._needs_ramp(lamp, ramp_s) for lamp in self._reachable()):
                await self._line.broadcast(encode_write(first.profile, RAMP_POINT, ramp_s), lane)
                for lamp in self._reachable():
                    self.states[lamp].written_ramp_s = ramp_s
            await self._line.broadcast(write, lane)
        except CodecError as error:
            return dict.fromkeys(lamps, problem_of(error))
        except LineError as error:
            for lamp in self._reachable():
                self.states[lamp].invalidate()  # it may have been sent even so
            return dict.fromkeys(lamps, problem_of(error))
        if level is not None:
            for lamp in self._reachable():
                self.states[lamp].written_level_percent = level
        return {}

    def _reachable(self) -> list[Device]:
        # Whether an unresponsive lamp received a broadcast is unknown: it is written to when it is back.
        return [lamp for lamp in self.states if not self._reader.presences[lamp].is_unresponsive]

    async def _write_one(self, lamp: Device, lane: Lane, ramp_s: float) -> Problems:
        state = self.states[lamp]
        try:
            if self._needs_ramp(lamp, ramp_s):
                await self._line.write(lamp.unit, encode_write(lamp.profile, RAMP_POINT, ramp_s), lane)
                state.written_ramp_s = ramp_s
            level = state.target_level_percent
            if level is not None:
                await self._line.write(lamp.unit, encode_write(lamp.profile, LEVEL_POINT, level), lane)
                state.written_level_percent = level
        except CodecError as error:
            return {lamp: problem_of(error)}
        except LineError as error:
            state.invalidate()  # it may have been carried out even so
            return {lamp: problem_of(error)}
        return {}

    def _needs_ramp(self, lamp: Device, ramp_s: float) -> bool:
        """Return whether to write the ramp: it differs or is unknown, such as that of an earlier command."""
        if self.states[lamp].written_ramp_s == ramp_s:
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
            return None  # its acknowledgement of the write is the only evidence
        state = self.states[lamp]
        try:
            feedback = (await self._reader.read_lamp(lamp, lane)).feedback_level_percent
        except LineError as error:
            state.invalidate()
            return problem_of(error)
        target = state.target_level_percent
        if feedback == target:
            return None
        self.compare(lamp, feedback)
        state.written_level_percent = None  # written again; the ramp is known
        says = "does not report its level" if feedback is None else f"reads back level {feedback} %"
        return Problem(f"{says}, expected {target} %", disobeyed=True)
