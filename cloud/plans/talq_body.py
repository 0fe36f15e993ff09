"""TALQ documents in requests: read whole, or refused with field, value and what was expected."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import msgspec
from fastapi import Request

from cloud.http.problems import ProblemError, invalid
from cloud.plans.shape import first_mismatch
from protocols.decoding import UndecodableError, decode_json
from protocols.lighting.talq import TalqError

Document = TypeVar("Document", bound=msgspec.Struct)
Model = TypeVar("Model")

_MOST_BYTES = 262_144


async def read_body(request: Request) -> bytes:
    """Return the request's body; 413 for one too large to be a document."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            detail = f"the body is larger than {_MOST_BYTES} bytes"
            raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return bytes(body)


def decode_document(body: bytes, structure: type[Document]) -> Document:
    """Return the body as a document of this structure; 422 that names the first field of another shape."""
    try:
        return decode_json(body, structure)
    except UndecodableError as error:
        shape_error = error
    try:
        document = decode_json(body)
    except UndecodableError as error:
        raise invalid("body", body[:80].decode(errors="replace"), f"a JSON document: {error}") from error
    found = first_mismatch(document, structure)
    if found is None:
        raise invalid("body", None, f"a {structure.__name__}: {shape_error}") from shape_error
    raise invalid(found.path or "body", found.value, found.expected) from shape_error


def convert_document(document: Document, convert: Callable[[Document, str], Model]) -> Model:
    """Return what `convert` makes of a document; 422 that names the field with an unsupported value."""
    try:
        return convert(document, "body")
    except TalqError as error:
        raise invalid(error.path, error.value, error.expected) from error
