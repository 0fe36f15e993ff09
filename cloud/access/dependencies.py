"""Who sent a request, and whether they may: dependencies for routes."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from cloud.access.model import Principal, Role
from cloud.access.service import AccessService
from cloud.http.problems import ProblemError

SESSION_COOKIE = "lentera_session"

_bearer = HTTPBearer(auto_error=False, description="An API token")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="A browser's session")

BearerToken = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
SessionSecret = Annotated[str | None, Depends(_cookie)]

RequirePrincipal = Callable[..., Principal]
"""A dependency that returns the sender of a request or refuses the request."""


class Authentication:
    """Dependencies that identify the sender of a request and check their role."""

    def __init__(self, access: AccessService) -> None:
        self._access = access

    def identify(self, bearer: BearerToken, session: SessionSecret) -> Principal | None:
        """Return the sender with the role that is stored now; None without valid credentials."""
        if bearer is not None:
            return self._access.of_bearer(bearer.credentials)
        return None if session is None else self._access.of_session(session)

    def require(self, bearer: BearerToken, session: SessionSecret) -> Principal:
        """Return the sender.

        Raises:
            ProblemError: 401 without valid credentials.
        """
        found = self.identify(bearer, session)
        if found is None:
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "expected a session cookie or a bearer token that is known and has not expired",
            )
        return found

    def require_role(self, needed: Role) -> RequirePrincipal:
        """Make a dependency that returns a sender who may act as `needed`, and refuses others with 403."""

        def check(caller: Annotated[Principal, Depends(self.require)]) -> Principal:
            if not caller.role.may_act_as(needed):
                raise ProblemError(
                    HTTPStatus.FORBIDDEN, f"{caller.name} is {caller.role}, expected {needed} or more"
                )
            return caller

        return check
