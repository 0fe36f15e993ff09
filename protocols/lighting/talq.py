"""Converts lighting programs to and from TALQ's ControlProgramOne."""

from datetime import time
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import msgspec

from protocols.decoding import UndecodableError, decode_json
from protocols.lighting.program import LightingProgram, SwitchPoint

OWNER: Final = "lentera"
_NOON: Final = time(12)
_Level = Annotated[int, msgspec.Meta(ge=0, le=100)]
_Offset = Annotated[int, msgspec.Meta(ge=-720, le=720)]
_LocalTime = Annotated[time, msgspec.Meta(tz=False)]
_Unsupported = Annotated[list[Any], msgspec.Meta(max_length=0)]


class TalqError(ValueError):
    """A TALQ document of the right shape that cannot be followed; `path` is the JSON path of the field."""

    def __init__(self, source: str, path: str, value: str | int, expected: str) -> None:
        self.path = path
        self.value = value
        self.expected = expected
        super().__init__(f"{source}: {path}: {value}, expected {expected}")


class ProgramError(ValueError):
    """A document without a control program that can be run; the message names the source and the field."""


class AstroClockActivePeriod(msgspec.Struct, rename="camel", frozen=True):
    """Active from sunset to sunrise, each moved by whole minutes."""

    name: Literal["AstroClockActivePeriod"]
    sunset_offset: _Offset
    sunrise_offset: _Offset


class LevelState(msgspec.Struct, rename="camel", frozen=True):
    """A dim level."""

    name: Literal["LevelState"]
    value: _Level


class CommandBase(msgspec.Struct, rename="camel", frozen=True):
    """The command of a control."""

    state: LevelState


class FixedTimeControl(msgspec.Struct, rename="camel", frozen=True):
    """A level from a local time on, until the next control; the last one lasts over midnight."""

    start_time: _LocalTime
    command: CommandBase


class ControlProgramOne(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The part of TALQ's type that Lentera runs, and a `name` for people, which TALQ does not have."""

    type: Literal["ControlProgramOne"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    owner_cms: str = msgspec.field(name="ownerCMS")
    name: str = ""
    active_periods: Annotated[list[AstroClockActivePeriod], msgspec.Meta(min_length=1, max_length=1)]
    fixed_time_controls: list[FixedTimeControl]
    astro_clock_time_controls: _Unsupported = msgspec.field(default_factory=list)
    dynamic_controls: _Unsupported = msgspec.field(default_factory=list)


def control_program(program: LightingProgram) -> ControlProgramOne:
    """Return the program in TALQ's shape: the initial level is the control that starts at noon."""
    levels = {_NOON: program.initial_level_percent}
    levels |= {point.local_time: point.level_percent for point in program.switch_points}
    return ControlProgramOne(
        type="ControlProgramOne",
        id=program.id,
        owner_cms=OWNER,
        name=program.name,
        active_periods=[
            AstroClockActivePeriod(
                "AstroClockActivePeriod", program.sunset_offset_min, program.sunrise_offset_min
            )
        ],
        fixed_time_controls=[
            FixedTimeControl(start, CommandBase(LevelState("LevelState", level)))
            for start, level in sorted(levels.items())
        ],
    )


def encode(program: LightingProgram) -> bytes:
    """Return the TALQ document of a program."""
    return msgspec.json.encode(control_program(program))


def decode(document: bytes, source: str) -> LightingProgram:
    """Read a TALQ document.

    Raises:
        ProgramError: it is not JSON, has another shape, or cannot be run; the message begins with `source`.
    """
    try:
        return program_from(decode_json(document, ControlProgramOne), source)
    except UndecodableError as error:
        raise ProgramError(f"{source}: {error}") from error
    except TalqError as error:
        raise ProgramError(str(error)) from error


def program_from(talq: ControlProgramOne, source: str) -> LightingProgram:
    """Return the program that a TALQ document describes.

    Raises:
        TalqError: it cannot be run; the message begins with `source`.
    """
    times = [control.start_time for control in talq.fixed_time_controls]
    for earlier, later in pairwise(times):
        if earlier >= later:
            raise TalqError(source, "fixedTimeControls", f"{later} after {earlier}", "ascending start times")
    levels = {control.start_time: control.command.state.value for control in talq.fixed_time_controls}
    # The level at noon began at noon or before, or else on the day before.
    at_noon = max((start for start in levels if start <= _NOON), default=max(levels, default=None))
    period = talq.active_periods[0]
    return LightingProgram(
        id=talq.id,
        name=talq.name,
        sunset_offset_min=period.sunset_offset,
        sunrise_offset_min=period.sunrise_offset,
        initial_level_percent=100 if at_noon is None else levels[at_noon],
        switch_points=tuple(SwitchPoint(start, level) for start, level in levels.items() if start != _NOON),
    )
