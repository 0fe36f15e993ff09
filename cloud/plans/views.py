"""The lighting plan as HTTP shows it."""

from datetime import datetime

from cloud.http.views import View
from cloud.plans.forecast import LevelChange
from cloud.plans.impact import Darkening, Effect, Levels, Reassignment
from cloud.plans.model import Assignment, LampGroup
from protocols.lighting.talq import ControlProgramOne
from protocols.lighting.talq_calendar import TalqCalendar


class ProgramList(View, frozen=True):
    """Every lighting program, the built-in one first."""

    items: list[ControlProgramOne]


class CalendarList(View, frozen=True):
    """Every calendar, the built-in one first."""

    items: list[TalqCalendar]


class GroupView(View, frozen=True):
    """Lamps that go together, by id."""

    id: str
    name: str
    lamp_ids: tuple[str, ...]


class GroupList(View, frozen=True):
    """Every group, by id."""

    items: list[GroupView]


class AssignmentView(View, frozen=True):
    """A calendar for a lamp, a group or an area by its id, or, without id, for everything."""

    scope: str
    id: str | None
    calendar_id: str


class AssignmentList(View, frozen=True):
    """Every assignment; of several groups that a lamp is in, the one that stands first counts."""

    items: list[AssignmentView]


class CalendarMove(View, frozen=True):
    """Lamps that go from a calendar to another, with the levels of tonight at one of their gateways."""

    calendar_before: str
    calendar_after: str
    lamps: int
    levels_before: list[LevelChange]
    levels_after: list[LevelChange]


class DarkeningView(View, frozen=True):
    """How many lamps would be dark that are lit by the plan as it is, when they are most."""

    lamps: int
    at: datetime


class PlanPreview(View, frozen=True):
    """What a change would do: energy in kWh from noon to noon tonight, by rated power and level."""

    lamps: int
    lamps_reassigned: int
    lamps_affected: int
    moves: list[CalendarMove]
    expected_energy_before: float
    expected_energy_after: float
    darkening: DarkeningView | None
    needs_confirmation: bool


def group_view(group: LampGroup) -> GroupView:
    """A group."""
    return GroupView(id=group.id, name=group.name, lamp_ids=group.lamp_ids)


def assignment_list(assignments: tuple[Assignment, ...]) -> AssignmentList:
    """Assignments in their order."""
    return AssignmentList(
        items=[
            AssignmentView(scope=each.scope, id=each.target_id, calendar_id=each.calendar_id)
            for each in assignments
        ]
    )


def preview_view(effect: Effect, *, needs_confirmation: bool) -> PlanPreview:
    """What a change would do, by pairs of calendars; lamps for which nothing changes are left out."""
    together: dict[tuple[str, str], list[Reassignment]] = {}
    for move in effect.moves:
        if move.calendar_before != move.calendar_after or move.levels_before() != move.levels_after():
            together.setdefault((move.calendar_before, move.calendar_after), []).append(move)
    return PlanPreview(
        lamps=effect.total,
        lamps_reassigned=effect.reassigned,
        lamps_affected=effect.affected,
        moves=[_calendar_move(moves) for _, moves in sorted(together.items())],
        expected_energy_before=round(effect.energy_before_kwh, 3),
        expected_energy_after=round(effect.energy_after_kwh, 3),
        darkening=None if effect.darkening is None else _darkening(effect.darkening),
        needs_confirmation=needs_confirmation,
    )


def _calendar_move(moves: list[Reassignment]) -> CalendarMove:
    largest = max(moves, key=lambda move: move.lamps)
    return CalendarMove(
        calendar_before=largest.calendar_before,
        calendar_after=largest.calendar_after,
        lamps=sum(move.lamps for move in moves),
        levels_before=_changes(largest.levels_before()),
        levels_after=_changes(largest.levels_after()),
    )


def _changes(levels: Levels) -> list[LevelChange]:
    return [LevelChange(time=time, level=level) for time, level in levels]


def _darkening(found: Darkening) -> DarkeningView:
    return DarkeningView(lamps=found.lamps, at=found.at)
