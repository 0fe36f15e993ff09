"""A lighting plan: programs, the calendars that choose among them, and the calendar each lamp follows.

It is desired state: the cloud holds it, a gateway says by its hash which document it follows. The document is
JSON in TALQ's shapes; the same plan always gives the same bytes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec

from protocols.lighting.calendar import Calendar, CalendarRule, program_of_night
from protocols.lighting.program import ASTRO_DEFAULT, LevelPlan, LightingProgram, Place, nights_of
from protocols.lighting.talq import ControlProgramOne, TalqError, control_program, program_from
from protocols.lighting.talq_calendar import TalqCalendar, calendar_from, talq_calendar

LONGEST_DOCUMENT: Final = 262_144
"""Bytes of a plan's document: it travels in one MQTT message."""

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class PlanError(ValueError):
    """A plan that cannot be followed; names source, field, value and what was expected."""


@dataclass(frozen=True, slots=True)
class LightingPlan:
    """What the lamps of a gateway do by themselves. A lamp without an assignment follows the default."""

    programs: tuple[LightingProgram, ...]
    calendars: tuple[Calendar, ...]
    assignments: Mapping[str, str] = field(default_factory=dict)
    default_calendar_id: str = "every-night"

    def calendar_of(self, lamp_id: str) -> str:
        """Return the id of the calendar a lamp follows."""
        return self.assignments.get(lamp_id, self.default_calendar_id)

    def program_on(self, calendar_id: str, day: date) -> LightingProgram:
        """Return the program of the night that begins on a local date.

        Where the calendar names none, it is the built-in one: no street is left dark by omission.

        Raises:
            KeyError: the plan has no such calendar.
        """
        calendar = next((each for each in self.calendars if each.id == calendar_id), None)
        if calendar is None:
            raise KeyError(calendar_id)
        program_id = program_of_night(calendar, day)
        return next((each for each in self.programs if each.id == program_id), ASTRO_DEFAULT)


DEFAULT_PLAN: Final = LightingPlan(
    programs=(ASTRO_DEFAULT,),
    calendars=(Calendar("every-night", "Every night", (CalendarRule(ASTRO_DEFAULT.id),)),),
)
"""The plan of a gateway that has never received one."""


def plan_of_program(program: LightingProgram) -> LightingPlan:
    """Return the plan in which all lamps follow one program every night."""
    calendar = Calendar("every-night", "Every night", (CalendarRule(program.id),))
    return LightingPlan((program,), (calendar,))


def levels_of_nights(
    plan: LightingPlan, calendar_id: str, place: Place, first: date, nights: int
) -> LevelPlan:
    """Return the levels of consecutive nights by a calendar, from the sun's highest point on `first` on."""
    days = [first + timedelta(days=number) for number in range(nights)]
    return nights_of([plan.program_on(calendar_id, day) for day in days], place, first)


def plan_hash(document: bytes) -> str:
    """Return the name of a plan's document: SHA-256 in hexadecimal digits."""
    return sha256(document).hexdigest()


class CalendarAssignment(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """A lamp and the `calendarID` of its LampActuatorFunction."""

    id: _Id
    calendar_id: str = msgspec.field(name="calendarID")


class PlanDocument(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a plan; `dayOffset` 12 says that nights run from noon to noon."""

    type: Literal["LightingPlan"]
    day_offset: Literal[12]
    programs: Annotated[list[ControlProgramOne], msgspec.Meta(min_length=1, max_length=100)]
    calendars: Annotated[list[TalqCalendar], msgspec.Meta(min_length=1, max_length=100)]
    default_calendar_id: str = msgspec.field(name="defaultCalendarID")
    lamps: Annotated[list[CalendarAssignment], msgspec.Meta(max_length=5000)]


def encode_plan(plan: LightingPlan) -> bytes:
    """Return the document of a plan: programs, calendars and lamps in the order of their ids."""
    document = PlanDocument(
        type="LightingPlan",
        day_offset=12,
        programs=sorted((control_program(each) for each in plan.programs), key=lambda each: each.id),
        calendars=sorted((talq_calendar(each) for each in plan.calendars), key=lambda each: each.id),
        default_calendar_id=plan.default_calendar_id,
        lamps=[CalendarAssignment(*each) for each in sorted(plan.assignments.items())],
    )
    return msgspec.json.encode(document)


def decode_plan(document: bytes, source: str) -> LightingPlan:
    """Read a plan's document.

    Raises:
        PlanError: it is too long, has another shape, or can't be followed; the message begins with `source`.
    """
    if len(document) > LONGEST_DOCUMENT:
        raise PlanError(f"{source}: {len(document)} bytes, expected at most {LONGEST_DOCUMENT}")
    try:
        talq = msgspec.json.decode(document, type=PlanDocument)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PlanError(f"{source}: {error}") from error
    _check_once(source, "programs", (each.id for each in talq.programs))
    _check_once(source, "calendars", (each.id for each in talq.calendars))
    _check_once(source, "lamps", (each.id for each in talq.lamps))
    plan = _plan(talq, source)
    _check_references(plan, source)
    return plan


def _plan(talq: PlanDocument, source: str) -> LightingPlan:
    try:
        return LightingPlan(
            tuple(program_from(each, f"{source}: programs[{at}]") for at, each in enumerate(talq.programs)),
            tuple(
                calendar_from(each, f"{source}: calendars[{at}]") for at, each in enumerate(talq.calendars)
            ),
            {each.id: each.calendar_id for each in talq.lamps},
            talq.default_calendar_id,
        )
    except TalqError as error:
        raise PlanError(str(error)) from error


def _check_once(source: str, field: str, ids: Iterable[str]) -> None:
    for value, count in Counter(ids).items():
        if count > 1:
            raise PlanError(f"{source}: {field}: id {value!r} stands {count} times, expected once")


def _check_references(plan: LightingPlan, source: str) -> None:
    programs = {each.id for each in plan.programs}
    for calendar in plan.calendars:
        for program_id in calendar.program_ids():
            _check_known(f"{source}: calendar {calendar.id!r}: program", program_id, programs)
    calendars = {each.id for each in plan.calendars}
    _check_known(f"{source}: defaultCalendarID", plan.default_calendar_id, calendars)
    for lamp_id, calendar_id in plan.assignments.items():
        _check_known(f"{source}: lamp {lamp_id!r}: calendarID", calendar_id, calendars)


def _check_known(field: str, value: str, known: set[str]) -> None:
    if value not in known:
        raise PlanError(f"{field}: {value!r}, expected one of {', '.join(sorted(known))}")
