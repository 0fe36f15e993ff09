"""The cloud put together: the HTTP application, and the process that serves it and runs the ingester."""

import asyncio
from collections.abc import Coroutine
from collections.abc import Set as AbstractSet
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from cloud import health
from cloud.access import routes as access_routes
from cloud.access.dependencies import role
from cloud.access.model import Role
from cloud.alarms import routes as alarm_routes
from cloud.commands import routes as control_routes
from cloud.config import CloudConfig
from cloud.database import upgrade
from cloud.fleet import routes as inventory_routes
from cloud.http.metrics import RequestMetrics
from cloud.http.parameters import refuse_unknown_parameters
from cloud.http.problems import install_problem_handlers
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
from protocols.clock import Clock
from runtime.serve import serve

API_PREFIX = "/api/v1"
ROLES = frozenset({"api", "ingest"})
_VERSION = "1"
_GRACE_S = 5  # for answers that were begun when the process is ended
_KNOWN = Depends(refuse_unknown_parameters)


async def run_cloud(config: CloudConfig, clock: Clock, roles: AbstractSet[str] = ROLES) -> None:
    """Bring the database up to date, then run the given roles until cancelled."""
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
    """What the roles do, each to run until cancelled."""
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
    """The HTTP application over open services; who runs it also runs `services.feed.run()`."""
    app = _routed_app()
    app.state.services = services
    if services.config.web_dir is not None:
        app.include_router(docs_router)
        mount_web(app, services.config.web_dir)
    return app


def openapi_document() -> dict[str, Any]:
    """The API's OpenAPI document; the same code gives the same document."""
    return _routed_app().openapi()


class LenteraApi(FastAPI):
    """FastAPI whose OpenAPI document also holds the structures msgspec encodes."""

    def build_middleware_stack(self) -> ASGIApp:
        """What answers a defect also stands inside headers and metrics; `add_middleware` leaves it out."""
        return RequestMetrics(SecurityHeaders(super().build_middleware_stack()))

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = complete_document(super().openapi())
        return self.openapi_schema


def _metrics_app(services: Services) -> FastAPI:
    """What an ingester of its own shows: that it lives, and its metrics."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    install_problem_handlers(app)
    app.include_router(health.process_router)
    return app


def _routed_app() -> FastAPI:
    app = LenteraApi(
        title="Lentera",
        version=_VERSION,
        summary="Street lights: how they stand, and what they are told.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    install_problem_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=1)
    app.include_router(health.process_router)
    app.include_router(health.router)
    app.include_router(access_routes.login_router)
    app.include_router(access_routes.router, prefix=API_PREFIX, dependencies=[_KNOWN])
    guarded = APIRouter(prefix=API_PREFIX, dependencies=[Depends(role(Role.VIEWER)), _KNOWN])
    concerns = (inventory_routes, control_routes, plan_routes, alarm_routes, telemetry_routes, live_routes)
    for routes in concerns:
        guarded.include_router(routes.router)
    app.include_router(guarded)
    return app
