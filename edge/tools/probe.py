"""Finds out who is on a line: asks unit by unit at each baud rate and parity, and which profile fits whom."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import product
from typing import Final

from edge.line import (
    CorruptResponseError,
    Lane,
    Line,
    LineError,
    LineSettings,
    NoResponseError,
    PortUnavailableError,
    open_line,
)
from edge.tools.profile_match import best_first, match_score
from protocols.modbus.builtin import builtin_ids, load_builtin
from protocols.modbus.codec import ReadBlock, Value, decode_block, plan_reads
from protocols.modbus.profile import Poll, Profile, Table

BAUDS: Final = (9600, 19200, 38400, 115200, 4800, 57600, 2400, 1200)
"""In the order of how often they are met."""

PARITIES: Final = ("N", "E", "O")

_FIRST_UNITS = 8
"""Where somebody usually is: all settings are tried on these before any is tried on all."""

_QUESTION = ReadBlock(Table.INPUT, 0, 2)
"""Whatever a unit makes of this, be it a refusal, it has answered."""


class ProbeError(Exception):
    """The line cannot be probed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How characters look on the line."""

    baud: int
    parity: str


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What to ask. A unit has `timeout_s` to begin its answer; `thorough` goes on after somebody answered."""

    port: str
    settings: tuple[Setting, ...]
    units: tuple[int, ...]
    timeout_s: float = 0.06
    thorough: bool = False


@dataclass(frozen=True, slots=True)
class Answering:
    """A unit that answers; `profiles` fit what it says, the likeliest first, with what that one reads."""

    unit: int
    setting: Setting
    profiles: tuple[str, ...] = ()
    values: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a probe found; `garbled` units were heard but not understood, the port refused `unusable`."""

    answering: tuple[Answering, ...]
    garbled: tuple[tuple[Setting, int], ...]
    unusable: tuple[Setting, ...]
    asked: int


@dataclass(frozen=True, slots=True)
class Step:
    """What is being asked now, for whoever watches."""

    setting: Setting
    unit: int
    done: int
    total: int
    answering: int


class _Heard(Enum):
    NOTHING = auto()
    SOMETHING = auto()
    ANSWER = auto()


def settings_for(port: str, bauds: Sequence[int], parities: Sequence[str]) -> tuple[Setting, ...]:
    """The settings to try; behind a TCP server the line's own cannot be chosen from here."""
    if "://" in port:
        return (Setting(bauds[0], parities[0]),)
    return tuple(Setting(baud, parity) for parity, baud in product(parities, bauds))


class Probe:
    """One probe of one line. Only single units are asked, only to read."""

    def __init__(self, plan: ProbePlan, on_step: Callable[[Step], None]) -> None:
        self._plan = plan
        self._on_step = on_step
        self._answering: list[Answering] = []
        self._garbled: list[tuple[Setting, int]] = []
        self._unusable: dict[Setting, str] = {}
        self._asked = 0
        self._present = 0

    async def run(self) -> Findings:
        """Ask; raises ProbeError when the port cannot be used or goes away."""
        for setting, units in self._stages():
            if setting in self._unusable:
                continue
            asked = self._asked
            try:
                await self._ask_all(setting, units)
            except* PortUnavailableError as errors:
                self._unusable[setting] = str(errors.exceptions[0])
            if setting in self._unusable and self._asked > asked + 1:
                raise ProbeError(self._unusable[setting])
        if len(self._unusable) == len(self._plan.settings):
            raise ProbeError(next(iter(self._unusable.values())))
        return Findings(tuple(self._answering), tuple(self._garbled), tuple(self._unusable), self._asked)

    def _stages(self) -> Iterator[tuple[Setting, Sequence[int]]]:
        first, rest = self._plan.units[:_FIRST_UNITS], self._plan.units[_FIRST_UNITS:]
        left = []
        for setting in self._plan.settings:
            yield setting, first
            if not self._heard_at(setting):
                left.append(setting)
                continue
            yield setting, rest
            if not self._plan.thorough:
                return
        for setting in left:
            yield setting, rest
            if self._heard_at(setting) and not self._plan.thorough:
                return

    def _heard_at(self, setting: Setting) -> bool:
        return any(each.setting == setting for each in self._answering)

    async def _ask_all(self, setting: Setting, units: Sequence[int]) -> None:
        if not units:
            return
        hasty = LineSettings(
            self._plan.port, setting.baud, setting.parity, response_timeout_s=self._plan.timeout_s
        )
        async with _running(open_line(hasty)) as line:
            found = [unit for unit in units if await self._is_there(line, setting, unit)]
        if found:
            self._answering += await self._recognise(setting, found)

    async def _is_there(self, line: Line, setting: Setting, unit: int) -> bool:
        total = len(self._plan.units) * len(self._plan.settings)
        self._on_step(Step(setting, unit, self._asked, total, self._present))
        self._asked += 1
        heard = await _ask(line, unit)
        if heard is _Heard.SOMETHING:
            heard = await _ask(line, unit)
        if heard is _Heard.SOMETHING:
            self._garbled.append((setting, unit))
        self._present += heard is _Heard.ANSWER
        return heard is _Heard.ANSWER

    async def _recognise(self, setting: Setting, units: Sequence[int]) -> list[Answering]:
        profiles = [load_builtin(profile_id) for profile_id in builtin_ids()]
        patient = LineSettings(self._plan.port, setting.baud, setting.parity)
        async with _running(open_line(patient)) as line:
            return [await _recognised(line, setting, unit, profiles) for unit in units]


async def _ask(line: Line, unit: int) -> _Heard:
    try:
        await line.read(unit, _QUESTION, Lane.COMMAND)
    except PortUnavailableError:
        raise
    except NoResponseError:
        return _Heard.NOTHING
    except CorruptResponseError:
        return _Heard.SOMETHING
    except LineError:
        return _Heard.ANSWER  # it refused, in a valid frame
    return _Heard.ANSWER


async def _recognised(line: Line, setting: Setting, unit: int, profiles: Iterable[Profile]) -> Answering:
    said = {profile.id: await _read_through(line, unit, profile) for profile in profiles}
    fitting = best_first(match_score(profile_id, values) for profile_id, values in said.items())
    return Answering(unit, setting, tuple(fitting), said[fitting[0]] if fitting else {})


async def _read_through(line: Line, unit: int, profile: Profile) -> dict[str, Value]:
    values: dict[str, Value] = {}
    try:
        for block in plan_reads(profile, Poll.FAST):
            values.update(decode_block(profile, block, await line.read(unit, block, Lane.READING)))
    except PortUnavailableError:
        raise
    except LineError:
        return {}  # whoever has this profile answers all of it
    return values


@asynccontextmanager
async def _running(line: Line) -> AsyncIterator[Line]:
    async with asyncio.TaskGroup() as tasks:
        owner = tasks.create_task(line.run())
        try:
            yield line
        finally:
            owner.cancel()
