"""Who sent a request, and whether they may: dependencies for routes."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from cloud.access.model import Principal, Role
from cloud.http.problems import ProblemError
from cloud.services import ServicesOf

SESSION_COOKIE = "lentera_session"

_bearer = HTTPBearer(auto_error=False, description="An API token")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="A browser's session")

BearerToken = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
SessionSecret = Annotated[str | None, Depends(_cookie)]


def recognised(services: ServicesOf, bearer: BearerToken, session: SessionSecret) -> Principal | None:
    """Whoever sent the request, as the store knows them now; None when they can't be believed."""
    if bearer is not None:
        return services.access.of_bearer(bearer.credentials)
    return None if session is None else services.access.of_session(session)


def current_principal(services: ServicesOf, bearer: BearerToken, session: SessionSecret) -> Principal:
    """Whoever sent the request; 401 when they don't say or can't be believed."""
    found = recognised(services, bearer, session)
    if found is None:
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            "expected a session cookie or a bearer token that is known and has not expired",
        )
    return found


Caller = Annotated[Principal, Depends(current_principal)]


def role(needed: Role) -> Callable[[Principal], Principal]:
    """A dependency that lets only those pass who may act as `needed`; 403 for others."""

    def check(caller: Caller) -> Principal:
        if not caller.role.may_act_as(needed):
            raise ProblemError(
                HTTPStatus.FORBIDDEN, f"{caller.name} is {caller.role}, expected {needed} or more"
            )
        return caller

    return check


Operator = Annotated[Principal, Depends(role(Role.OPERATOR))]
