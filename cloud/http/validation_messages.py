"""What pydantic refuses, in plain words that finish the sentence "expected …"."""

from collections.abc import Mapping
from typing import Any

_WHOLE, _NUMBER, _INSTANT = "a whole number", "a number", "an instant such as 2026-08-10T13:00:00Z"

_WORDS: Mapping[str, str] = {
    "missing": "a value",
    "extra_forbidden": "no such field",
    "json_invalid": "a JSON document",
    "model_attributes_type": "a JSON object",
    "dict_type": "a JSON object",
    "list_type": "a list",
    "string_type": "text",
    "string_unicode": "text in valid Unicode",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} characters",
    "too_long": "at most {max_length} items",
    "too_short": "at least {min_length} items",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "a whole number of at most 19 digits",
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "enum": "one of {expected}",
    "literal_error": "one of {expected}",
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "datetime_object_invalid": _INSTANT,
    "timezone_aware": "an instant with its time zone, such as 2026-08-10T13:00:00Z",
}


def expectation(error: Mapping[str, Any]) -> str:
    """Return what would have been right, by one entry of `ValidationError.errors()`."""
    kind = error["type"]
    # A text that was checked for characters before its length has lost its type.
    if kind in ("too_long", "too_short") and isinstance(error.get("input"), str):
        kind = f"string_{kind}"
    words = _WORDS.get(kind)
    if words is not None:
        return words.format_map(error.get("ctx", {}))
    message: str = error["msg"]
    return message.removeprefix("Value error, ").removeprefix("expected ")
