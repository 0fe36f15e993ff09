"""TALQ documents in requests: read whole, or refused with field, value and what was expected."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import msgspec
from fastapi import Request

from cloud.http.problems import ProblemError, invalid
from cloud.plans.shape import first_mismatch
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
        return msgspec.json.decode(body, type=structure)
    except msgspec.ValidationError as error:
        try:
            found = first_mismatch(msgspec.json.decode(body), structure)
        except (msgspec.DecodeError, RecursionError):
            found = None  # the shape was wrong before the end of the JSON was reached
        if found is None:
            raise invalid("body", None, f"a {structure.__name__}: {error}") from error
        raise invalid(found.path or "body", found.value, found.expected) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid("body", body[:80].decode(errors="replace"), f"a JSON document: {error}") from error


def convert_document(document: Document, convert: Callable[[Document, str], Model]) -> Model:
    """Return what `convert` makes of a document; 422 that names the field with an unsupported value."""
    try:
        return convert(document, "body")
    except TalqError as error:
        raise invalid(error.path, error.value, error.expected) from error
