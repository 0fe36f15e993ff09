"""Changes of the lighting plan: whole or not at all, logged, and never into darkness without confirmation."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar

import structlog

from cloud.http.problems import FieldProblem, ProblemError, invalid, not_found
from cloud.plans.active import PlanInForce
from cloud.plans.impact import Darkening, Effect, Guard, effect_of
from cloud.plans.model import (
    BUILT_IN_CALENDARS,
    BUILT_IN_PROGRAMS,
    Assignment,
    DesiredPlan,
    LampGroup,
    Scope,
)
from cloud.plans.resolved import ResolvedPlan
from cloud.plans.store import PlanChangedError, PlanStore
from protocols.clock import Clock
from protocols.lighting.calendar import Calendar
from protocols.lighting.plan import PlanError, decode_plan
from protocols.lighting.program import LightingProgram

log = structlog.get_logger(__name__)

_TRIES = 5

Kept = TypeVar("Kept")

Change = Callable[[ResolvedPlan], DesiredPlan]
"""Returns the plan as it should become; raises ProblemError where that is not possible."""


class PlanService:
    """Reads and changes programs, calendars, groups and assignments; refusals are ProblemErrors."""

    def __init__(self, store: PlanStore, in_force: PlanInForce, clock: Clock, guard: Guard) -> None:
        self._store = store
        self._in_force = in_force
        self._clock = clock
        self._guard = guard

    def desired(self) -> DesiredPlan:
        """Return the plan as it should be now."""
        return self._in_force.current().desired

    def put_program(self, program: LightingProgram, who: str, *, confirmed: bool) -> None:
        """Add a program, or replace the one of that id."""
        _not_built_in("program", program.id, BUILT_IN_PROGRAMS)

        self._change(
            lambda plan: replace(plan.desired, programs={**plan.desired.programs, program.id: program}),
            f"program {program.id}",
            who,
            confirmed=confirmed,
        )

    def delete_program(self, program_id: str, who: str) -> None:
        """Remove a program that no calendar names."""
        _not_built_in("program", program_id, BUILT_IN_PROGRAMS)

        def change(plan: ResolvedPlan) -> DesiredPlan:
            desired = plan.desired
            users = [each.id for each in desired.calendars.values() if program_id in each.program_ids()]
            _unused("program", program_id, "calendars", users)
            return replace(desired, programs=_without("program", desired.programs, program_id))

        self._change(change, f"program {program_id} deleted", who, confirmed=True)

    def put_calendar(self, calendar: Calendar, who: str, *, confirmed: bool) -> None:
        """Add a calendar, or replace the one of that id."""
        _not_built_in("calendar", calendar.id, BUILT_IN_CALENDARS)

        def change(plan: ResolvedPlan) -> DesiredPlan:
            known = plan.desired.all_programs()
            for at, rule in enumerate(calendar.rules):
                _check_known(f"rules.{at}.program", rule.program_id, "program", known)
            if calendar.default_program_id is not None:
                _check_known("defaultProgram", calendar.default_program_id, "program", known)
            return replace(plan.desired, calendars={**plan.desired.calendars, calendar.id: calendar})

        self._change(change, f"calendar {calendar.id}", who, confirmed=confirmed)

    def delete_calendar(self, calendar_id: str, who: str) -> None:
        """Remove a calendar that nothing is assigned to."""
        _not_built_in("calendar", calendar_id, BUILT_IN_CALENDARS)

        def change(plan: ResolvedPlan) -> DesiredPlan:
            desired = plan.desired
            users = [_named(each) for each in desired.assignments if each.calendar_id == calendar_id]
            _unused("calendar", calendar_id, "assignments", users)
            return replace(desired, calendars=_without("calendar", desired.calendars, calendar_id))

        self._change(change, f"calendar {calendar_id} deleted", who, confirmed=True)

    def put_group(self, group: LampGroup, who: str, *, confirmed: bool) -> None:
        """Add a group, or replace the one of that id."""

        def change(plan: ResolvedPlan) -> DesiredPlan:
            for at, lamp_id in enumerate(group.lamp_ids):
                _check_known(f"lampIds.{at}", lamp_id, "lamp", plan.lamps)
            return replace(plan.desired, groups={**plan.desired.groups, group.id: group.normalised()})

        self._change(change, f"group {group.id}", who, confirmed=confirmed)

    def delete_group(self, group_id: str, who: str) -> None:
        """Remove a group that has no assignment."""

        def change(plan: ResolvedPlan) -> DesiredPlan:
            desired = plan.desired
            users = [
                _named(each)
                for each in desired.assignments
                if each.scope is Scope.GROUP and each.target_id == group_id
            ]
            _unused("group", group_id, "assignments", users)
            return replace(desired, groups=_without("group", desired.groups, group_id))

        self._change(change, f"group {group_id} deleted", who, confirmed=True)

    def put_assignments(self, assignments: Sequence[Assignment], who: str, *, confirmed: bool) -> None:
        """Replace all assignments."""
        self._change(_reassigned(assignments), "assignments", who, confirmed=confirmed)

    def preview(self, assignments: Sequence[Assignment]) -> tuple[Effect, bool]:
        """Return what replacing all assignments would do, and whether that needs a confirmation."""
        plan = self._in_force.current()
        after = plan.with_plan(_reassigned(assignments)(plan))
        effect = effect_of(plan, after, self._clock.now())
        return effect, self._guard.objects_to(effect)

    def _change(self, change: Change, what: str, who: str, *, confirmed: bool) -> None:
        """Change the plan as it is at the moment of writing; start again when it was changed meanwhile."""
        for _ in range(_TRIES):
            revision, plan = self._in_force.newest()
            after = plan.with_plan(change(plan))
            self._check(plan, after, confirmed=confirmed)
            try:
                self._store.save(plan.desired, after.desired, revision)
            except PlanChangedError:
                continue
            log.info("lighting_plan_changed", what=what, by=who, confirmed=confirmed)
            return
        raise ProblemError(HTTPStatus.CONFLICT, "the plan is being changed by other users; try again")

    def _check(self, plan: ResolvedPlan, after: ResolvedPlan, *, confirmed: bool) -> None:
        for gateway, wanted in after.documents():
            if wanted == plan.gateway_plan(gateway.id):
                continue
            try:
                decode_plan(wanted.document, f"plan of gateway {gateway.id}")
            except PlanError as error:
                errors = [FieldProblem("gatewayId", gateway.id, "a plan that its gateway can decode")]
                raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), errors) from error
        if confirmed:
            return
        effect = effect_of(plan, after, self._clock.now())
        if effect.darkening is not None and self._guard.objects_to(effect):
            raise _too_dark(effect.darkening, effect.total)


def _reassigned(assignments: Sequence[Assignment]) -> Change:
    def change(plan: ResolvedPlan) -> DesiredPlan:
        targets = {
            Scope.LAMP: ("lamp", plan.lamps),
            Scope.GROUP: ("group", plan.desired.groups),
            Scope.AREA: ("area", plan.area_ids),
        }
        seen: set[tuple[Scope, str | None]] = set()
        for at, each in enumerate(assignments):
            if each.scope is Scope.ALL:
                if each.target_id is not None:
                    raise invalid(f"items.{at}.id", each.target_id, "no id where the scope is all")
            else:
                _check_known(f"items.{at}.id", each.target_id, *targets[each.scope])
            _check_known(f"items.{at}.calendarId", each.calendar_id, "calendar", plan.desired.all_calendars())
            if (each.scope, each.target_id) in seen:
                raise invalid(f"items.{at}.id", each.target_id, f"each {each.scope} once")
            seen.add((each.scope, each.target_id))
        return replace(plan.desired, assignments=tuple(assignments))

    return change


def _check_known(field: str, value: str | None, kind: str, known: Collection[str]) -> None:
    if value not in known:
        raise invalid(field, value, f"the id of a known {kind}")


def _not_built_in(kind: str, identifier: str, built_in: Collection[str]) -> None:
    if identifier in built_in:
        errors = [FieldProblem("id", identifier, "another id: this one is built in")]
        raise ProblemError(HTTPStatus.CONFLICT, f"{kind} {identifier} is built in and stays as it is", errors)


def _unused(kind: str, identifier: str, field: str, users: Sequence[str]) -> None:
    if users:
        named = ", ".join(users[:5]) + (f" and {len(users) - 5} more" if len(users) > 5 else "")
        errors = [FieldProblem(field, user, f"none that uses {kind} {identifier}") for user in users[:50]]
        raise ProblemError(HTTPStatus.CONFLICT, f"{kind} {identifier} is used by {field}: {named}", errors)


def _without(kind: str, known: Mapping[str, Kept], identifier: str) -> dict[str, Kept]:
    if identifier not in known:
        raise not_found(kind, f"{kind}Id", identifier)
    return {each: value for each, value in known.items() if each != identifier}


def _named(assignment: Assignment) -> str:
    return f"{assignment.scope} {assignment.target_id}" if assignment.target_id else str(assignment.scope)


def _too_dark(found: Darkening, total: int) -> ProblemError:
    detail = (
        f"{found.lamps} of {total} lamps would be dark at {found.at:%Y-%m-%dT%H:%M:%SZ} that the present "
        f"plan lights then; nothing was changed. Pass ?confirm=true if this is intended"
    )
    errors = [
        FieldProblem("lampsDark", found.lamps, "fewer lamps that go dark, or a confirmation"),
        FieldProblem("confirm", False, "true, to change it all the same"),
    ]
    return ProblemError(HTTPStatus.CONFLICT, detail, errors)
