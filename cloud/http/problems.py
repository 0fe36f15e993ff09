"""HTTP errors: RFC 9457 problem details that name field, value and what was expected."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic.alias_generators import to_camel
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cloud.http.validation_messages import expectation

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    field: str
    value: Any
    expected: str


class ProblemDetails(msgspec.Struct, frozen=True):
    """The body of every answer that is an error."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class ProblemError(Exception):
    """A request that is refused; becomes the problem document of `status`."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(detail)


def not_found(kind: str, field: str, *values: object) -> ProblemError:
    """Return the 404 for values of `field` for which there is no `kind`.

    The detail names 5 of them and `errors` 50, so that a long list gives no long answer.
    """
    named = ", ".join(str(value) for value in values[:5])
    more = f" and {len(values) - 5} more" if len(values) > 5 else ""
    errors = [FieldProblem(field, value, f"the id of a known {kind}") for value in values[:50]]
    return ProblemError(HTTPStatus.NOT_FOUND, f"there is no {kind} {named}{more}", errors)


def invalid(field: str, value: object, expected: str) -> ProblemError:
    """Return the 422 for one field; `expected` finishes the sentence "expected …"."""
    detail = f"{field}: {value!r}, expected {expected}"
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, [FieldProblem(field, value, expected)])


def problem_response(
    status: HTTPStatus,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Return the answer for a problem."""
    body = ProblemDetails("about:blank", status.phrase, status.value, detail, list(errors))
    return Response(
        msgspec.json.encode(body, enc_hook=str), status.value, media_type=MEDIA_TYPE, headers=headers
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    for kind in (ProblemError, HTTPException, OperationalError, Exception):
        app.add_exception_handler(kind, _on_error)


async def _on_error(request: Request, error: Exception) -> Response:
    match error:
        case ProblemError():
            bearer = {"WWW-Authenticate": "Bearer"} if error.status is HTTPStatus.UNAUTHORIZED else {}
            return problem_response(error.status, error.detail, error.errors, bearer | error.headers)
        case HTTPException():
            headers = dict(error.headers) if error.headers else None
            return problem_response(HTTPStatus(error.status_code), str(error.detail), headers=headers)
        case OperationalError():
            log.error("database_unreachable", path=request.url.path, error=str(error.orig))
            return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer; try again")
        case _:
            # The server logs the exception with its traceback after this answer.
            return problem_response(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "the server failed to handle the request; its log has the details",
            )


async def _on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    # What came with a login may be a password, also when it is in the wrong field.
    secret = request.url.path.endswith("/session")
    errors: list[FieldProblem] = []
    for item in error.errors():
        place = item["loc"]
        names = place[1:] if place and place[0] in ("body", "query", "path") else place
        field = ".".join(to_camel(str(name)) for name in names) or "body"
        errors.append(FieldProblem(field, None if secret else _shown(item.get("input")), expectation(item)))
    shown = [item.field if secret else f"{item.field}: {item.value!r}" for item in errors[:5]]
    detail = "; ".join(f"{what}, expected {item.expected}" for what, item in zip(shown, errors, strict=False))
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)


def _shown(value: object) -> object:
    """Return a value short enough to be repeated to its sender."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else repr(value)
    text = text.encode(errors="replace").decode()  # half of a surrogate pair can't be sent back
    return text if len(text) <= 200 else f"{text[:200]}…"
