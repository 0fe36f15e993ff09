"""Answers encoded by msgspec, and their place in the OpenAPI document."""

from typing import Any

import msgspec
from starlette.responses import Response

from cloud.http.problems import MEDIA_TYPE, ProblemDetails

Documented = dict[int | str, dict[str, Any]]


def json_response(content: object, status: int = 200) -> Response:
    """`content`, a msgspec structure or plain data, as JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def answers(
    structure: type[msgspec.Struct], description: str, *problems: int, status: int = 200
) -> Documented:
    """What a route documents: `structure` on success, problem details on 401 and each of `problems`."""
    documented: Documented = {status: _content(structure, description, "application/json")}
    for problem in (401, *problems):
        documented[problem] = problem_content()
    return documented


def answers_nothing(description: str, *problems: int) -> Documented:
    """As `answers` for a success without a body."""
    documented: Documented = {204: {"description": description}}
    for problem in (401, *problems):
        documented[problem] = problem_content()
    return documented


def problem_content() -> dict[str, Any]:
    """How the OpenAPI document describes an error."""
    return _content(ProblemDetails, "Problem details (RFC 9457)", MEDIA_TYPE)


def _content(structure: type[msgspec.Struct], description: str, media_type: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{structure.__name__}"}
    return {"description": description, "content": {media_type: {"schema": schema}}}
