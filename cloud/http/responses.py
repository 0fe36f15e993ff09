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
    structure: type[msgspec.Struct] | None, description: str, *problems: int, status: int = 200
) -> Documented:
    """Document a route: `structure` on success, problem details on 401 and each of `problems`.

    Without a `structure` the success has no body; its status is then 204.
    """
    success: dict[str, Any] = {"description": description}
    if structure is None:
        status = 204
    else:
        success["content"] = {"application/json": {"schema": SchemaReference(structure)}}
    return {status: success, **{problem: problem_content() for problem in (401, *problems)}}


def problem_content() -> dict[str, Any]:
    """Describe an error for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": SchemaReference(ProblemDetails)}}
    return {"description": "Problem details (RFC 9457)", "content": content}


def request_body(structure: type[msgspec.Struct]) -> dict[str, Any]:
    """Document a request body that a route decodes by itself."""
    content = {"application/json": {"schema": SchemaReference(structure)}}
    return {"requestBody": {"required": True, "content": content}}
