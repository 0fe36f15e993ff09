"""The lighting plan over HTTP: programs, calendars, groups, assignments, and the preview of a change."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from cloud.access.dependencies import RequirePrincipal
from cloud.access.model import Principal
from cloud.http.parameters import PathIdentifier
from cloud.http.problems import not_found
from cloud.http.responses import answers, json_response
from cloud.plans.model import LampGroup
from cloud.plans.requests import AssignmentsRequest, GroupRequest
from cloud.plans.service import PlanService
from cloud.plans.talq_routes import Confirm, DocumentKind, document_router
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
from protocols.lighting.talq import ControlProgramOne, control_program, program_from
from protocols.lighting.talq_calendar import TalqCalendar, calendar_from, talq_calendar


def router(plans: PlanService, operator: RequirePrincipal) -> APIRouter:
    """Return the routes of the lighting plan."""
    programs = DocumentKind(
        name="program",
        description="Create or replace a lighting program, in the shape of TALQ's `ControlProgramOne`. "
        "Calendars that name it follow the new program at once.",
        structure=ControlProgramOne,
        page=ProgramList,
        to_model=program_from,
        to_document=control_program,
        stored=lambda: plans.desired().all_programs(),
        put=plans.put_program,
        delete=plans.delete_program,
    )
    calendars = DocumentKind(
        name="calendar",
        description="Create or replace a calendar, in the shape of TALQ's `Calendar`. The first rule that "
        "fits a night chooses its program; a night has the date of the noon it begins at.",
        structure=TalqCalendar,
        page=CalendarList,
        to_model=calendar_from,
        to_document=talq_calendar,
        stored=lambda: plans.desired().all_calendars(),
        put=plans.put_calendar,
        delete=plans.delete_calendar,
    )
    routes = APIRouter(tags=["plans"])
    routes.include_router(document_router(programs, operator))
    routes.include_router(document_router(calendars, operator))
    routes.include_router(_group_routes(plans, operator))
    routes.include_router(_assignment_routes(plans, operator))
    return routes


def _group_routes(plans: PlanService, operator: RequirePrincipal) -> APIRouter:
    routes = APIRouter()

    @routes.get("/groups", responses=answers(GroupList, "All groups, by id"))
    def list_groups() -> Response:
        """List all groups of lamps."""
        return json_response(
            GroupList(items=[group_view(group) for _, group in sorted(plans.desired().groups.items())])
        )

    @routes.get("/groups/{id}", responses=answers(GroupView, "The group", 404))
    def get_group(id: PathIdentifier) -> Response:  # noqa: A002 - the path's name
        """Return a group of lamps."""
        found = plans.desired().groups.get(id)
        if found is None:
            raise not_found("group", "groupId", id)
        return json_response(group_view(found))

    @routes.put("/groups/{id}", responses=answers(GroupView, "As stored", 403, 409, 422))
    def put_group(
        caller: Annotated[Principal, Depends(operator)],
        id: PathIdentifier,  # noqa: A002 - the path's name
        request: GroupRequest,
        confirm: Confirm = False,
    ) -> Response:
        """Create or replace a group of lamps. A lamp may be in several groups."""
        group = LampGroup(id, request.name, tuple(request.lamp_ids))
        plans.put_group(group, caller.name, confirmed=confirm)
        return json_response(group_view(group.normalised()))

    @routes.delete("/groups/{id}", status_code=204, responses=answers(None, "Deleted", 403, 404, 409))
    def delete_group(caller: Annotated[Principal, Depends(operator)], id: PathIdentifier) -> Response:  # noqa: A002
        """Delete a group that has no assignment. Its lamps stay."""
        plans.delete_group(id, caller.name)
        return Response(status_code=204)

    return routes


def _assignment_routes(plans: PlanService, operator: RequirePrincipal) -> APIRouter:
    routes = APIRouter()

    @routes.get("/assignments", responses=answers(AssignmentList, "All assignments, in their order"))
    def list_assignments() -> Response:
        """List the assignments of calendars.

        The most specific assignment of a lamp counts: its own, then its group's, then its area's, then that
        of all lamps.
        """
        return json_response(assignment_list(plans.desired().assignments))

    @routes.put("/assignments", responses=answers(AssignmentList, "As stored", 403, 409, 422))
    def replace_assignments(
        caller: Annotated[Principal, Depends(operator)], request: AssignmentsRequest, confirm: Confirm = False
    ) -> Response:
        """Replace all assignments. Lamps without one follow the built-in calendar."""
        assignments = request.assignments()
        plans.put_assignments(assignments, caller.name, confirmed=confirm)
        return json_response(assignment_list(assignments))

    @routes.post("/assignments/preview", responses=answers(PlanPreview, "The effect", 422))
    def preview_assignments(request: AssignmentsRequest) -> Response:
        """Return what replacing all assignments would do tonight, without doing it."""
        effect, needs_confirmation = plans.preview(request.assignments())
        return json_response(preview_view(effect, needs_confirmation=needs_confirmation))

    return routes
