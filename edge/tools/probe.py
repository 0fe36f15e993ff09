"""Finds the devices on a line: reads from each unit at each baud rate and parity, then tries each profile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
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
"""The order they are tried in: our choice, those we expect most often first."""

PARITIES: Final = ("N", "E", "O")

_FIRST_UNITS = 8
"""All settings are tried on the first units before one is tried on the others.

Our choice: most lines have a device among the lowest addresses, and eight units without a response take
half a second for each setting.
"""

_PROBE_BLOCK = ReadBlock(Table.INPUT, 0, 2)
"""Any response proves that the unit exists, an exception response too."""


class ProbeError(Exception):
    """The line cannot be probed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The character format of a line."""

    baud: int
    parity: str


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What to probe. A unit has `timeout_s` to respond.

    Without `thorough` the probe ends with the first setting at which a device was found.
    """

    port: str
    settings: tuple[Setting, ...]
    units: tuple[int, ...]
    timeout_s: float = 0.06
    thorough: bool = False


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """A unit that responds: the `profiles` that fit it, best first, and the `values` read by the first."""

    unit: int
    setting: Setting
    profiles: tuple[str, ...] = ()
    values: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of a probe: `garbled` units sent corrupt frames, `unusable` settings failed at the port."""

    found: tuple[FoundUnit, ...]
    garbled: tuple[tuple[Setting, int], ...]
    unusable: tuple[Setting, ...]
    requests: int


@dataclass(frozen=True, slots=True)
class Step:
    """The progress of a probe: `done` of `total` units at all settings, `found` of which responded.

    `setting` and `unit` are probed next.
    """

    setting: Setting
    unit: int
    done: int
    total: int
    found: int


class _Response(Enum):
    NONE = auto()
    CORRUPT = auto()
    VALID = auto()


def settings_for(port: str, bauds: Sequence[int], parities: Sequence[str]) -> tuple[Setting, ...]:
    """Return the settings to try: every pair of baud rate and parity.

    Args:
        port: a device path or the address of a server; the latter sets the line's format itself, so one
            setting is returned.
        bauds: at least one.
        parities: at least one of `PARITIES`.
    """
    if "://" in port:
        return (Setting(bauds[0], parities[0]),)
    return tuple(Setting(baud, parity) for parity, baud in product(parities, bauds))


class Probe:
    """One probe of one line; it only reads, and only from single units."""

    def __init__(self, plan: ProbePlan, on_step: Callable[[Step], None]) -> None:
        self._plan = plan
        self._on_step = on_step
        self._found: list[FoundUnit] = []
        self._garbled: list[tuple[Setting, int]] = []
        self._unusable: dict[Setting, str] = {}
        self._requests = 0
        self._present = 0

    async def run(self) -> Findings:
        """Run the probe.

        Raises:
            ProbeError: the port cannot be used, or has vanished.
        """
        for setting, units in self._stages():
            if setting in self._unusable:
                continue
            before = self._requests
            try:
                await self._probe_units(setting, units)
            except* PortUnavailableError as errors:
                self._unusable[setting] = str(errors.exceptions[0])
            if setting in self._unusable and self._requests > before + 1:
                raise ProbeError(self._unusable[setting])
        if len(self._unusable) == len(self._plan.settings):
            raise ProbeError(next(iter(self._unusable.values())))
        return Findings(tuple(self._found), tuple(self._garbled), tuple(self._unusable), self._requests)

    def _stages(self) -> Iterator[tuple[Setting, Sequence[int]]]:
        """Yield what to probe next; reads what was found at the setting yielded before."""
        first, rest = self._plan.units[:_FIRST_UNITS], self._plan.units[_FIRST_UNITS:]
        left = []
        for setting in self._plan.settings:
            yield setting, first
            if not self._has_found_at(setting):
                left.append(setting)
                continue
            yield setting, rest
            if not self._plan.thorough:
                return
        for setting in left:
            yield setting, rest
            if self._has_found_at(setting) and not self._plan.thorough:
                return

    def _has_found_at(self, setting: Setting) -> bool:
        return any(each.setting == setting for each in self._found)

    async def _probe_units(self, setting: Setting, units: Sequence[int]) -> None:
        if not units:
            return
        short_timeout = LineSettings(
            self._plan.port, setting.baud, setting.parity, response_timeout_s=self._plan.timeout_s
        )
        async with _running(open_line(short_timeout)) as line:
            found = [unit for unit in units if await self._responds(line, setting, unit)]
        if found:
            self._found += await self._match_profiles(setting, found)

    async def _responds(self, line: Line, setting: Setting, unit: int) -> bool:
        total = len(self._plan.units) * len(self._plan.settings)
        self._on_step(Step(setting, unit, self._requests, total, self._present))
        self._requests += 1
        response = await _read_from(line, unit)
        if response is _Response.CORRUPT:  # read once more: it may have been noise
            response = await _read_from(line, unit)
        if response is _Response.CORRUPT:
            self._garbled.append((setting, unit))
        self._present += response is _Response.VALID
        return response is _Response.VALID

    async def _match_profiles(self, setting: Setting, units: Sequence[int]) -> list[FoundUnit]:
        profiles = [load_builtin(profile_id) for profile_id in builtin_ids()]
        usual_timeout = LineSettings(self._plan.port, setting.baud, setting.parity)
        async with _running(open_line(usual_timeout)) as line:
            found: list[FoundUnit] = []
            for unit in units:
                values = {profile.id: await _read_all(line, unit, profile) for profile in profiles}
                fitting = best_first(match_score(profile_id, each) for profile_id, each in values.items())
                found.append(FoundUnit(unit, setting, tuple(fitting), values[fitting[0]] if fitting else {}))
            return found


async def _read_from(line: Line, unit: int) -> _Response:
    try:
        await line.read(unit, _PROBE_BLOCK, Lane.COMMAND)
    except PortUnavailableError:
        raise
    except NoResponseError:
        return _Response.NONE
    except CorruptResponseError:
        return _Response.CORRUPT
    except LineError:
        return _Response.VALID  # an exception response, in a valid frame
    return _Response.VALID


async def _read_all(line: Line, unit: int, profile: Profile) -> dict[str, Value]:
    values: dict[str, Value] = {}
    try:
        for block in plan_reads(profile, Poll.FAST):
            values.update(decode_block(profile, block, await line.read(unit, block, Lane.READING)))
    except PortUnavailableError:
        raise
    except LineError:
        return {}  # a device of this profile responds to all of its blocks
    return values


@asynccontextmanager
async def _running(line: Line) -> AsyncIterator[Line]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(line.run())
        try:
            yield line
        finally:
            running.cancel()
