"""Readings of a lamp over time, over HTTP."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from cloud.live.model import View
from cloud.problems import ProblemError, invalid, not_found
from cloud.responses import answers, json_response
from cloud.services import Services, ServicesOf
from cloud.telemetry.store import Series, StoreUnavailable, UnknownAttribute
from protocols.metrics import LAMP_METRICS

router = APIRouter(tags=["telemetry"])

_DEFAULT_SPAN = timedelta(hours=24)
_DEFAULT_ATTRIBUTES = "actualLightState,activePower"
_LONGEST_SPAN = timedelta(days=366)


class SeriesView(View, frozen=True):
    """One attribute over time: points of Unix milliseconds and value, oldest first."""

    attribute: str
    unit: str
    points: list[tuple[int, float | int | bool | str]]


class TelemetryView(View, frozen=True):
    """Readings of a lamp from an instant up to another."""

    lamp_id: str
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    series: list[SeriesView]


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """Which readings are asked for."""

    lamp_id: str
    attributes: list[str]
    start: datetime
    end: datetime
    max_points: int


@router.get(
    "/lamps/{lamp_id}/telemetry",
    responses=answers(TelemetryView, "One series for each attribute", 404, 422, 503),
)
def get_telemetry(
    *,
    services: ServicesOf,
    lamp_id: str,
    attributes: Annotated[
        str, Query(description="names from the catalogue, comma-separated", max_length=500)
    ] = _DEFAULT_ATTRIBUTES,
    start: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    max_points: Annotated[int, Query(alias="maxPoints", ge=2, le=5000)] = 300,
) -> Response:
    """Readings of one lamp; by default of the last 24 hours."""
    until = (end or services.clock.now()).astimezone(UTC)
    since = (start or until - _DEFAULT_SPAN).astimezone(UTC)
    if not since < until <= since + _LONGEST_SPAN:
        raise invalid("from", since.isoformat(), "an instant before `to`, by at most 366 days")
    if not services.inventory_store.addresses([lamp_id]):
        raise not_found("lamp", "lampId", lamp_id)
    names = [name.strip() for name in attributes.split(",") if name.strip()]
    series = _series(services, SeriesRequest(lamp_id, names, since, until, max_points))
    return json_response(
        TelemetryView(lamp_id=lamp_id, start=since, end=until, series=[_view(one) for one in series])
    )


def _series(services: Services, asked: SeriesRequest) -> list[Series]:
    names = asked.attributes
    try:
        return services.telemetry.series(asked.lamp_id, names, asked.start, asked.end, asked.max_points)
    except UnknownAttribute as error:
        known = ", ".join(metric.attribute for metric in LAMP_METRICS)
        raise invalid("attributes", ",".join(names), f"names from: {known}") from error
    except StoreUnavailable as error:
        detail = "the telemetry store does not answer; try again"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from error


def _view(series: Series) -> SeriesView:
    return SeriesView(attribute=series.attribute, unit=series.unit, points=series.points)
