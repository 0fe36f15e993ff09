"""A lighting plan: programs, the calendars that choose among them, and the calendar each lamp follows.

It is desired state: the cloud stores it, and a gateway reports the hash of the document that it follows. The
document is JSON in TALQ's shapes; the same plan always gives the same bytes.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec

from protocols.decoding import UndecodableError, decode_json
from protocols.lighting.calendar import Calendar, CalendarRule, program_of_night
from protocols.lighting.program import ASTRO_DEFAULT, LevelPlan, LightingProgram, Place, nights_of
from protocols.lighting.talq import ControlProgramOne, TalqError, control_program, program_from
from protocols.lighting.talq_calendar import TalqCalendar, calendar_from, talq_calendar

LONGEST_DOCUMENT: Final = 262_144
"""Bytes of a plan's document, one MQTT message. Our choice: 5,000 assigned lamps take some 200 kB."""

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class PlanError(ValueError):
    """A plan that cannot be followed; the message names source, field, value and what was expected."""


@dataclass(frozen=True, slots=True)
class LightingPlan:
    """What the lamps of a gateway do without commands. A lamp without an assignment follows the default."""

    programs: tuple[LightingProgram, ...]
    calendars: tuple[Calendar, ...]
    assignments: Mapping[str, str] = field(default_factory=dict)
    default_calendar_id: str = "every-night"

    def calendar_of(self, lamp_id: str) -> str:
        """Return the id of the calendar that a lamp follows."""
        return self.assignments.get(lamp_id, self.default_calendar_id)

    def program_on(self, calendar_id: str, day: date) -> LightingProgram:
        """Return the program of the night that begins on a local date.

        Where no rule applies and there is no default, it is the built-in program, so that an incomplete
        calendar leaves no street dark.

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
"""What a gateway follows that has never received a plan."""


def levels_of_nights(
    plan: LightingPlan, calendar_id: str, place: Place, first: date, nights: int
) -> LevelPlan:
    """Return the levels of consecutive nights by a calendar, from the sun's highest point on `first` on.

    Raises:
        KeyError: the plan has no such calendar.
    """
    days = [first + timedelta(days=number) for number in range(nights)]
    return nights_of([plan.program_on(calendar_id, day) for day in days], place, first)


def plan_hash(document: bytes) -> str:
    """Return what identifies a plan's document: its SHA-256 in hexadecimal digits."""
    return sha256(document).hexdigest()


class CalendarAssignment(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """A lamp and the `calendarID` of its LampActuatorFunction."""

    id: _Id
    calendar_id: str = msgspec.field(name="calendarID")


class PlanDocument(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole plan; `dayOffset` 12 means that nights last from noon to noon."""

    type: Literal["LightingPlan"]
    day_offset: Literal[12]
    programs: Annotated[list[ControlProgramOne], msgspec.Meta(min_length=1, max_length=100)]
    calendars: Annotated[list[TalqCalendar], msgspec.Meta(min_length=1, max_length=100)]
    default_calendar_id: str = msgspec.field(name="defaultCalendarID")
    lamps: Annotated[list[CalendarAssignment], msgspec.Meta(max_length=5000)]


def encode_plan(plan: LightingPlan) -> bytes:
    """Return the document of a plan, with programs, calendars and lamps in the order of their ids."""
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
        PlanError: it is too long, has another shape, or refers to what it does not define; the message
            begins with `source`.
    """
    if len(document) > LONGEST_DOCUMENT:
        raise PlanError(f"{source}: {len(document)} bytes, expected at most {LONGEST_DOCUMENT}")
    try:
        talq = decode_json(document, PlanDocument)
    except UndecodableError as error:
        raise PlanError(f"{source}: {error}") from error
    for name, listed in (("programs", talq.programs), ("calendars", talq.calendars), ("lamps", talq.lamps)):
        for value, count in Counter(each.id for each in listed).items():
            if count > 1:
                raise PlanError(f"{source}: {name}: id {value!r} occurs {count} times, expected once")
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


def _check_references(plan: LightingPlan, source: str) -> None:
    programs, calendars = {each.id for each in plan.programs}, {each.id for each in plan.calendars}
    references = [
        (f"calendar {calendar.id!r}: program", program_id, programs)
        for calendar in plan.calendars
        for program_id in calendar.program_ids()
    ]
    references.append(("defaultCalendarID", plan.default_calendar_id, calendars))
    references += [
        (f"lamp {lamp_id!r}: calendarID", calendar_id, calendars)
        for lamp_id, calendar_id in plan.assignments.items()
    ]
    for field_name, value, known in references:
        if value not in known:
            raise PlanError(f"{source}: {field_name}: {value!r}, expected one of {', '.join(sorted(known))}")
