"""The lighting plan over HTTP: programs, calendars, groups, assignments, and what a change would do."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from cloud.access.dependencies import Operator
from cloud.http.parameters import Identifier, PathIdentifier, Text
from cloud.http.problems import invalid, not_found
from cloud.http.responses import answers, answers_nothing, json_response
from cloud.plans.model import Assignment, DesiredPlan, LampGroup, Scope
from cloud.plans.talq_body import calendar_document, document_body, program_document, understood
from cloud.plans.views import (
    AssignmentList,
    CalendarList,
    GroupList,
    GroupView,
    PlanPreview,
    ProgramList,
    assignment_list,
    group_view,
    preview_view,
)
from cloud.services import ServicesOf
from protocols.lighting.talq import ControlProgramOne, control_program, program_from
from protocols.lighting.talq_calendar import TalqCalendar, calendar_from, talq_calendar

router = APIRouter(tags=["plan"])

_MOST_LAMPS = 50_000
_MOST_ASSIGNMENTS = 50_000

ProgramDocument = Annotated[ControlProgramOne, Depends(program_document)]
CalendarDocument = Annotated[TalqCalendar, Depends(calendar_document)]
Confirm = Annotated[bool, Query(description="change it even if many lamps would be dark tonight")]


class GroupRequest(BaseModel):
    """A group's name and its lamps."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    name: Text = Field(default="", max_length=200)
    lamp_ids: Annotated[list[Identifier], Field(max_length=_MOST_LAMPS)]


class AssignmentItem(BaseModel):
    """A calendar for a lamp, a group, an area or all; `id` is null where the scope is all."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    scope: Scope
    id: Identifier | None = None
    calendar_id: Identifier


class AssignmentsRequest(BaseModel):
    """All assignments; of several groups that a lamp is in, the one that stands first counts."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[AssignmentItem], Field(max_length=_MOST_ASSIGNMENTS)]

    def assignments(self) -> list[Assignment]:
        """Them, in their order."""
        return [Assignment(item.scope, item.id, item.calendar_id) for item in self.items]


@router.get("/programs", responses=answers(ProgramList, "Lighting programs"))
def list_programs(services: ServicesOf) -> Response:
    """The lighting programs, in the shape of TALQ's ControlProgramOne."""
    programs = services.planning.desired().all_programs().values()
    return json_response(ProgramList(items=[control_program(each) for each in programs]))


@router.get("/programs/{program_id}", responses=answers(ControlProgramOne, "The program", 404))
def get_program(services: ServicesOf, program_id: PathIdentifier) -> Response:
    """One lighting program."""
    found = services.planning.desired().all_programs().get(program_id)
    if found is None:
        raise not_found("program", "programId", program_id)
    return json_response(control_program(found))


@router.put(
    "/programs/{program_id}",
    responses=answers(ControlProgramOne, "As stored", 403, 409, 413, 422),
    openapi_extra=document_body(ControlProgramOne),
)
def put_program(
    services: ServicesOf,
    caller: Operator,
    program_id: PathIdentifier,
    document: ProgramDocument,
    confirm: Confirm = False,
) -> Response:
    """Add or replace a lighting program; calendars that name it follow it from then on."""
    _check_same(document.id, program_id)
    program = understood(document, program_from)
    services.planning.put_program(program, caller.name, confirmed=confirm)
    return json_response(control_program(program))


@router.delete("/programs/{program_id}", status_code=204, responses=answers_nothing("Gone", 403, 404, 409))
def delete_program(services: ServicesOf, caller: Operator, program_id: PathIdentifier) -> Response:
    """Remove a lighting program that no calendar names."""
    services.planning.delete_program(program_id, caller.name)
    return Response(status_code=204)


@router.get("/calendars", responses=answers(CalendarList, "Calendars"))
def list_calendars(services: ServicesOf) -> Response:
    """The calendars, in the shape of TALQ's Calendar."""
    calendars = services.planning.desired().all_calendars().values()
    return json_response(CalendarList(items=[talq_calendar(each) for each in calendars]))


