"""Whether this process lives, and whether it can do its work."""

import msgspec
import sqlalchemy as sa
import structlog
from fastapi import APIRouter
from sqlalchemy.exc import OperationalError
from starlette.responses import Response

from cloud.metrics import metrics_response
from cloud.responses import json_response
from cloud.services import ServicesOf

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
    """200 when database and broker are within reach, else 503 with what is not."""
    parts = {
        "database": "ok" if _database_answers(services.engine) else "unreachable",
        "broker": "ok" if services.feed.connected else "unreachable",
    }
    ready = all(state == "ok" for state in parts.values())
    return json_response(Health("ok" if ready else "unavailable", parts), 200 if ready else 503)


@process_router.get("/metrics")
def metrics() -> Response:
    """Metrics of this process for Prometheus."""
    return metrics_response()


def _database_answers(engine: sa.Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(sa.select(1))
    except OperationalError as error:
        log.warning("database does not answer", error=str(error.orig))
        return False
    return True
