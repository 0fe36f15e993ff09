"""Readings of a lamp or a cabinet over time, over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from cloud.http.parameters import Identifier, Instant, PathIdentifier
from cloud.http.problems import ProblemError, invalid, not_found
from cloud.http.responses import answers, json_response
from cloud.telemetry.store import SeriesQuery, StoreUnavailable, TelemetryStore
from cloud.telemetry.views import CabinetTelemetryView, SeriesView, TelemetryView
from protocols.clock import Clock
from protocols.device_kinds import CABINETS, LAMPS, DeviceKind, UnknownAttribute
from protocols.inventory.model import Cabinet

_DEFAULT_SPAN = timedelta(hours=24)
_DEFAULT_ATTRIBUTES = {LAMPS: "actualLightState,activePower", CABINETS: "totalPower,totalActiveEnergy"}
_LONGEST_SPAN = timedelta(days=366)


class Devices(Protocol):
    """The devices that have telemetry."""

    def has_lamp(self, lamp_id: str) -> bool:
        """Return whether there is such a lamp."""
        ...

    def cabinets(self, gateway_id: str) -> list[Cabinet]:
        """Return the cabinets of a gateway, by id."""
        ...


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """The readings a request is for; without `attributes` those most looked at."""

    attributes: str | None
    start: datetime
    end: datetime
    max_points: int


def router(store: TelemetryStore, devices: Devices, clock: Clock) -> APIRouter:
    """Return the routes of telemetry."""
    routes = APIRouter(tags=["telemetry"])
    series_request = _series_request(clock)

    @routes.get(
        "/lamps/{lamp_id}/telemetry",
        responses=answers(TelemetryView, "One series for each attribute", 404, 422, 503),
    )
    def get_lamp_telemetry(
        lamp_id: PathIdentifier, request: Annotated[SeriesRequest, Depends(series_request)]
    ) -> Response:
        """Return readings of a lamp over time; by default light level and power of the last 24 hours."""
        if not devices.has_lamp(lamp_id):
            raise not_found("lamp", "lampId", lamp_id)
        series = _series(store, LAMPS, lamp_id, request)
        return json_response(
            TelemetryView(lamp_id=lamp_id, start=request.start, end=request.end, series=series)
        )

    @routes.get(
        "/gateways/{gateway_id}/telemetry",
        responses=answers(CabinetTelemetryView, "One series for each attribute", 404, 422, 503),
    )
    def get_gateway_telemetry(
        gateway_id: PathIdentifier,
        request: Annotated[SeriesRequest, Depends(series_request)],
        cabinet: Annotated[
            Identifier | None, Query(description="one of the gateway's cabinets; the first when not given")
        ] = None,
    ) -> Response:
        """Return readings of a cabinet over time; by default power and energy of the last 24 hours."""
        known = [one.id for one in devices.cabinets(gateway_id)]
        if not known:
            raise not_found("gateway with a cabinet", "gatewayId", gateway_id)
        if cabinet is not None and cabinet not in known:
            raise not_found("cabinet of this gateway", "cabinet", cabinet)
        cabinet_id = cabinet or known[0]
        series = _series(store, CABINETS, cabinet_id, request)
        view = CabinetTelemetryView(
            gateway_id=gateway_id, cabinet_id=cabinet_id, start=request.start, end=request.end, series=series
        )
        return json_response(view)

    return routes


def _series_request(clock: Clock) -> Callable[..., SeriesRequest]:
    def series_request(
        *,
        attributes: Annotated[
            str | None, Query(description="names from the catalogue, comma-separated", max_length=500)
        ] = None,
        start: Annotated[Instant | None, Query(alias="from")] = None,
        end: Annotated[Instant | None, Query(alias="to")] = None,
        max_points: Annotated[int, Query(alias="maxPoints", ge=2, le=5000)] = 300,
    ) -> SeriesRequest:
        end = (end or clock.now()).astimezone(UTC)
        start = (start or end - _DEFAULT_SPAN).astimezone(UTC)
        if not start < end <= start + _LONGEST_SPAN:
            raise invalid("from", start.isoformat(), "an instant before `to`, by at most 366 days")
        return SeriesRequest(attributes, start, end, max_points)

    return series_request


def _series(
    store: TelemetryStore, kind: DeviceKind, device_id: str, request: SeriesRequest
) -> list[SeriesView]:
    given = _DEFAULT_ATTRIBUTES[kind] if request.attributes is None else request.attributes
    names = [name.strip() for name in given.split(",") if name.strip()]
    try:
        found = store.series(
            SeriesQuery(device_id, names, request.start, request.end, request.max_points, kind)
        )
    except UnknownAttribute as error:
        known = ", ".join(metric.attribute for metric in kind.metrics)
        raise invalid("attributes", ",".join(names), f"names from: {known}") from error
    except StoreUnavailable as error:
        detail = "the telemetry store does not answer; try again"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail) from error
    return [SeriesView(attribute=each.attribute, unit=each.unit, points=each.points) for each in found]
