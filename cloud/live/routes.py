"""The live feed over HTTP, as server-sent events."""

import time
from collections.abc import AsyncIterator, Callable

import anyio.to_thread
import msgspec
import structlog
from fastapi import APIRouter
from sqlalchemy.exc import OperationalError
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from cloud.access.dependencies import Authentication, BearerToken, SessionSecret
from cloud.http.responses import problem_content
from cloud.live.feed import LiveFeed, Subscription
from cloud.live.ingester import IngesterMonitor
from cloud.live.model import ClockView
from protocols.clock import Clock

log = structlog.get_logger(__name__)

_CLOCK_INTERVAL_S = 1.0
_AUTHENTICATED_EVERY_S = 60.0
_RETRY = b"retry: 2000\n\n"


class EventStream(StreamingResponse):
    """Live updates to one reader for as long as it is connected and authenticated."""

    media_type = "text/event-stream"

    def __init__(self, feed: LiveFeed, clock: Clock, authenticated: Callable[[], bool]) -> None:
        super().__init__(iter(()), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._feed = feed
        self._clock = clock
        self._authenticated = authenticated

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; the subscription lasts exactly as long as the connection."""
        with self._feed.subscribe() as subscription:
            stream = events(subscription, self._clock, self._feed.ingester)
            self.body_iterator = while_authenticated(stream, self._authenticated)
            await super().__call__(scope, receive, send)


def router(feed: LiveFeed, clock: Clock, authentication: Authentication) -> APIRouter:
    """Return the route of the live feed."""
    routes = APIRouter(tags=["live"])

    @routes.get(
        "/live",
        response_class=Response,
        responses={
            200: {
                "description": "Events `lamps`, `alarms`, `commands`, `gateways` and `clock`",
                "content": {"text/event-stream": {}},
            },
            401: problem_content(),
        },
    )
    async def stream_live_updates(bearer: BearerToken, session: SessionSecret) -> EventStream:
        """Stream changes as server-sent events.

        Each event carries a list of whole items, in the shape that the lists of the API have. `clock` comes
        every second.
        """

        def authenticated() -> bool:
            try:
                return authentication.identify(bearer, session) is not None
            except OperationalError as error:
                # Maps stay open while the database is away; the next minute checks again.
                log.warning("live_reader_not_checked", error=str(error.orig))
                return True

        return EventStream(feed, clock, authenticated)

    return routes


async def while_authenticated(
    stream: AsyncIterator[bytes],
    authenticated: Callable[[], bool],
    wall: Callable[[], float] = time.monotonic,
) -> AsyncIterator[bytes]:
    """Pass the stream on until `authenticated`, called once a minute, is false: a session that ended."""
    check_s = wall() + _AUTHENTICATED_EVERY_S
    async for event in stream:
        if wall() >= check_s:
            if not await anyio.to_thread.run_sync(authenticated):
                return
            check_s = wall() + _AUTHENTICATED_EVERY_S
        yield event


async def events(subscription: Subscription, clock: Clock, ingester: IngesterMonitor) -> AsyncIterator[bytes]:
    """Yield server-sent events for what comes into the subscription, until it is closed."""
    yield _RETRY + _clock_event(clock, ingester)
    next_clock_s = time.monotonic() + _CLOCK_INTERVAL_S
    while not subscription.closed:
        changed = await subscription.take(max(0.0, next_clock_s - time.monotonic()))
        for kind, items in changed.items():
            yield b"event: %b\ndata: [%b]\n\n" % (kind.encode(), b",".join(items))
        if time.monotonic() >= next_clock_s:
            yield _clock_event(clock, ingester)
            next_clock_s = time.monotonic() + _CLOCK_INTERVAL_S


def _clock_event(clock: Clock, ingester: IngesterMonitor) -> bytes:
    time_text = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    view = ClockView(
        time=time_text,
        speed=clock.speed,
        ingest_online=ingester.online,
        data_as_of=ingester.data_as_of,
    )
    return b"event: clock\ndata: %b\n\n" % msgspec.json.encode(view)
