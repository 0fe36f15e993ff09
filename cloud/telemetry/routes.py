"""Readings of a lamp or a cabinet over time, over HTTP."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from cloud.http.parameters import Identifier, Instant, PathIdentifier
from cloud.http.problems import ProblemError, invalid, not_found
from cloud.http.responses import answers, json_response
from cloud.http.views import View
from cloud.services import Services, ServicesOf
from cloud.telemetry.store import Series, SeriesQuery, StoreUnavailable
from protocols.device_kinds import CABINETS, LAMPS, DeviceKind, UnknownAttribute

router = APIRouter(tags=["telemetry"])

_DEFAULT_SPAN = timedelta(hours=24)
_DEFAULT_ATTRIBUTES = {LAMPS: "actualLightState,activePower", CABINETS: "totalPower,totalActiveEnergy"}
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


class CabinetTelemetryView(View, frozen=True):
    """Readings of a gateway's cabinet from an instant up to another."""

    gateway_id: str
    cabinet_id: str
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    series: list[SeriesView]


class SeriesParameters:
    """The query parameters that both routes have."""

    def __init__(
        self,
        *,
        services: ServicesOf,
        attributes: Annotated[
            str | None, Query(description="names from the catalogue, comma-separated", max_length=500)
        ] = None,
        start: Annotated[Instant | None, Query(alias="from")] = None,
        end: Annotated[Instant | None, Query(alias="to")] = None,
        max_points: Annotated[int, Query(alias="maxPoints", ge=2, le=5000)] = 300,
    ) -> None:
        self.attributes = attributes
        self.end = (end or services.clock.now()).astimezone(UTC)
        self.start = (start or self.end - _DEFAULT_SPAN).astimezone(UTC)
        self.max_points = max_points
        if not self.start < self.end <= self.start + _LONGEST_SPAN:
            raise invalid("from", self.start.isoformat(), "an instant before `to`, by at most 366 days")


Parameters = Annotated[SeriesParameters, Depends()]


@router.get(
    "/lamps/{lamp_id}/telemetry",
    responses=answers(TelemetryView, "One series for each attribute", 404, 422, 503),
)
def get_telemetry(*, services: ServicesOf, lamp_id: PathIdentifier, wanted: Parameters) -> Response:
    """Readings of one lamp; by default light and power of the last 24 hours."""
    if not services.inventory_store.addresses([lamp_id]):
        raise not_found("lamp", "lampId", lamp_id)
    series = _series(services, LAMPS, lamp_id, wanted)
    return json_response(TelemetryView(lamp_id=lamp_id, start=wanted.start, end=wanted.end, series=series))


@router.get(
    "/gateways/{gateway_id}/telemetry",
    responses=answers(CabinetTelemetryView, "One series for each attribute", 404, 422, 503),
)
def get_gateway_telemetry(
    *,
    services: ServicesOf,
    gateway_id: PathIdentifier,
    wanted: Parameters,
    cabinet: Annotated[
        Identifier | None, Query(description="one of the gateway's; the first when not given")
    ] = None,
) -> Response:
    """Readings of a gateway's cabinet; by default power and energy of the last 24 hours."""
    known = [each.id for each in services.inventory_store.cabinets(gateway_id)]
    if not known:
        raise not_found("gateway with a cabinet", "gatewayId", gateway_id)
    if cabinet is not None and cabinet not in known:
        raise not_found("cabinet of this gateway", "cabinet", cabinet)
    cabinet_id = cabinet or known[0]
    view = CabinetTelemetryView(
        gateway_id=gateway_id,
        cabinet_id=cabinet_id,
        start=wanted.start,
        end=wanted.end,
        series=_series(services, CABINETS, cabinet_id, wanted),
    )
    return json_response(view)


def _series(
    services: Services, kind: DeviceKind, device_id: str, wanted: SeriesParameters
) -> list[SeriesView]:
    given = _DEFAULT_ATTRIBUTES[kind] if wanted.attributes is None else wanted.attributes
    names = [name.strip() for name in given.split(",") if name.strip()]
    try:
        series = services.telemetry.series(
            SeriesQuery(device_id, names, wanted.start, wanted.end, wanted.max_points, kind)
        )
    except UnknownAttribute as error:
        known = ", ".join(metric.attribute for metric in kind.metrics)
        raise invalid("attributes", ",".join(names), f"names from: {known}") from error
    except StoreUnavailable as error:
        detail = "the telemetry store does not answer; try again"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from error
    return [_view(one) for one in series]


def _view(series: Series) -> SeriesView:
    return SeriesView(attribute=series.attribute, unit=series.unit, points=series.points)
