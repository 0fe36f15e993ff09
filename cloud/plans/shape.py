"""Where a JSON document differs from the structure it should have, as field, value and expectation. Pure.

msgspec decides whether a document fits, and reports a mismatch as a sentence. This module finds the same
place as data, for errors that name the field.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any

import msgspec
from msgspec import inspect


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The JSON path of a field, its value, and what was expected; `path` is empty for the whole document."""

    path: str
    value: object
    expected: str


def first_mismatch(document: object, structure: type[msgspec.Struct]) -> Mismatch | None:
    """Return the first place where decoded JSON does not fit `structure`; None where none is found."""
    return next(_mismatches(document, inspect.type_info(structure), ""), None)


def _mismatches(value: object, wanted: inspect.Type, path: str) -> Iterator[Mismatch]:
    if isinstance(wanted, inspect.UnionType):  # a type or null, the only union in our TALQ structures
        wanted = next(each for each in wanted.types if not isinstance(each, inspect.NoneType))
        if value is None:
            return
    if isinstance(wanted, inspect.StructType):
        yield from _in_object(value, wanted, path)
    elif isinstance(wanted, inspect.ListType):
        yield from _in_list(value, wanted, path)
    else:
        expected = _expected(value, wanted)
        if expected is not None:
            yield _mismatch(path, value, expected)


def _expected(value: object, wanted: inspect.Type) -> str | None:
    """Return what is expected instead of a value that is neither object nor list; None where it fits."""
    match wanted:
        case inspect.LiteralType(values=values) if value not in values:
            return " or ".join(repr(each) for each in values)
        case inspect.IntType(ge=least, le=most):
            # A bool is an int in Python, but not in JSON.
            is_whole = type(value) is int and (least is None or value >= least)
            if not is_whole or (most is not None and isinstance(value, int) and value > most):
                return f"a whole number from {least} to {most}"
        case inspect.StrType(min_length=shortest, max_length=longest):
            if not isinstance(value, str):
                return "text"
            if not (shortest or 0) <= len(value) <= (longest or len(value)):
                return f"text of {shortest or 0} to {longest} characters"
        case inspect.TimeType():
            try:
                is_time = (
                    isinstance(value, str) and _local_time.decode(msgspec.json.encode(value)) is not None
                )
            except msgspec.ValidationError:
                is_time = False
            return None if is_time else "a local time such as 22:00:00"
    return None


def _in_object(value: object, wanted: inspect.StructType, path: str) -> Iterator[Mismatch]:
    if not isinstance(value, dict):
        yield _mismatch(path, value, "a JSON object")
        return
    prefix = f"{path}." if path else ""
    for field in wanted.fields:
        if field.encode_name in value:
            yield from _mismatches(value[field.encode_name], field.type, prefix + field.encode_name)
        elif field.required:
            yield Mismatch(prefix + field.encode_name, None, "a value")
    if wanted.forbid_unknown_fields:
        for name in value.keys() - {field.encode_name for field in wanted.fields}:
            yield _mismatch(prefix + name, value[name], "no such field")


def _in_list(value: object, wanted: inspect.ListType, path: str) -> Iterator[Mismatch]:
    if not isinstance(value, list):
        yield _mismatch(path, value, "a list")
        return
    least, most = wanted.min_length or 0, wanted.max_length
    if len(value) < least or (most is not None and len(value) > most):
        count = f"{least} to {most}" if least != most else str(least)
        yield Mismatch(path, f"{len(value)} items", f"{count} items" if most else "an empty list")
    for at, item in enumerate(value):
        yield from _mismatches(item, wanted.item_type, f"{path}[{at}]")


def _mismatch(path: str, value: object, expected: str) -> Mismatch:
    # Objects and lists are named by their kind only: the sender has them.
    shown = value if isinstance(value, str | int | float | bool | None) else type(value).__name__
    return Mismatch(path, shown, expected)


_local_time: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Annotated[time, msgspec.Meta(tz=False)])
