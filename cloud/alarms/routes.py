"""Alarms over HTTP."""

from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query
from starlette.responses import Response

from cloud.access.dependencies import Operator
from cloud.alarms.service import AlarmFilter, AlarmState
from cloud.alarms.views import AlarmPage, AlarmView
from cloud.http.parameters import Identifier, RowNumber
from cloud.http.problems import not_found
from cloud.http.responses import answers, json_response
from cloud.live.model import LiveUpdate
from cloud.services import ServicesOf
from protocols.clock import to_unix_ms
from protocols.events import EventType

router = APIRouter(tags=["alarms"])


@router.get("/alarms", responses=answers(AlarmPage, "Alarms, newest first", 422))
def list_alarms(
    *,
    services: ServicesOf,
    state: AlarmState = AlarmState.ACTIVE,
    area: Identifier | None = None,
    lamp: Identifier | None = None,
    kind: Annotated[EventType | None, Query(alias="type")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: RowNumber | None = None,
) -> Response:
    """Alarms that hold now, or all there ever were."""
    wanted = AlarmFilter(state, area, kind, lamp)
    return json_response(services.alarms.page(wanted, limit, cursor))


@router.post("/alarms/{alarm_id}/acknowledge", responses=answers(AlarmView, "The alarm", 403, 404, 422))
async def acknowledge_alarm(services: ServicesOf, caller: Operator, alarm_id: RowNumber) -> Response:
    """Note that the caller has seen an alarm; the first to do so stays."""
    now_ms = to_unix_ms(services.clock.now())
    alarm = await anyio.to_thread.run_sync(services.alarms.acknowledge, alarm_id, caller.name, now_ms)
    if alarm is None:
        raise not_found("alarm", "alarmId", alarm_id)
    await services.announce(LiveUpdate(alarms=(alarm,)))
    return json_response(alarm)
