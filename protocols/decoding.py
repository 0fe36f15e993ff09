"""Decodes JSON, MessagePack and TOML of untrusted origin: any bytes lead to at most one documented error.

The libraries raise more than their own error: text that is not UTF-8, nesting deeper than the interpreter's
stack and numbers beyond its limit of digits each have an exception of their own, and a caller that misses one
of them loses its process to a message.
"""

import tomllib
from typing import Any, Final, TypeVar, overload

import msgspec

MOST_DOCUMENT_BYTES: Final = 2**24
"""The limit unless a caller gives another; the largest document that travels as one, a plan, has 100 kB."""

_MOST_TOML_LINE_CHARACTERS: Final = 4_096
"""tomllib takes memory with the square of a key's parts: one dotted key of 200 kB fills 24 GB."""

_Type = TypeVar("_Type")

_WHAT_DECODERS_RAISE: Final = (
    msgspec.DecodeError,
    RecursionError,  # nesting
    ValueError,  # text that is not UTF-8, numbers of more than 4,300 digits, dates that no calendar has
    OverflowError,
    MemoryError,  # a length at the head of the document, of more bytes than the machine has
)


class UndecodableError(ValueError):
    """The bytes are not the document they should be; the text says what is wrong and where."""


@overload
def decode_json(document: bytes | str, *, most_bytes: int = ...) -> object: ...
@overload
def decode_json(document: bytes | str, type_: type[_Type], *, most_bytes: int = ...) -> _Type: ...
def decode_json(
    document: bytes | str, type_: type = object, *, most_bytes: int = MOST_DOCUMENT_BYTES
) -> object:
    """Decode JSON as an object of `type_`, or of any.

    Raises:
        UndecodableError: it is no JSON, not of that type, or has more than `most_bytes` bytes.
    """
    _limit(document, most_bytes)
    try:
        return msgspec.json.decode(document, type=Any if type_ is object else type_)
    except _WHAT_DECODERS_RAISE as error:
        raise UndecodableError(_reason(error)) from error


def decode_msgpack(document: bytes, type_: type[_Type], *, most_bytes: int = MOST_DOCUMENT_BYTES) -> _Type:
    """Decode MessagePack as an object of `type_`.

    Raises:
        UndecodableError: it is no MessagePack, not of that type, or has more than `most_bytes` bytes.
    """
    _limit(document, most_bytes)
    try:
        return msgspec.msgpack.decode(document, type=type_)
    except _WHAT_DECODERS_RAISE as error:
        raise UndecodableError(_reason(error)) from error


def decode_toml(document: bytes | str, *, most_bytes: int = MOST_DOCUMENT_BYTES) -> dict[str, Any]:
    """Decode TOML.

    Raises:
        UndecodableError: it is no TOML, has more than `most_bytes` bytes, or a line of more than 4,096
            characters.
    """
    _limit(document, most_bytes)
    try:
        text = document if isinstance(document, str) else document.decode("utf-8")
        _limit_lines(text)
        return tomllib.loads(text)
    except _WHAT_DECODERS_RAISE as error:
        raise UndecodableError(_reason(error)) from error


def _limit(document: bytes | str, most_bytes: int) -> None:
    if len(document) > most_bytes:
        raise UndecodableError(f"{len(document)} bytes, expected at most {most_bytes}")


def _limit_lines(text: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > _MOST_TOML_LINE_CHARACTERS:
            raise UndecodableError(
                f"{len(line)} characters (at line {number}), expected at most {_MOST_TOML_LINE_CHARACTERS}"
            )


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        # Not the position: msgspec counts it from the start of the text, not of the document.
        return f"{error.object[max(0, error.start - 20) : error.start + 20]!r} is not UTF-8"
    if isinstance(error, MemoryError):
        return "it says that it is longer than memory"
    return str(error)
