"""Alarms as the API shows them."""

from datetime import datetime

from cloud.http.views import View
from protocols.events import EventType, Severity


class AlarmView(View, frozen=True):
    """An alarm, active until `clearedAt`; `lampId` is null for alarms of a gateway or a cabinet."""

    id: int
    lamp_id: str | None
    gateway_id: str
    area_id: str
    type: EventType
    severity: Severity
    raised_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    info: str


class AlarmPage(View, frozen=True):
    """A page of alarms, newest first; `nextCursor` is the cursor of the next page."""

    items: list[AlarmView]
    next_cursor: str | None
