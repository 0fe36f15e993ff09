"""Lamps, areas, roads and the summary over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from cloud.fleet.lamps import LampFilter
from cloud.fleet.views import (
    AreaList,
    GatewayDetail,
    GatewayPage,
    LampDetail,
    LampPage,
    RoadCollection,
    Summary,
)
from cloud.http.parameters import Identifier, PathIdentifier, Text
from cloud.http.responses import answers, json_response
from cloud.services import ServicesOf
from cloud.state.views import LampCondition

router = APIRouter(tags=["inventory"])


@router.get("/lamps", responses=answers(LampPage, "Lamps by id", 422))
def list_lamps(
    *,
    services: ServicesOf,
    area: Identifier | None = None,
    gateway: Identifier | None = None,
    state: LampCondition | None = None,
    q: Annotated[Text | None, Query(max_length=100, description="part of an id or a road's name")] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    cursor: Identifier | None = None,
) -> Response:
    """Lamps with how they stand now."""
    wanted = LampFilter(area, gateway, state, q)
    return json_response(services.inventory.lamps(wanted, limit, cursor))


@router.get("/lamps/{lamp_id}", responses=answers(LampDetail, "The lamp", 404))
def get_lamp(services: ServicesOf, lamp_id: PathIdentifier) -> Response:
    """One lamp with every value it reports and what it will do next."""
    return json_response(services.inventory.lamp(lamp_id))


@router.get("/gateways", responses=answers(GatewayPage, "Gateways by id", 422))
def list_gateways(
    *,
    services: ServicesOf,
    area: Identifier | None = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    cursor: Identifier | None = None,
) -> Response:
    """Gateways with whether they are within reach and run the plan that is wanted."""
    return json_response(services.inventory.gateways_page(area, limit, cursor))


@router.get("/gateways/{gateway_id}", responses=answers(GatewayDetail, "The gateway", 404))
def get_gateway(services: ServicesOf, gateway_id: PathIdentifier) -> Response:
    """One gateway with every value its cabinets report."""
    return json_response(services.inventory.gateway(gateway_id))


@router.get("/areas", responses=answers(AreaList, "Areas by name"))
def list_areas(services: ServicesOf) -> Response:
    """Areas with how many of their lamps stand how."""
    return json_response(services.inventory.areas())


@router.get("/roads", responses=answers(RoadCollection, "GeoJSON"))
def list_roads(services: ServicesOf) -> Response:
    """Roads as GeoJSON lines."""
    return json_response(services.inventory.roads())


@router.get("/summary", responses=answers(Summary, "The whole place at a glance"))
def get_summary(services: ServicesOf) -> Response:
    """Counts, power and time of the whole place."""
    return json_response(services.inventory.summary())
