"""Lamps and gateways in their present state, as the API and the live feed show them. Pure."""

from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum

from cloud.http.views import View
from cloud.state.light import emits_light
from cloud.state.model import GatewayState
from protocols.clock import from_unix_ms
from protocols.events import TRAITS, EventType, Severity, Source
from protocols.inventory.model import Lamp
from protocols.lamp import LampReading, Reason

FAULTS = frozenset(
    event
    for event, traits in TRAITS.items()
    if traits.source is not Source.GATEWAY and traits.severity in (Severity.CRITICAL, Severity.MAJOR)
)
"""The alarms that make a lamp a fault on the map; minor ones are only listed."""


class LampCondition(StrEnum):
    """The state of a lamp in one word."""

    LIT = "lit"
    OFF = "off"
    FAULT = "fault"
    UNKNOWN = "unknown"


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
    reason: Reason | None
    active_power: float | None
    observed_at: datetime | None
    alarms: tuple[EventType, ...]
    override: OverrideView | None


class GatewayView(View, frozen=True):
    """Whether a gateway is online, and since when."""

    id: str
    area_id: str
    online: bool
    since: datetime


def lamp_view(
    lamp: Lamp,
    reading: LampReading | None,
    *,
    online: bool,
    alarms: Collection[EventType],
    override: OverrideView | None,
) -> LampView:
    """Return the view of `lamp` after `reading`; `online` is False while the lamp can't be reached.

    `override` is the newest one the lamp confirmed; it is left out unless the lamp reports that it follows
    an override: otherwise something else ended it, or it ran out.
    """
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
        override=override if seen.reason is Reason.OVERRIDE else None,
    )


def lamp_condition(
    reading: LampReading | None, rated_power_w: float, alarms: Collection[EventType]
) -> LampCondition:
    """Return the condition of a lamp; `reading` is None while its state is unknown."""
    if reading is None:
        return LampCondition.UNKNOWN
    if not FAULTS.isdisjoint(alarms):
        return LampCondition.FAULT
    light = emits_light(reading, rated_power_w)
    if light is None:
        return LampCondition.UNKNOWN
    return LampCondition.LIT if light else LampCondition.OFF


def gateway_view(state: GatewayState) -> GatewayView:
    """Return a gateway as the live feed shows it."""
    return GatewayView(
        id=state.gateway_id, area_id=state.area_id, online=state.online, since=from_unix_ms(state.since_ms)
    )


_NEVER = datetime.min.replace(tzinfo=UTC)
