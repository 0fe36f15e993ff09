"""Lamps, gateways, areas, roads, the summary and the night over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from cloud.fleet.lamps import LampFilter
from cloud.fleet.night import NightService, NightView
from cloud.fleet.service import FleetService
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
from cloud.state.views import LampCondition

Limit = Annotated[int, Query(ge=1, le=5000)]


def router(fleet: FleetService, night: NightService) -> APIRouter:
    """Return the routes of everything that is installed."""
    routes = APIRouter(tags=["fleet"])
    routes.include_router(_lamp_routes(fleet))
    routes.include_router(_gateway_routes(fleet))

    @routes.get("/areas", responses=answers(AreaList, "Areas by name"))
    def list_areas() -> Response:
        """List areas with the number of lamps in each state and their power."""
        return json_response(fleet.areas())

    @routes.get("/roads", responses=answers(RoadCollection, "GeoJSON"))
    def list_roads() -> Response:
        """List roads as GeoJSON lines."""
        return json_response(fleet.roads())

    @routes.get("/summary", responses=answers(Summary, "The summary"))
    def get_summary() -> Response:
        """Return lamps by state, gateways, power and time for the whole place."""
        return json_response(fleet.summary())

    @routes.get("/night", responses=answers(NightView, "The night, from noon to noon", 404))
    def get_night() -> Response:
        """Return the current night from noon to noon: sun times, planned and actual light level."""
        return json_response(night.view())

    return routes


def _lamp_routes(fleet: FleetService) -> APIRouter:
    routes = APIRouter()

    @routes.get("/lamps", responses=answers(LampPage, "Lamps by id", 422))
    def list_lamps(
        *,
        area: Identifier | None = None,
        gateway: Identifier | None = None,
        state: LampCondition | None = None,
        q: Annotated[
            Text | None, Query(max_length=100, description="part of a lamp's id or of its road's name")
        ] = None,
        limit: Limit = 500,
        cursor: Identifier | None = None,
    ) -> Response:
        """List lamps with their present state, by id."""
        return json_response(fleet.lamps(LampFilter(area, gateway, state, q), limit, cursor))

    @routes.get("/lamps/{lamp_id}", responses=answers(LampDetail, "The lamp", 404))
    def get_lamp(lamp_id: PathIdentifier) -> Response:
        """Return a lamp with all its values, its program and its next change of level."""
        return json_response(fleet.lamp(lamp_id))

    return routes


def _gateway_routes(fleet: FleetService) -> APIRouter:
    routes = APIRouter()

    @routes.get("/gateways", responses=answers(GatewayPage, "Gateways by id", 422))
    def list_gateways(
        *, area: Identifier | None = None, limit: Limit = 500, cursor: Identifier | None = None
    ) -> Response:
        """List gateways with their connection and the lighting plan they run, by id."""
        return json_response(fleet.gateways.page(area, limit, cursor))

    @routes.get("/gateways/{gateway_id}", responses=answers(GatewayDetail, "The gateway", 404))
    def get_gateway(gateway_id: PathIdentifier) -> Response:
        """Return a gateway with its cabinets and all their values."""
        return json_response(fleet.gateway(gateway_id))

    return routes
