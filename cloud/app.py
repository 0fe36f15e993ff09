"""The HTTP application of the cloud, and the process that serves it and runs the ingester."""

import asyncio
from collections.abc import Coroutine
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from cloud import health
from cloud.access import routes as access_routes
from cloud.access.dependencies import Authentication
from cloud.access.model import Role
from cloud.alarms import routes as alarm_routes
from cloud.commands import routes as command_routes
from cloud.config import CloudConfig
from cloud.database import upgrade
from cloud.fleet import routes as fleet_routes
from cloud.http.metrics import RequestMetrics
from cloud.http.parameters import refuse_unknown_parameters
from cloud.http.problems import install_problem_handlers
from cloud.http.responses import Documented, problem_content
from cloud.http.security_headers import SecurityHeaders
from cloud.http.server import listen
from cloud.http.static import docs_router, mount_web
from cloud.ingest.service import run_ingest
from cloud.live import routes as live_routes
from cloud.openapi import complete_document
from cloud.plans import routes as plan_routes
from cloud.services import Services
from cloud.telemetry import routes as telemetry_routes
from cloud.wiring import ingest_parts, open_services
from protocols.clock import Clock, ScaledClock
from runtime.serve import serve

API_PREFIX = "/api/v1"
ROLES = frozenset({"api", "ingest"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = "1"
_GRACE_S = 5  # our choice: time for requests that are still being answered when the process ends
_KNOWN_PARAMETERS = Depends(refuse_unknown_parameters)
_PROBLEMS_OF_EVERY_ROUTE: Documented = {status: problem_content() for status in (422, 500, 503)}
"""A wrong value or an unknown query parameter; a defect or an unreadable plan; an unreachable database."""


async def run_cloud(config: CloudConfig, clock: Clock, roles: AbstractSet[str] = ROLES) -> None:
    """Upgrade the database, then run the given roles until cancelled."""
    if not roles or not roles <= ROLES:
        raise ValueError(f"roles: {sorted(roles)}, expected some of {sorted(ROLES)}")
    services = await anyio.to_thread.run_sync(open_services, config, clock)
    try:
        await anyio.to_thread.run_sync(upgrade, services.engine)
        work = _work(services, roles)
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    finally:
        await anyio.to_thread.run_sync(services.close)


def _work(services: Services, roles: AbstractSet[str]) -> list[Coroutine[None, None, None]]:
    config = services.config
    work: list[Coroutine[None, None, None]] = []
    if "api" in roles:
        listener = listen(config.http_host, config.http_port)
        work += [
            services.feed.run(),
            serve(create_app(services), listener, grace_s=_GRACE_S, before_end=services.feed.close),
        ]
    elif config.metrics_port is not None:
        listener = listen(config.http_host, config.metrics_port)
        work += [serve(_metrics_app(services), listener, grace_s=_GRACE_S, before_end=services.feed.close)]
    if "ingest" in roles:
        work += [run_ingest(ingest_parts(services))]
    return work


def create_app(services: Services) -> FastAPI:
    """Build the HTTP application over open services; the caller also runs `services.feed.run()`."""
    authentication = Authentication(services.access)
    app = LenteraApi(
        title="Lentera",
        version=_VERSION,
        summary="Monitor and control street lights.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    install_problem_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=1)
    app.include_router(health.process_router(authentication))
    app.include_router(health.router(services.engine, services.feed))
    app.include_router(access_routes.login_router(services.access, services.config))
    session = access_routes.router(services.access, services.config, authentication.require)
    app.include_router(
        session, prefix=API_PREFIX, dependencies=[_KNOWN_PARAMETERS], responses=_PROBLEMS_OF_EVERY_ROUTE
    )
    viewer = Depends(authentication.require_role(Role.VIEWER))
    for router in _routers(services, authentication):
        app.include_router(
            router,
            prefix=API_PREFIX,
            dependencies=[viewer, _KNOWN_PARAMETERS],
            responses=_PROBLEMS_OF_EVERY_ROUTE,
        )
    if services.config.web_dir is not None:
        app.include_router(docs_router)
        mount_web(app, services.config.web_dir)
    return app


def openapi_document() -> dict[str, Any]:
    """Return the API's OpenAPI document; the same code gives the same document."""
    config = CloudConfig(database_url="sqlite://", telemetry_url="sqlite:///:memory:", mqtt_host="localhost")
    services = open_services(config, ScaledClock(_EPOCH, 0.0, 1.0, lambda: 0.0))
    try:
        return create_app(services).openapi()
    finally:
        services.close()


class LenteraApi(FastAPI):
    """FastAPI whose OpenAPI document also holds the structures that msgspec encodes."""

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap the whole stack with the handler of unhandled errors, which `add_middleware` leaves out."""
        return RequestMetrics(SecurityHeaders(super().build_middleware_stack()))

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = complete_document(super().openapi(), self.routes)
        return self.openapi_schema


def _metrics_app(services: Services) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    install_problem_handlers(app)
    app.include_router(health.process_router(Authentication(services.access)))
    return app


def _routers(services: Services, authentication: Authentication) -> list[APIRouter]:
    """Build the routes that need a user."""
    clock, feed = services.clock, services.feed
    operator = authentication.require_role(Role.OPERATOR)
    return [
        fleet_routes.router(services.fleet, services.night),
        command_routes.router(services.commands, operator, feed.announce_command, feed.command_blocker),
        plan_routes.router(services.plans, operator),
        alarm_routes.router(services.alarms, clock, operator, feed.announce_alarm),
        telemetry_routes.router(services.telemetry, services.inventory, clock),
        live_routes.router(feed, clock, authentication),
    ]
