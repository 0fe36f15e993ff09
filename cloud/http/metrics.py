"""The API's own Prometheus metrics."""

import time

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("lentera_http_requests", "Answered requests.", ["method", "route", "status"])
DURATION = Histogram(
    "lentera_http_first_byte_seconds",
    "From request to the start of the answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


class RequestMetrics:
    """Counts and times requests by the route's pattern; what matches no route is one entry."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "(other)")
                REQUESTS.labels(scope["method"], route, str(message["status"])).inc()
                DURATION.labels(route).observe(time.perf_counter() - started_s)
            await send(message)

        await self._app(scope, receive, noting)


def metrics_response() -> Response:
    """Return all metrics of this process in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
