"""Serves the board over HTTP to whoever stands beside the gateway: it can be read, and nothing else."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from importlib import resources
from typing import Final
from urllib.parse import parse_qs, urlsplit

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from edge.config.settings import StatusConfig
from edge.status.model import ENCODER
from edge.status.snapshot import StatusSnapshot

log = structlog.get_logger(__name__)

_RETRY_S = 10.0
_REQUEST_S = 5.0
_LONGEST_HEAD = 8192
_JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


class StatusPages:
    """What is behind which path."""

    def __init__(self, board: StatusSnapshot, registry: CollectorRegistry) -> None:
        self._board = board
        self._registry = registry
        self._page = (resources.files(__package__) / "page.html").read_bytes()
        self.policy = _content_policy(self._page.decode())

    def answer(self, method: str, target: str) -> Answer:
        """The answer to a request line."""
        url = urlsplit(target)
        pages: dict[str, Callable[[dict[str, list[str]]], Answer]] = {
            "/": lambda _: Answer(HTTPStatus.OK, "text/html; charset=utf-8", self._page),
            "/status.json": self._status,
            "/metrics": lambda _: Answer(
                HTTPStatus.OK, CONTENT_TYPE_PLAIN_1_0_0, generate_latest(self._registry)
            ),
        }
        if method not in ("GET", "HEAD"):
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, f"{method}: expected GET")
        if url.path not in pages:
            return _problem(HTTPStatus.NOT_FOUND, f"{url.path}: expected one of {', '.join(pages)}")
        return pages[url.path](parse_qs(url.query))

    def _status(self, query: dict[str, list[str]]) -> Answer:
        gateway_id = query.get("gateway", [None])[0]
        status = self._board.status(gateway_id, devices=query.get("devices") != ["no"])
        if gateway_id is not None and not status.gateways:
            return _problem(HTTPStatus.NOT_FOUND, f"gateway {gateway_id!r} does not run here")
        return Answer(HTTPStatus.OK, _JSON, ENCODER.encode(status))


async def serve_status(pages: StatusPages, address: StatusConfig) -> None:
    """Serve until cancelled; an address that cannot be had is tried again and stops nothing else."""
    failing = False

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _converse(pages, reader, writer)

    while True:
        try:
            server = await asyncio.start_server(converse, address.host, address.port, limit=_LONGEST_HEAD)
        except OSError as error:
            if not failing:
                failing = True
                where = f"{address.host}:{address.port}"
                log.warning("status page cannot be served", address=where, why=str(error))
            await asyncio.sleep(_RETRY_S)
            continue
        host, port = server.sockets[0].getsockname()[:2]
        log.info("status page is served", url=f"http://{host}:{port}/")
        async with server:
            await server.serve_forever()


async def _converse(pages: StatusPages, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(_REQUEST_S):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer_to(pages, head))
            await writer.drain()
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        log.debug("status request abandoned", why=str(error))
    finally:
        writer.close()


def _answer_to(pages: StatusPages, head: bytes) -> bytes:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        method, answer = "GET", _problem(HTTPStatus.BAD_REQUEST, "expected an HTTP/1.1 request")
    else:
        method, answer = words[0], pages.answer(words[0], words[1])
    lines = (
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        f"Content-Security-Policy: {pages.policy}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        *(["Allow: GET, HEAD"] if answer.status is HTTPStatus.METHOD_NOT_ALLOWED else []),
        "Connection: close",
        "\r\n",
    )
    return "\r\n".join(lines).encode("latin-1") + (b"" if method == "HEAD" else answer.body)


def _problem(status: HTTPStatus, detail: str) -> Answer:
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return Answer(status, "application/problem+json", ENCODER.encode(body))


def _content_policy(page: str) -> str:
    """Only the page's own script and style, and only this server to talk to."""
    sources = {
        tag: b64encode(sha256(page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0].encode()).digest())
        for tag in ("script", "style")
    }
    inline = "; ".join(f"{tag}-src 'sha256-{digest.decode()}'" for tag, digest in sources.items())
    own = "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"{own}; {inline}"
