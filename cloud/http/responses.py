"""Answers encoded by msgspec, and how routes document them."""

from typing import Any

import msgspec
from starlette.responses import Response

from cloud.http.problems import MEDIA_TYPE, ProblemDetails

Documented = dict[int | str, dict[str, Any]]


class SchemaReference(dict[str, str]):
    """A reference to a schema of the OpenAPI document that keeps the structure behind it."""

    def __init__(self, structure: type[msgspec.Struct]) -> None:
        super().__init__({"$ref": f"#/components/schemas/{structure.__name__}"})
        self.structure = structure


def json_response(content: object, status: int = 200) -> Response:
    """Encode `content`, a msgspec structure or plain data, as JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def answers(
    structure: type[msgspec.Struct], description: str, *problems: int, status: int = 200
) -> Documented:
    """Document a route: `structure` on success, problem details on 401 and each of `problems`."""
    return {
        status: _content(structure, description, "application/json"),
        **{problem: problem_content() for problem in (401, *problems)},
    }


def answers_nothing(description: str, *problems: int) -> Documented:
    """Document a route as `answers` does, for a success without a body."""
    return {
        204: {"description": description},
        **{problem: problem_content() for problem in (401, *problems)},
    }


def problem_content() -> dict[str, Any]:
    """Describe an error for the OpenAPI document."""
    return _content(ProblemDetails, "Problem details (RFC 9457)", MEDIA_TYPE)


def request_body(structure: type[msgspec.Struct]) -> dict[str, Any]:
    """Document a request body that a route decodes by itself."""
    content = {"application/json": {"schema": SchemaReference(structure)}}
    return {"requestBody": {"required": True, "content": content}}


def _content(structure: type[msgspec.Struct], description: str, media_type: str) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": SchemaReference(structure)}}}