@router.get("/calendars/{calendar_id}", responses=answers(TalqCalendar, "The calendar", 404))
def get_calendar(services: ServicesOf, calendar_id: PathIdentifier) -> Response:
    """One calendar."""
    found = services.planning.desired().all_calendars().get(calendar_id)
    if found is None:
        raise not_found("calendar", "calendarId", calendar_id)
    return json_response(talq_calendar(found))


@router.put(
    "/calendars/{calendar_id}",
    responses=answers(TalqCalendar, "As stored", 403, 409, 413, 422),
    openapi_extra=document_body(TalqCalendar),
)
def put_calendar(
    services: ServicesOf,
    caller: Operator,
    calendar_id: PathIdentifier,
    document: CalendarDocument,
    confirm: Confirm = False,
) -> Response:
    """Add or replace a calendar; the first rule that fits decides, a night is of the date of its noon."""
    _check_same(document.id, calendar_id)
    calendar = understood(document, calendar_from)
    services.planning.put_calendar(calendar, caller.name, confirmed=confirm)
    return json_response(talq_calendar(calendar))


@router.delete("/calendars/{calendar_id}", status_code=204, responses=answers_nothing("Gone", 403, 404, 409))
def delete_calendar(services: ServicesOf, caller: Operator, calendar_id: PathIdentifier) -> Response:
    """Remove a calendar that nothing is assigned to."""
    services.planning.delete_calendar(calendar_id, caller.name)
    return Response(status_code=204)


@router.get("/groups", responses=answers(GroupList, "Groups by id"))
def list_groups(services: ServicesOf) -> Response:
    """The groups of lamps."""
    groups = services.planning.desired().groups
    return json_response(GroupList(items=[group_view(groups[group_id]) for group_id in sorted(groups)]))


@router.get("/groups/{group_id}", responses=answers(GroupView, "The group", 404))
def get_group(services: ServicesOf, group_id: PathIdentifier) -> Response:
    """One group of lamps."""
    return json_response(_group(services.planning.desired(), group_id))


@router.put("/groups/{group_id}", responses=answers(GroupView, "As stored", 403, 409, 422))
def put_group(
    services: ServicesOf,
    caller: Operator,
    group_id: PathIdentifier,
    asked: GroupRequest,
    confirm: Confirm = False,
) -> Response:
    """Add or replace a group; a lamp may be in several."""
    group = LampGroup(group_id, asked.name, tuple(asked.lamp_ids))
    services.planning.put_group(group, caller.name, confirmed=confirm)
    return json_response(_group(services.planning.desired(), group_id))


@router.delete("/groups/{group_id}", status_code=204, responses=answers_nothing("Gone", 403, 404, 409))
def delete_group(services: ServicesOf, caller: Operator, group_id: PathIdentifier) -> Response:
    """Remove a group that has no assignment; its lamps stay."""
    services.planning.delete_group(group_id, caller.name)
    return Response(status_code=204)


@router.get("/assignments", responses=answers(AssignmentList, "Assignments in their order"))
def get_assignments(services: ServicesOf) -> Response:
    """Which calendars are assigned: a lamp's own before its group's, its area's, and that of everything."""
    return json_response(assignment_list(services.planning.desired().assignments))


@router.put("/assignments", responses=answers(AssignmentList, "As stored", 403, 409, 422))
def put_assignments(
    services: ServicesOf, caller: Operator, asked: AssignmentsRequest, confirm: Confirm = False
) -> Response:
    """Replace all assignments; what none reaches follows the built-in calendar."""
    services.planning.put_assignments(asked.assignments(), caller.name, confirmed=confirm)
    return json_response(assignment_list(tuple(asked.assignments())))


@router.post("/assignments/preview", responses=answers(PlanPreview, "Nothing was changed", 422))
def preview_assignments(services: ServicesOf, asked: AssignmentsRequest) -> Response:
    """What replacing all assignments would do tonight."""
    effect, needs_confirmation = services.planning.preview(asked.assignments())
    return json_response(preview_view(effect, needs_confirmation=needs_confirmation))


def _group(desired: DesiredPlan, group_id: str) -> GroupView:
    found = desired.groups.get(group_id)
    if found is None:
        raise not_found("group", "groupId", group_id)
    return group_view(found)


def _check_same(inside: str, in_path: str) -> None:
    if inside != in_path:
        raise invalid("id", inside, f"{in_path!r}, as in the path")
