"""What telemetry stores on servers have in common: how they are written, and their errors."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

import httpx

from cloud.telemetry.store import StoreRejected, StoreUnavailable
from protocols.cabinet import DeviceReading
from protocols.decoding import UndecodableError, decode_json

_SHOWN = 500
"""Characters of a response in an error."""

MOST_RESPONSE_BYTES = 2**30
"""Of a server's response: more is no answer to what a chart requests."""


class TelemetryWriter(Protocol):
    """The writing half of a TelemetryStore on a server."""

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings, durable on return."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class ServerTelemetry:
    """Base of a TelemetryStore on a server: the same writers serve stores of several query languages."""

    def __init__(self, writer: TelemetryWriter, http: httpx.Client) -> None:
        self._writer = writer
        self._http = http

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings; the server keeps one per device and time."""
        if readings:
            self._writer.write(readings)

    def close(self) -> None:
        """Close connections."""
        self._writer.close()
        self._http.close()


def send(
    http: httpx.Client, path: str, parameters: Mapping[str, str], body: Mapping[str, str] | bytes
) -> httpx.Response:
    """POST and return the response, whatever its status.

    Raises:
        StoreUnavailable: there is none.
    """
    try:
        if isinstance(body, bytes):
            return http.post(path, params=parameters, content=body)
        return http.post(path, params=parameters, data=body)
    except httpx.TransportError as error:
        raise StoreUnavailable(f"{http.base_url}{path}: {error or type(error).__name__}") from error


def post(
    http: httpx.Client, path: str, parameters: Mapping[str, str], body: Mapping[str, str] | bytes
) -> httpx.Response:
    """POST and expect success.

    Raises:
        StoreUnavailable: trying again may help.
        StoreRejected: the server will never take the body.
    """
    response = send(http, path, parameters, body)
    if response.is_success:
        return response
    raise failure(f"{http.base_url}{path}", response.status_code, response.text)


def require_stored(where: str, status: int, body: str) -> None:
    """Accept the one response by which these servers say that a write is stored: 204 No Content.

    Raises:
        StoreUnavailable: another success, as any web server gives that is no store.
    """
    if status != HTTPStatus.NO_CONTENT:
        raise StoreUnavailable(f"{where}: HTTP {status} {body[:_SHOWN]!r}, expected 204 of a telemetry store")


def failure(where: str, status: int, body: str) -> StoreRejected | StoreUnavailable:
    """Return the error for a response that is no success.

    413 is about the size of the batch, 400 and 422 are about a reading in it, unless a proxy sent them:
    the stores themselves explain them in JSON.
    """
    message = f"{where}: HTTP {status} {body[:_SHOWN]}"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return StoreRejected(message)
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY) and _is_explained(body):
        return StoreRejected(message)
    return StoreUnavailable(message)


def _is_explained(body: str) -> bool:
    try:
        explanation = decode_json(body)
    except UndecodableError:
        return False
    return isinstance(explanation, dict) and bool({"error", "message"} & explanation.keys())
