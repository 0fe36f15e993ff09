"""TALQ documents in requests: read whole, or refused as a problem that names field, value and expectation."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from fastapi import Request

from cloud.http.problems import ProblemError, invalid
from protocols.lighting.talq import ControlProgramOne, ProgramError
from protocols.lighting.talq_calendar import CalendarError, TalqCalendar

Struct = TypeVar("Struct", bound=msgspec.Struct)
Made = TypeVar("Made")

_MOST_BYTES = 262_144
_NAMED = re.compile(r"Object (?P<what>missing required|contains unknown) field `(?P<field>.*)`?")
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")


async def program_document(request: Request) -> ControlProgramOne:
    """The request's body as a TALQ ControlProgramOne."""
    return _decoded(await _body(request), ControlProgramOne)


async def calendar_document(request: Request) -> TalqCalendar:
    """The request's body as a TALQ Calendar."""
    return _decoded(await _body(request), TalqCalendar)


def understood(document: Struct, read: Callable[[Struct, str], Made]) -> Made:
    """What `read` makes of a document of the right shape; what it can't mean is a problem."""
    try:
        return read(document, "$")
    except (ProgramError, CalendarError) as error:
        field, _, rest = str(error).removeprefix("$: ").removeprefix("$.").partition(": ")
        value, _, expected = rest.rpartition(", expected ")
        raise invalid(field, value.strip("'"), expected) from error


def document_body(structure: type[msgspec.Struct]) -> dict[str, Any]:
    """How the OpenAPI document describes such a request."""
    schema = {"$ref": f"#/components/schemas/{structure.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            detail = f"the body is larger than {_MOST_BYTES} bytes"
            raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return bytes(body)


def _decoded(body: bytes, structure: type[Struct]) -> Struct:
    try:
        return msgspec.json.decode(body, type=structure)
    except msgspec.ValidationError as error:
        raise _misfit(body, str(error)) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid("body", body[:80].decode(errors="replace"), f"a JSON document: {error}") from error


def _misfit(body: bytes, message: str) -> ProblemError:
    """What msgspec says of JSON that has not the right shape, in our words."""
    why, _, path = message.removesuffix("`").partition(" - at `$")
    if (found := _NAMED.fullmatch(why)) is not None:
        field = f"{path}.{found['field']}".removeprefix(".")
        if found["what"] == "missing required":
            return invalid(field, None, "a value")
        return invalid(field, _at(body, f"{path}.{found['field']}"), "no such field")
    expected = why.removeprefix("Expected ") if why.startswith("Expected ") else "a word that TALQ has here"
    return invalid(path.removeprefix(".") or "body", _at(body, path), expected.replace("`", ""))


def _at(body: bytes, path: str) -> object:
    """What stands in a JSON document at a msgspec path; the kind of it where it is large."""
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None  # the shape was wrong before the end was reached
    for number, name in _STEP.findall(path):
        value = value[int(number)] if number else value[name]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__
