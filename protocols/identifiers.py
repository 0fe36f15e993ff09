"""The one definition of an identifier: of an area, a gateway, a lamp, a cabinet and a Sparkplug host.

An identifier is a level of an MQTT topic and a key in every store. MQTT 3.1.1 §1.5.3 lets a broker close the
connection of a client that sends a control character or a noncharacter in a topic, and mosquitto does: one
such lamp would keep its whole gateway offline. PostgreSQL stores no NUL.
"""

import re
from typing import Final

LONGEST_IDENTIFIER: Final = 64

_NONCHARACTERS = r"\ufdd0-\ufdef" + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(17))
_FORBIDDEN: Final = rf"+/#\x00-\x1f\x7f-\x9f\ud800-\udfff{_NONCHARACTERS}"

PATTERN: Final = rf"\A[^\s{_FORBIDDEN}][^{_FORBIDDEN}]*\Z"
"""A regular expression of Python for identifiers of any length."""

_FORBIDDEN_CHARACTER: Final = re.compile(f"[{_FORBIDDEN}]")


def problem_of(identifier: str) -> str | None:
    """Return what is expected of a text that is no identifier; None for one that is."""
    if not identifier or len(identifier) > LONGEST_IDENTIFIER:
        return f"1 to {LONGEST_IDENTIFIER} characters"
    if identifier[0].isspace():
        return "no space at its start"
    return forbidden_character(identifier)


def forbidden_character(text: str) -> str | None:
    """Return the expectation that the first forbidden character of a text does not meet; None without one."""
    found = _FORBIDDEN_CHARACTER.search(text)
    if found is None:
        return None
    if found[0] in "+/#":
        return f"no {found[0]!r}, which has a meaning in MQTT topics"
    return f"no character U+{ord(found[0]):04X}, which MQTT brokers refuse"


def checked_identifier(text: str) -> str:
    """Return an identifier itself.

    Raises:
        ValueError: it is none; the text says what is expected.
    """
    problem = problem_of(text)
    if problem is not None:
        raise ValueError(f"expected an identifier with {problem}")
    return text
