"""The OpenAPI document: FastAPI's, with the structures that msgspec encodes."""

from typing import Any

import msgspec

from cloud.access.model import SessionView
from cloud.alarms.views import AlarmPage
from cloud.commands.views import CommandView
from cloud.fleet.night import NightView
from cloud.fleet.views import (
    AreaList,
    GatewayDetail,
    GatewayPage,
    LampDetail,
    LampPage,
    RoadCollection,
    Summary,
)
from cloud.http.problems import ProblemDetails
from cloud.http.responses import problem_content
from cloud.live.model import LiveUpdate
from cloud.live.routes import ClockView
from cloud.plans.views import AssignmentList, CalendarList, GroupList, PlanPreview, ProgramList
from cloud.state.views import GatewayView
from cloud.telemetry.routes import CabinetTelemetryView, TelemetryView

STRUCTURES: tuple[type[msgspec.Struct], ...] = (
    AlarmPage,
    AreaList,
    AssignmentList,
    CabinetTelemetryView,
    CalendarList,
    ClockView,
    CommandView,
    GatewayDetail,
    GatewayPage,
    GatewayView,
    GroupList,
    LampDetail,
    LampPage,
    LiveUpdate,
    NightView,
    PlanPreview,
    ProblemDetails,
    ProgramList,
    RoadCollection,
    SessionView,
    Summary,
    TelemetryView,
)
"""What answers are made of; what these refer to comes with them."""


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the schemas its answers refer to, in a fixed order."""
    _, schemas = msgspec.json.schema_components(STRUCTURES, ref_template="#/components/schemas/{name}")
    components = document.setdefault("components", {})
    components["schemas"] = dict(sorted({**components.get("schemas", {}), **schemas}.items()))
    for path in document["paths"].values():
        for operation in path.values():
            _drop_foreign_errors(operation["responses"])
    components["responses"] = {"Problem": problem_content()}
    components["schemas"].pop("HTTPValidationError", None)
    components["schemas"].pop("ValidationError", None)
    return document


def _drop_foreign_errors(responses: dict[str, Any]) -> None:
    # FastAPI adds its own body for 422 where a route documents none; ours is problem details.
    if "HTTPValidationError" in str(responses.get("422")):
        responses["422"] = {"$ref": "#/components/responses/Problem"}
