"""A read-only HTTP server for the status page, its JSON and the metrics (why our own: ADR 15)."""

import asyncio
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
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
from runtime.failure_reporter import FailureReporter

log = structlog.get_logger(__name__)

_RETRY_S = 10.0
_REQUEST_S = 5.0
_MAX_HEAD_BYTES = 8192
_JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response."""

    status: HTTPStatus
    content_type: str
    body: bytes


class StatusPages:
    """The resources by path: `/`, `/status.json` and `/metrics`."""

    def __init__(self, snapshot: StatusSnapshot, registry: CollectorRegistry) -> None:
        self._snapshot = snapshot
        self._registry = registry
        self._page = (resources.files(__package__) / "page.html").read_bytes()
        self.content_policy = _content_policy(self._page.decode())

    def respond(self, method: str, target: str) -> Response:
        """Return the response to a request; an error is a problem document (RFC 9457).

        `/status.json` takes `gateway`, the id of one gateway, and `devices=no` to leave the devices out.
        """
        url = urlsplit(target)
        if method not in ("GET", "HEAD"):
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, f"{method}: expected GET")
        if url.path == "/":
            return Response(HTTPStatus.OK, "text/html; charset=utf-8", self._page)
        if url.path == "/status.json":
            query = parse_qs(url.query)
            gateway_id = query.get("gateway", [None])[0]
            status = self._snapshot.status(gateway_id, devices=query.get("devices") != ["no"])
            if gateway_id is not None and not status.gateways:
                return _problem(HTTPStatus.NOT_FOUND, f"gateway {gateway_id!r} does not run here")
            return Response(HTTPStatus.OK, _JSON, ENCODER.encode(status))
        if url.path == "/metrics":
            return Response(HTTPStatus.OK, CONTENT_TYPE_PLAIN_1_0_0, generate_latest(self._registry))
        return _problem(HTTPStatus.NOT_FOUND, f"{url.path}: expected one of /, /status.json, /metrics")


async def serve_status(pages: StatusPages, address: StatusConfig) -> None:
    """Serve until cancelled; an address that is in use is tried again and stops nothing else."""
    reporter = FailureReporter(
        log,
        "status_page_unavailable",
        "status_page_recovered",
        level="warning",
        address=f"{address.host}:{address.port}",
    )
    handle = partial(_handle_connection, pages)
    while True:
        try:
            server = await asyncio.start_server(handle, address.host, address.port, limit=_MAX_HEAD_BYTES)
        except OSError as error:
            reporter.failed(error)
            await asyncio.sleep(_RETRY_S)
            continue
        reporter.recovered()
        host, port = server.sockets[0].getsockname()[:2]
        log.info("status_page_served", url=f"http://{host}:{port}/")
        async with server:
            await server.serve_forever()


async def _handle_connection(
    pages: StatusPages, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        # One deadline for the whole exchange: a client that sends slowly keeps no connection open.
        async with asyncio.timeout(_REQUEST_S):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_encode_response(pages, head))
            await writer.drain()
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        log.debug("status_request_abandoned", error=str(error))
    finally:
        writer.close()


def _encode_response(pages: StatusPages, head: bytes) -> bytes:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        method, response = "GET", _problem(HTTPStatus.BAD_REQUEST, "expected an HTTP/1.1 request")
    else:
        method, response = words[0], pages.respond(words[0], words[1])
    lines = (
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        f"Content-Security-Policy: {pages.content_policy}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        *(["Allow: GET, HEAD"] if response.status is HTTPStatus.METHOD_NOT_ALLOWED else []),
        "Connection: close",
        "\r\n",
    )
    return "\r\n".join(lines).encode("latin-1") + (b"" if method == "HEAD" else response.body)


def _problem(status: HTTPStatus, detail: str) -> Response:
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return Response(status, "application/problem+json", ENCODER.encode(body))


def _content_policy(page: str) -> str:
    """Allow only the page's own inline script and style, and requests to this server alone."""
    sources = {
        tag: b64encode(sha256(page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0].encode()).digest())
        for tag in ("script", "style")
    }
    inline = "; ".join(f"{tag}-src 'sha256-{digest.decode()}'" for tag, digest in sources.items())
    own = "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"{own}; {inline}"
