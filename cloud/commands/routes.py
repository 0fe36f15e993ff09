"""Commands over HTTP."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from cloud.access.dependencies import RequirePrincipal
from cloud.access.model import Principal
from cloud.commands.service import CommandService, OverrideRequest
from cloud.commands.views import CommandView
from cloud.http.parameters import Identifier, PathIdentifier, Text
from cloud.http.problems import ProblemError
from cloud.http.responses import answers, json_response

DEFAULT_DURATION_S = 7200
_LONGEST_S = 31 * 24 * 3600


class CommandRequest(BaseModel):
    """Override the light level of lamps, or end their override."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    lamp_ids: Annotated[list[Identifier], Field(min_length=1, max_length=5000)]
    level: Annotated[int, Field(ge=0, le=100)] | None = Field(
        description="Light level in %; null ends the override and returns the lamps to their program"
    )
    duration: Annotated[int, Field(ge=1, le=_LONGEST_S)] | None = Field(
        default=DEFAULT_DURATION_S, description="Seconds until the override ends; null keeps it until ended"
    )
    note: Text = Field(default="", max_length=500)


class AnnounceCommand(Protocol):
    """Sends a command that changed to every open map."""

    async def __call__(self, command: CommandView) -> None: ...


def router(
    service: CommandService,
    operator: RequirePrincipal,
    announce: AnnounceCommand,
    delivery_blocker: Callable[[], str | None],
) -> APIRouter:
    """Return the routes of commands; `delivery_blocker` returns why none can be carried out now, or None."""
    routes = APIRouter(tags=["commands"])

    @routes.post(
        "/commands",
        status_code=202,
        responses=answers(CommandView, "Stored and sent", 403, 404, 422, 503, status=202),
    )
    async def send_command(
        caller: Annotated[Principal, Depends(operator)], request: CommandRequest
    ) -> Response:
        """Set the light level of lamps, or end their override.

        The answer holds the command with one result per lamp, at first `pending`. Later results come with the
        live feed and `GET /commands/{id}`.
        """
        blocker = delivery_blocker()
        if blocker is not None:
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, blocker)
        duration = None if request.duration is None else timedelta(seconds=request.duration)
        override = OverrideRequest(request.lamp_ids, request.level, duration, request.note)
        command = await service.command(override, caller.name)
        await announce(command)
        return json_response(command, 202)

    @routes.get("/commands/{command_id}", responses=answers(CommandView, "The command", 404))
    def get_command(command_id: PathIdentifier) -> Response:
        """Return a command with its results so far."""
        return json_response(service.view(command_id))

    return routes
