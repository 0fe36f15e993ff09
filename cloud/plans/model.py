"""The desired lighting plan of a whole place, and which calendar each lamp follows. Pure.

The most specific assignment wins: one of the lamp itself, then of a group it is in, then of its area, then of
all lamps. Of several groups the first in the list counts. Lamps without any assignment follow the built-in
plan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from protocols.inventory.model import Gateway, Lamp
from protocols.lighting.calendar import Calendar
from protocols.lighting.plan import DEFAULT_PLAN, LightingPlan
from protocols.lighting.program import LightingProgram

BUILT_IN_PROGRAMS: Final = {program.id: program for program in DEFAULT_PLAN.programs}
BUILT_IN_CALENDARS: Final = {calendar.id: calendar for calendar in DEFAULT_PLAN.calendars}


class Scope(StrEnum):
    """The lamps an assignment is for, the most specific first."""

    LAMP = "lamp"
    GROUP = "group"
    AREA = "area"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class LampGroup:
    """Lamps that share an assignment."""

    id: str
    name: str
    lamp_ids: tuple[str, ...]

    def normalised(self) -> "LampGroup":
        """Return the group with each lamp once, sorted."""
        return replace(self, lamp_ids=tuple(sorted(set(self.lamp_ids))))


@dataclass(frozen=True, slots=True)
class Assignment:
    """A calendar for a lamp, a group or an area by its id, or, with an id of None, for all lamps."""

    scope: Scope
    target_id: str | None
    calendar_id: str


@dataclass(frozen=True, slots=True)
class DesiredPlan:
    """Programs, calendars and groups by id, without what is built in, and assignments in their order."""

    programs: Mapping[str, LightingProgram] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    groups: Mapping[str, LampGroup] = field(default_factory=dict)
    assignments: tuple[Assignment, ...] = ()

    def all_programs(self) -> dict[str, LightingProgram]:
        """Return every program by id, the built-in one first."""
        return BUILT_IN_PROGRAMS | dict(sorted(self.programs.items()))

    def all_calendars(self) -> dict[str, Calendar]:
        """Return every calendar by id, the built-in one first."""
        return BUILT_IN_CALENDARS | dict(sorted(self.calendars.items()))

    def precedence(self) -> "Precedence":
        """Return the assignments indexed by lamp, group and area."""
        given: dict[Scope, dict[str, str]] = {scope: {} for scope in Scope}
        grouped: dict[str, str] = {}
        for assignment in self.assignments:
            given[assignment.scope].setdefault(assignment.target_id or "", assignment.calendar_id)
            if assignment.scope is Scope.GROUP:
                for lamp_id in self.groups[assignment.target_id or ""].lamp_ids:
                    grouped.setdefault(lamp_id, assignment.calendar_id)
        everything = given[Scope.ALL].get("", DEFAULT_PLAN.default_calendar_id)
        return Precedence(given[Scope.LAMP], grouped, given[Scope.AREA], everything)


@dataclass(frozen=True, slots=True)
class Precedence:
    """Calendar ids by lamp, by lamp through its first group, by area, and for all others."""

    lamps: Mapping[str, str]
    grouped: Mapping[str, str]
    areas: Mapping[str, str]
    everything: str

    def calendar_of(self, lamp: Lamp) -> str:
        """Return the id of the calendar that the lamp follows."""
        own = self.lamps.get(lamp.id) or self.grouped.get(lamp.id)
        return own or self.calendar_of_area(lamp.area_id)

    def calendar_of_area(self, area_id: str) -> str:
        """Return the id of the calendar of the area's lamps without one of their own."""
        return self.areas.get(area_id, self.everything)


def plan_of_gateway(
    desired: DesiredPlan, gateway: Gateway, lamps: Iterable[Lamp], precedence: Precedence
) -> LightingPlan:
    """Return the part of the plan that a gateway with these lamps runs: only calendars and programs it needs.

    Its default is the calendar of the gateway's area; lamps that follow it are not listed.
    """
    default = precedence.calendar_of_area(gateway.area_id)
    followed = {lamp.id: precedence.calendar_of(lamp) for lamp in lamps}
    assignments = {lamp_id: each for lamp_id, each in followed.items() if each != default}
    known = desired.all_calendars()
    calendars = [known[calendar_id] for calendar_id in sorted({default, *assignments.values()})]
    programs = desired.all_programs()
    needed = sorted({program_id for calendar in calendars for program_id in calendar.program_ids()})
    return LightingPlan(
        # A calendar without any rule names no program; a document holds at least the built-in one.
        tuple(programs[program_id] for program_id in needed) or DEFAULT_PLAN.programs,
        tuple(calendars),
        assignments,
        default,
    )
