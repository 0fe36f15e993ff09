"""Alarms over HTTP."""

from typing import Annotated, Protocol

import anyio.to_thread
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from cloud.access.dependencies import RequirePrincipal
from cloud.access.model import Principal
from cloud.alarms.model import AlarmFilter, AlarmState
from cloud.alarms.store import AlarmStore
from cloud.alarms.views import AlarmPage, AlarmView
from cloud.http.parameters import Identifier, RowNumber
from cloud.http.problems import not_found
from cloud.http.responses import answers, json_response
from protocols.clock import Clock, to_unix_ms
from protocols.events import EventType


class AnnounceAlarm(Protocol):
    """Sends an alarm that changed to every open map."""

    async def __call__(self, alarm: AlarmView) -> None: ...


def router(store: AlarmStore, clock: Clock, operator: RequirePrincipal, announce: AnnounceAlarm) -> APIRouter:
    """Return the routes of alarms."""
    routes = APIRouter(tags=["alarms"])

    @routes.get("/alarms", responses=answers(AlarmPage, "Alarms, newest first", 422))
    def list_alarms(
        *,
        state: AlarmState = AlarmState.ACTIVE,
        area: Identifier | None = None,
        lamp: Identifier | None = None,
        kind: Annotated[EventType | None, Query(alias="type")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        cursor: RowNumber | None = None,
    ) -> Response:
        """List active alarms, or all alarms ever raised, newest first."""
        return json_response(store.page(AlarmFilter(state, area, kind, lamp), limit, cursor))

    @routes.post("/alarms/{alarm_id}/acknowledge", responses=answers(AlarmView, "The alarm", 403, 404, 422))
    async def acknowledge_alarm(
        caller: Annotated[Principal, Depends(operator)], alarm_id: RowNumber
    ) -> Response:
        """Record that the caller has seen an alarm. An alarm keeps its first acknowledgement."""
        now_ms = to_unix_ms(clock.now())
        alarm = await anyio.to_thread.run_sync(store.acknowledge, alarm_id, caller.name, now_ms)
        if alarm is None:
            raise not_found("alarm", "alarmId", alarm_id)
        await announce(alarm)
        return json_response(alarm)

    return routes
