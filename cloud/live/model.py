"""The messages on the live topic. Pure."""

from datetime import datetime

from cloud.alarms.views import AlarmView
from cloud.commands.views import CommandView
from cloud.http.views import View
from cloud.state.views import GatewayView, LampView


class IngestView(View, frozen=True):
    """An ingester's heartbeat: when readings were last stored, and whether the stores accept records."""

    data_as_of: datetime | None
    storing: bool


class LiveUpdate(View, frozen=True):
    """One message on the live topic: whatever changed since the one before."""

    lamps: tuple[LampView, ...] = ()
    alarms: tuple[AlarmView, ...] = ()
    commands: tuple[CommandView, ...] = ()
    gateways: tuple[GatewayView, ...] = ()
    ingest: IngestView | None = None


class ClockView(View, frozen=True):
    """Domain time and its speed, whether an ingester runs, and the time of the newest stored reading."""

    time: str
    speed: float
    ingest_online: bool
    data_as_of: datetime | None
