"""What telemetry stores on servers have in common: how they are written, and their errors."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import httpx

from cloud.telemetry.store import StoreRejected, StoreUnavailable
from protocols.cabinet import DeviceReading

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


def post(
    http: httpx.Client, path: str, parameters: Mapping[str, str], body: Mapping[str, str] | bytes
) -> httpx.Response:
    """POST and expect success.

    Raises:
        StoreUnavailable: trying again may help.
        StoreRejected: the server will never take the body.
    """
    try:
        if isinstance(body, bytes):
            response = http.post(path, params=parameters, content=body)
        else:
            response = http.post(path, params=parameters, data=body)
    except httpx.TransportError as error:
        raise StoreUnavailable(f"{http.base_url}{path}: {error or type(error).__name__}") from error
    if response.is_success:
        return response
    raise failure(
        response.status_code, f"{http.base_url}{path}: HTTP {response.status_code} {response.text[:500]}"
    )


def failure(status: int, message: str) -> StoreRejected | StoreUnavailable:
    """Return the error for an HTTP status: 400, 413 and 422 are about the readings."""
    return StoreRejected(message) if status in (400, 413, 422) else StoreUnavailable(message)
