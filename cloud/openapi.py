"""The OpenAPI document: FastAPI's, with the structures that msgspec encodes."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import BaseRoute

from cloud.http.problems import ProblemDetails
from cloud.http.responses import SchemaReference
from cloud.live.model import ClockView, LiveUpdate

_EVENTS: tuple[type[msgspec.Struct], ...] = (ClockView, LiveUpdate)
"""Structures of server-sent events, for which OpenAPI has no place of its own."""


def complete_document(document: dict[str, Any], routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Add the schemas that the answers of `routes` refer to, in a fixed order."""
    structures: set[type[msgspec.Struct]] = {
        ProblemDetails,
        *_EVENTS,
        *(each for route in api_routes(routes) for each in structures_of(route)),
    }
    ordered = sorted(structures, key=lambda structure: structure.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    components = document.setdefault("components", {})
    components["schemas"] = dict(sorted({**components.get("schemas", {}), **schemas}.items()))
    return document


def api_routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Yield the routes of the API, also those of included routers; their paths lack the prefix."""
    for route in routes:
        # FastAPI keeps an included router as one route, whose class is not public.
        included = getattr(route, "original_router", None)
        if isinstance(included, APIRouter):
            yield from api_routes(included.routes)
        elif isinstance(route, APIRoute):
            yield route


def structures_of(route: APIRoute) -> Iterator[type[msgspec.Struct]]:
    """Yield the structures that a route's documented bodies refer to."""
    bodies = [*route.responses.values(), (route.openapi_extra or {}).get("requestBody", {})]
    for body in bodies:
        for content in body.get("content", {}).values():
            schema = content.get("schema")
            if isinstance(schema, SchemaReference):
                yield schema.structure
