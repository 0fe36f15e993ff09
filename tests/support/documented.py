"""Compares the API's answers with what its OpenAPI document says about them."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI
from starlette.routing import compile_path

from cloud.app import create_app
from cloud.config import CloudConfig
from cloud.http.problems import ProblemDetails
from cloud.openapi import api_routes, structures_of
from cloud.wiring import open_services
from tests.support.clocks import FakeClock

_PREFIX = "/api/v1/"


class UndocumentedAnswerError(AssertionError):
    """An answer that the OpenAPI document does not describe."""


@dataclass(frozen=True)
class _Path:
    """A path of the document with the answers of each method, by status."""

    pattern: re.Pattern[str]
    answers: dict[str, dict[str, dict[str, Any]]]


class DocumentedApi:
    """The answers that an application documents."""

    def __init__(self, app: FastAPI) -> None:
        document = app.openapi()
        structures = {each for route in api_routes(app.routes) for each in structures_of(route)}
        self._structures = {each.__name__: each for each in structures | {ProblemDetails}}
        # A path without parameters comes first, as `/assignments/preview` does before `/assignments/{id}`.
        paths: Iterable[tuple[str, Any]] = sorted(document["paths"].items(), key=lambda each: "{" in each[0])
        self._paths = [
            _Path(
                compile_path(path)[0],
                {method.upper(): operation["responses"] for method, operation in operations.items()},
            )
            for path, operations in paths
        ]

    def check(self, response: httpx.Response) -> None:
        """Compare an answer, whose body is read unless it is a stream, with the document.

        Addresses outside the API are left out; one that no route has must answer with a problem.

        Raises:
            UndocumentedAnswerError: its status, media type or body is not what its route documents.
        """
        request = response.request
        if not request.url.path.startswith(_PREFIX):
            return
        media_type = response.headers.get("content-type", "").split(";")[0]
        what = f"{request.method} {request.url.path}: {response.status_code} {media_type}"
        found = next((each for each in self._paths if each.pattern.fullmatch(request.url.path)), None)
        answers = None if found is None else found.answers.get(request.method)
        if answers is None:
            if response.status_code not in (404, 405):
                raise UndocumentedAnswerError(f"{what}, expected 404 or 405, because no route has this path")
            _check_body(what, response.content, ProblemDetails)
            return
        answer = answers.get(str(response.status_code))
        if answer is None:
            raise UndocumentedAnswerError(f"{what}, expected one of {sorted(answers)}")
        content = answer.get("content", {})
        if media_type not in (content or {"": {}}):
            raise UndocumentedAnswerError(f"{what}, expected {sorted(content) or 'no body'}")
        schema = content.get(media_type, {}).get("schema")
        if schema is not None:
            name = schema["$ref"].rpartition("/")[2]
            _check_body(what, response.content, self._structures[name])


@functools.cache
def documented_api() -> DocumentedApi:
    """Return the document of the present code; it is the same for every configuration."""
    config = CloudConfig(database_url="sqlite://", telemetry_url="sqlite:///:memory:", mqtt_host="localhost")
    services = open_services(config, FakeClock(datetime(2026, 8, 10, tzinfo=UTC)))
    try:
        return DocumentedApi(create_app(services))
    finally:
        services.close()


async def check_documented(response: httpx.Response) -> None:
    """Check an answer as an event hook of an httpx client; streams are checked without their events."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        await response.aread()
    documented_api().check(response)


def _check_body(what: str, body: bytes, structure: type[msgspec.Struct]) -> None:
    try:
        decoded = msgspec.json.decode(body, type=structure)
    except msgspec.DecodeError as error:
        raise UndocumentedAnswerError(f"{what}: no {structure.__name__}: {error}") from error
    # Decoding leaves out fields that the structure does not have; encoding shows that there were none.
    if msgspec.json.decode(msgspec.json.encode(decoded)) != msgspec.json.decode(body):
        raise UndocumentedAnswerError(f"{what}: more or other fields than {structure.__name__} has: {body!r}")
