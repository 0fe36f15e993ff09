"""Commands and the night over HTTP."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from cloud.access.dependencies import Operator
from cloud.commands.service import Override
from cloud.commands.views import CommandView
from cloud.fleet.night import NightView
from cloud.http.parameters import Identifier, PathIdentifier, Text
from cloud.http.problems import ProblemError
from cloud.http.responses import answers, json_response
from cloud.live.model import LiveUpdate
from cloud.services import ServicesOf

router = APIRouter(tags=["control"])

DEFAULT_DURATION_S = 7200
_LONGEST_S = 31 * 24 * 3600


class CommandRequest(BaseModel):
    """An override for lamps: `level` null ends the one in force, `duration` null lets it hold until ended."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    lamp_ids: Annotated[list[Identifier], Field(min_length=1, max_length=5000)]
    level: Annotated[int, Field(ge=0, le=100)] | None = Field(description="%; null ends the override")
    duration: Annotated[int, Field(ge=1, le=_LONGEST_S)] | None = Field(
        default=DEFAULT_DURATION_S, description="seconds of domain time"
    )
    note: Text = Field(default="", max_length=500)


@router.post(
    "/commands",
    status_code=202,
    responses=answers(CommandView, "Stored and sent", 403, 404, 422, 503, status=202),
)
async def post_command(services: ServicesOf, caller: Operator, asked: CommandRequest) -> Response:
    """Ask lamps for a level; the answer says how it stands, and so does the live feed from then on."""
    if not services.feed.connected:
        detail = "the broker is not reachable, so nothing was stored or sent; try again"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail)
    if services.feed.ingester.lost:
        detail = "no ingester is at work, so the command could only expire; nothing was stored or sent"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail)
    duration = None if asked.duration is None else timedelta(seconds=asked.duration)
    override = Override(asked.lamp_ids, asked.level, duration, asked.note)
    view = await services.control.command(override, caller.name)
    await services.announce(LiveUpdate(commands=(view,)))
    return json_response(view, 202)


@router.get("/commands/{command_id}", responses=answers(CommandView, "The command", 404))
def get_command(services: ServicesOf, command_id: PathIdentifier) -> Response:
    """A command with its results so far."""
    return json_response(services.control.view(command_id))


@router.get("/night", responses=answers(NightView, "From noon to noon"))
def get_night(services: ServicesOf) -> Response:
    """The night that holds the present instant: the sky, the planned and the actual level."""
    return json_response(services.night.view())
