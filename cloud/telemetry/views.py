"""Telemetry as the API shows it."""

from datetime import datetime

import msgspec

from cloud.http.views import View


class SeriesView(View, frozen=True):
    """One attribute over time: points of Unix milliseconds and value, oldest first."""

    attribute: str
    unit: str
    points: list[tuple[int, float | int | bool | str]]


class TelemetryView(View, frozen=True):
    """Readings of a lamp in a period, from `from` up to `to`."""

    lamp_id: str
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    series: list[SeriesView]


class CabinetTelemetryView(View, frozen=True):
    """Readings of a gateway's cabinet in a period, from `from` up to `to`."""

    gateway_id: str
    cabinet_id: str
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    series: list[SeriesView]
