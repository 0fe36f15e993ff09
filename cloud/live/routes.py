"""The live feed over HTTP, as server-sent events."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from functools import partial

import anyio.to_thread
import msgspec
import structlog
from fastapi import APIRouter
from sqlalchemy.exc import OperationalError
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from cloud.access.dependencies import BearerToken, SessionSecret, recognised
from cloud.http.responses import problem_content
from cloud.http.views import View
from cloud.live.feed import LiveFeed, Subscription
from cloud.live.ingester import IngesterMonitor
from cloud.services import Services, ServicesOf
from protocols.clock import Clock

log = structlog.get_logger(__name__)

router = APIRouter(tags=["live"])

_CLOCK_INTERVAL_S = 1.0
_RECOGNISED_EVERY_S = 60.0
_RETRY = b"retry: 2000\n\n"


class ClockView(View, frozen=True):
    """Domain time, how fast it runs, whether readings come in, and when the newest were stored."""

    time: str
    speed: float
    ingest_online: bool
    data_as_of: datetime | None


class EventStream(StreamingResponse):
    """Live updates to one reader for as long as it stays."""

    media_type = "text/event-stream"

    def __init__(self, feed: LiveFeed, clock: Clock, welcome: Callable[[], bool]) -> None:
        super().__init__(_nothing(), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._feed = feed
        self._clock = clock
        self._welcome = welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; the mailbox lives exactly as long as the connection."""
        with self._feed.mailbox() as mailbox:
            stream = events(mailbox, self._clock, self._feed.ingester)
            self.body_iterator = while_welcome(stream, self._welcome)
            await super().__call__(scope, receive, send)


@router.get(
    "/live",
    response_class=Response,
    responses={
        401: problem_content(),
        200: {
            "description": "Events lamps, alarms, commands, gateways and clock",
            "content": {"text/event-stream": {}},
        },
    },
)
async def live(services: ServicesOf, bearer: BearerToken, session: SessionSecret) -> EventStream:
    """What changes from now on. Each event carries a list of whole items; `clock` comes every second."""
    welcome = partial(_still_recognised, services, bearer, session)
    return EventStream(services.feed, services.clock, welcome)


async def while_welcome(
    stream: AsyncIterator[bytes], welcome: Callable[[], bool], wall: Callable[[], float] = time.monotonic
) -> AsyncIterator[bytes]:
    """The stream until `welcome`, asked once a minute, says no: a session that ended sees no more."""
    ask_s = wall() + _RECOGNISED_EVERY_S
    async for event in stream:
        if wall() >= ask_s:
            if not await anyio.to_thread.run_sync(welcome):
                return
            ask_s = wall() + _RECOGNISED_EVERY_S
        yield event


def _still_recognised(services: Services, bearer: BearerToken, session: SessionSecret) -> bool:
    try:
        return recognised(services, bearer, session) is not None
    except OperationalError as error:
        # Maps stay open while the database is away; the next minute asks again.
        log.warning("reader of the live feed not recognised anew", error=str(error.orig))
        return True


async def events(mailbox: Subscription, clock: Clock, ingester: IngesterMonitor) -> AsyncIterator[bytes]:
    """Server-sent events for what comes into the mailbox, until it is closed."""
    yield _RETRY + _clock_event(clock, ingester)
    next_clock_s = time.monotonic() + _CLOCK_INTERVAL_S
    while not mailbox.closed:
        changed = await mailbox.take(max(0.0, next_clock_s - time.monotonic()))
        for kind, items in changed.items():
            yield _list_event(kind, items)
        if time.monotonic() >= next_clock_s:
            yield _clock_event(clock, ingester)
            next_clock_s = time.monotonic() + _CLOCK_INTERVAL_S


def _list_event(kind: str, items: Iterable[bytes]) -> bytes:
    return b"event: %b\ndata: [%b]\n\n" % (kind.encode(), b",".join(items))


def _clock_event(clock: Clock, ingester: IngesterMonitor) -> bytes:
    time_text = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    view = ClockView(
        time=time_text,
        speed=clock.speed,
        ingest_online=ingester.online,
        data_as_of=ingester.data_as_of,
    )
    return b"event: clock\ndata: %b\n\n" % msgspec.json.encode(view)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
