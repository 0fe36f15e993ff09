"""Alarms as the API shows them."""

from datetime import datetime

from cloud.http.views import View


class AlarmView(View, frozen=True):
    """A condition that holds or held; `lamp_id` is None where the gateway itself has it."""

    id: int
    lamp_id: str | None
    gateway_id: str
    area_id: str
    type: str
    severity: str
    raised_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    info: str


class AlarmPage(View, frozen=True):
    """Alarms, newest first; `nextCursor` asks for the next page."""

    items: list[AlarmView]
    next_cursor: str | None
