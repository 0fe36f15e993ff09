"""What an open map shows, as the JSON that travels: built from the inventory, readings and alarms, pure."""

from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from cloud.state.light import emits_light
from protocols.events import TRAITS, EventType, Severity, Source
from protocols.inventory.model import Lamp
from protocols.lamp import LampReading

FAULTS = frozenset(
    event
    for event, traits in TRAITS.items()
    if traits.source is not Source.GATEWAY and traits.severity in (Severity.CRITICAL, Severity.MAJOR)
)
"""The alarms that make a lamp a fault on the map; minor ones are only listed."""


class LampCondition(StrEnum):
    """How a lamp stands, in one word."""

    LIT = "lit"
    OFF = "off"
    FAULT = "fault"
    UNKNOWN = "unknown"


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what is sent: camelCase, times as ISO 8601 in UTC with Z."""


class OverrideView(View, frozen=True):
    """The override in force on a lamp."""

    command_id: str
    expiration: datetime | None
    note: str
    requested_by: str


class LampView(View, frozen=True):
    """A lamp with its newest reading; W and %."""

    id: str
    area_id: str
    gateway_id: str
    road: str
    latitude: float
    longitude: float
    rated_power: float
    state: LampCondition
    actual_light_state: float | None
    target_light_command: int | None
    feedback_light_command: int | None
    reason: str | None
    active_power: float | None
    observed_at: datetime | None
    alarms: tuple[str, ...]
    override: OverrideView | None


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


class CommandResultView(View, frozen=True):
    """What became of a command on one lamp."""

    lamp_id: str
    status: str
    level: int | None
    detail: str
    time: datetime | None


class CommandView(View, frozen=True):
    """A command with its results; `status` sums them up."""

    id: str
    created_at: datetime
    requested_by: str
    note: str
    level: int | None
    expiration: datetime | None
    deadline: datetime
    status: str
    results: tuple[CommandResultView, ...]


class GatewayView(View, frozen=True):
    """Whether a gateway is within reach, and since when."""

    id: str
    area_id: str
    online: bool
    since: datetime


class IngestView(View, frozen=True):
    """An ingester's heartbeat: when readings were last stored, and whether the stores take what it has."""

    data_as_of: datetime | None
    storing: bool


class LiveUpdate(View, frozen=True):
    """One message on the live topic: whatever changed since the one before."""

    lamps: tuple[LampView, ...] = ()
    alarms: tuple[AlarmView, ...] = ()
    commands: tuple[CommandView, ...] = ()
    gateways: tuple[GatewayView, ...] = ()
    ingest: IngestView | None = None


def lamp_view(
    lamp: Lamp,
    reading: LampReading | None,
    *,
    online: bool,
    alarms: Collection[EventType],
    override: OverrideView | None,
) -> LampView:
    """How `lamp` looks on the map after `reading`; `online` is False while it is out of reach."""
    seen = reading or LampReading(lamp.id, _NEVER)
    return LampView(
        id=lamp.id,
        area_id=lamp.area_id,
        gateway_id=lamp.gateway_id,
        road=lamp.road,
        latitude=lamp.latitude,
        longitude=lamp.longitude,
        rated_power=lamp.rated_power_w,
        state=lamp_condition(reading if online else None, lamp.rated_power_w, alarms),
        actual_light_state=seen.actual_level_percent,
        target_light_command=seen.target_level_percent,
        feedback_light_command=seen.feedback_level_percent,
        reason=seen.reason,
        active_power=seen.active_power_w,
        observed_at=reading.time if reading else None,
        alarms=tuple(sorted(alarms)),
        override=override,
    )


def lamp_condition(
    reading: LampReading | None, rated_power_w: float, alarms: Collection[EventType]
) -> LampCondition:
    """The one word for a lamp; `reading` is None when nothing is known of it now."""
    if reading is None:
        return LampCondition.UNKNOWN
    if not FAULTS.isdisjoint(alarms):
        return LampCondition.FAULT
    light = emits_light(reading, rated_power_w)
    if light is None:
        return LampCondition.UNKNOWN
    return LampCondition.LIT if light else LampCondition.OFF


_NEVER = datetime.min.replace(tzinfo=UTC)
