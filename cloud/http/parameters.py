"""Parameters of requests: texts that every store can hold, numbers and instants within its range."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Request
from fastapi.routing import APIRoute
from pydantic import AfterValidator, AwareDatetime, Field

from cloud.http.problems import invalid

MOST_ID = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


def _printable(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("expected text without control characters")
    return text


def _in_range(instant: datetime) -> datetime:
    if not _FIRST <= instant < _LAST:
        raise ValueError("expected an instant from 1970 to 2999")
    return instant


Text = Annotated[str, AfterValidator(_printable)]
"""One line of text. PostgreSQL holds no NUL, and no id or name has a use for the other control characters."""

Identifier = Annotated[Text, Field(max_length=64)]
"""The id of a lamp, gateway, area or command."""

PathIdentifier = Annotated[Text, Path(max_length=64)]

RowNumber = Annotated[int, Field(ge=1, le=MOST_ID)]
"""A number that the database gave."""

Instant = Annotated[AwareDatetime, AfterValidator(_in_range)]
"""An instant that can be reckoned with in any time zone."""


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not have: a misspelt filter must not mean all.

    Raises:
        ProblemError: 422 with the parameter, its value and the names that the route has.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known: set[str] = set()
    dependants = [route.dependant]
    while dependants:  # a route's dependencies declare query parameters too
        dependant = dependants.pop()
        known.update(field.alias for field in dependant.query_params)
        dependants += dependant.dependencies
    for name, value in request.query_params.multi_items():
        if name not in known:
            names = f"one of {', '.join(sorted(known))}" if known else "no query parameters"
            raise invalid(name, value, names)
