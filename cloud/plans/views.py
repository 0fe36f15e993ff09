"""The lighting plan as the API shows it."""

from datetime import datetime

from cloud.http.views import View
from cloud.plans.forecast import LevelChange
from cloud.plans.impact import Effect, Reassignment
from cloud.plans.model import Assignment, LampGroup, Scope
from protocols.lighting.talq import ControlProgramOne
from protocols.lighting.talq_calendar import TalqCalendar


class ProgramList(View, frozen=True):
    """Every lighting program, the built-in one first."""

    items: list[ControlProgramOne]


class CalendarList(View, frozen=True):
    """Every calendar, the built-in one first."""

    items: list[TalqCalendar]


class GroupView(View, frozen=True):
    """A group of lamps, by id."""

    id: str
    name: str
    lamp_ids: tuple[str, ...]


class GroupList(View, frozen=True):
    """Every group, by id."""

    items: list[GroupView]


class AssignmentView(View, frozen=True):
    """A calendar for a lamp, a group or an area by its id, or, without id, for all lamps."""

    scope: Scope
    id: str | None
    calendar_id: str


class AssignmentList(View, frozen=True):
    """Every assignment; of several groups that a lamp is in, the first in the list counts."""

    items: list[AssignmentView]


class CalendarMove(View, frozen=True):
    """Lamps that would change their calendar, with tonight's levels at the gateway that has most of them."""

    calendar_before: str
    calendar_after: str
    lamps: int
    levels_before: list[LevelChange]
    levels_after: list[LevelChange]


class DarkeningView(View, frozen=True):
    """How many lamps would be dark that the present plan lights, at the time when they are most."""

    lamps: int
    at: datetime


class PlanPreview(View, frozen=True):
    """The effect of a change tonight, from noon to noon; energy in kWh, by rated power and level."""

    lamps: int
    lamps_reassigned: int
    lamps_affected: int
    moves: list[CalendarMove]
    expected_energy_before: float
    expected_energy_after: float
    darkening: DarkeningView | None
    needs_confirmation: bool


def group_view(group: LampGroup) -> GroupView:
    """Return a group as the API shows it."""
    return GroupView(id=group.id, name=group.name, lamp_ids=group.lamp_ids)


def assignment_list(assignments: tuple[Assignment, ...]) -> AssignmentList:
    """Return assignments as the API shows them, in their order."""
    return AssignmentList(
        items=[
            AssignmentView(scope=each.scope, id=each.target_id, calendar_id=each.calendar_id)
            for each in assignments
        ]
    )


def preview_view(effect: Effect, *, needs_confirmation: bool) -> PlanPreview:
    """Return the effect of a change by pairs of calendars, without lamps for which nothing changes."""
    together: dict[tuple[str, str], list[Reassignment]] = {}
    for move in effect.moves:
        if move.calendar_before != move.calendar_after or move.levels_before() != move.levels_after():
            together.setdefault((move.calendar_before, move.calendar_after), []).append(move)
    dark = effect.darkening
    return PlanPreview(
        lamps=effect.total,
        lamps_reassigned=effect.reassigned,
        lamps_affected=effect.affected,
        moves=[_calendar_move(moves) for _, moves in sorted(together.items())],
        expected_energy_before=round(effect.energy_before_kwh, 3),
        expected_energy_after=round(effect.energy_after_kwh, 3),
        darkening=None if dark is None else DarkeningView(lamps=dark.lamps, at=dark.at),
        needs_confirmation=needs_confirmation,
    )


def _calendar_move(moves: list[Reassignment]) -> CalendarMove:
    largest = max(moves, key=lambda move: move.lamps)
    return CalendarMove(
        calendar_before=largest.calendar_before,
        calendar_after=largest.calendar_after,
        lamps=sum(move.lamps for move in moves),
        levels_before=[LevelChange(time=time, level=level) for time, level in largest.levels_before()],
        levels_after=[LevelChange(time=time, level=level) for time, level in largest.levels_after()],
    )
