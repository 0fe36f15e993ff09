"""Whether this process is alive, and whether it can do its work."""

from http import HTTPStatus

import msgspec
import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Request
from sqlalchemy.exc import OperationalError
from starlette.responses import Response

from cloud.access.dependencies import Authentication, BearerToken
from cloud.http.metrics import metrics_response
from cloud.http.problems import ProblemError
from cloud.http.responses import json_response
from cloud.live.feed import LiveFeed
from runtime.net import is_loopback

log = structlog.get_logger(__name__)


class Health(msgspec.Struct, frozen=True):
    """What works, by part."""

    status: str
    parts: dict[str, str] = {}


def process_router(authentication: Authentication) -> APIRouter:
    """Return the routes that every process has."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def get_liveness() -> Response:
        """Return 200 whenever the process can respond."""
        return json_response(Health("ok"))

    @routes.get("/metrics")
    def get_metrics(request: Request, bearer: BearerToken) -> Response:
        """Return the metrics of this process for Prometheus: on the same machine, or with an API token."""
        host = request.client.host if request.client else ""
        if not is_loopback(host) and authentication.identify(bearer, None) is None:
            raise ProblemError(HTTPStatus.UNAUTHORIZED, "expected an API token from another machine")
        return metrics_response()

    return routes


def router(engine: sa.Engine, feed: LiveFeed) -> APIRouter:
    """Return the readiness of a process that serves the API."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/readyz")
    def get_readiness() -> Response:
        """Return 200 when database and broker are reachable, else 503 with those that are not.

        `ingest` is for information only.
        """
        parts = {"database": "ok", "broker": "ok" if feed.connected else "unreachable"}
        try:
            with engine.connect() as connection:
                connection.execute(sa.select(1))
        except OperationalError as error:
            log.warning("database_unreachable", error=str(error.orig))
            parts["database"] = "unreachable"
        ready = all(state == "ok" for state in parts.values())
        # Not a reason to be unready: without an ingester every replica would be unready, and a load balancer
        # would remove them all, and with them the map that shows since when no data comes in.
        parts["ingest"] = "ok" if feed.ingester.online else "offline"
        return json_response(Health("ok" if ready else "unavailable", parts), 200 if ready else 503)

    return routes
