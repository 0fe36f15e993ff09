"""Whether this process lives, and whether it can do its work."""

from http import HTTPStatus

import msgspec
import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Request
from sqlalchemy.exc import OperationalError
from starlette.responses import Response

from cloud.access.dependencies import BearerToken, recognised
from cloud.http.metrics import metrics_response
from cloud.http.problems import ProblemError
from cloud.http.responses import json_response
from cloud.services import ServicesOf
from runtime.net import is_loopback

log = structlog.get_logger(__name__)

process_router = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)


class Health(msgspec.Struct, frozen=True):
    """What works, by part."""

    status: str
    parts: dict[str, str] = {}


@process_router.get("/healthz")
async def healthz() -> Response:
    """200 while the process answers at all."""
    return json_response(Health("ok"))


@router.get("/readyz")
def readyz(services: ServicesOf) -> Response:
    """200 when database and broker are within reach, else 503 with what is not; `ingest` is only told."""
    parts = {
        "database": "ok" if _database_answers(services.engine) else "unreachable",
        "broker": "ok" if services.feed.connected else "unreachable",
    }
    ready = all(state == "ok" for state in parts.values())
    # Not a reason to be unready: one missing ingester is missing to every replica, and a load balancer
    # would take them all away, and with them the map that says since when no data comes in.
    parts["ingest"] = "ok" if services.feed.ingester.online else "offline"
    return json_response(Health("ok" if ready else "unavailable", parts), 200 if ready else 503)


@process_router.get("/metrics")
def metrics(request: Request, services: ServicesOf, bearer: BearerToken) -> Response:
    """Metrics of this process for Prometheus: on the same machine, or with an API token."""
    host = request.client.host if request.client else ""
    if not is_loopback(host) and recognised(services, bearer, None) is None:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "expected an API token from another machine")
    return metrics_response()


def _database_answers(engine: sa.Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(sa.select(1))
    except OperationalError as error:
        log.warning("database does not answer", error=str(error.orig))
        return False
    return True
