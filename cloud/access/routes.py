"""Logging in and out over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field, model_validator
from starlette.responses import RedirectResponse, Response

from cloud.access.dependencies import SESSION_COOKIE, RequirePrincipal, SessionSecret
from cloud.access.model import Principal
from cloud.access.service import AccessService, Login, TooManyLoginsError
from cloud.access.views import SessionView
from cloud.config import CloudConfig
from cloud.http.parameters import Text
from cloud.http.problems import ProblemError, problem_response
from cloud.http.responses import answers, json_response
from runtime.net import is_loopback


class Credentials(BaseModel, extra="forbid"):
    """A username with its password, or a token."""

    username: Text | None = Field(default=None, max_length=64)
    password: str | None = Field(default=None, max_length=1024)
    token: str | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _one_way_in(self) -> "Credentials":
        with_password = self.username is not None and self.password is not None
        if with_password == (self.token is not None):
            raise ValueError("expected username and password, or token")
        return self


def router(access: AccessService, config: CloudConfig, caller: RequirePrincipal) -> APIRouter:
    """Return the routes of the session, for programs and the map; `caller` identifies the sender."""
    routes = APIRouter(tags=["access"])

    @routes.post("/session", responses=answers(SessionView, "Logged in, with a session cookie", 422, 429))
    def log_in(request: Request, credentials: Credentials) -> Response:
        """Log in with username and password, or with a one-time token."""
        if credentials.token is not None:
            login = access.login_with_token(credentials.token, from_link=False)
        else:
            address = request.client.host if request.client else ""
            try:
                login = access.login_with_password(
                    credentials.username or "", credentials.password or "", address
                )
            except TooManyLoginsError as error:
                headers = {"Retry-After": str(error.wait_s)}
                raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers=headers) from error
        if login is None:
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED, "expected a known username with its password, or an unused token"
            )
        answer = json_response(SessionView(username=login.principal.name, role=login.principal.role))
        _set_cookie(answer, login, config, request)
        return answer

    @routes.get("/session", responses=answers(SessionView, "The user"))
    def get_session(principal: Annotated[Principal, Depends(caller)]) -> Response:
        """Return the user who sends this request."""
        return json_response(SessionView(username=principal.name, role=principal.role))

    @routes.delete("/session", status_code=204, responses={204: {"description": "Logged out"}})
    def log_out(secret: SessionSecret) -> Response:
        """End the session of the cookie."""
        if secret is not None:
            access.logout(secret)
        answer = Response(status_code=204)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    return routes


def login_router(access: AccessService, config: CloudConfig) -> APIRouter:
    """Return the route that one-time login links lead to."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login")
    def log_in_by_link(
        request: Request, secret: SessionSecret, token: Annotated[str, Query(max_length=200)] = ""
    ) -> Response:
        """Log in with a one-time token and go to the map; go there at once with a session."""
        login = access.login_with_token(token, from_link=True) if token else None
        if login is None and (not token or (secret and access.of_session(secret))):
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        if login is None:
            return problem_response(
                HTTPStatus.UNAUTHORIZED, "this login link was used or has expired; ask for a new one"
            )
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        _set_cookie(answer, login, config, request)
        return answer

    return routes


def _set_cookie(answer: Response, login: Login, config: CloudConfig, request: Request) -> None:
    # By default over TLS only, unless the browser is on this machine.
    secure = config.cookie_secure
    if secure is None:
        secure = request.url.scheme == "https" or not is_loopback(request.url.hostname or "")
    answer.set_cookie(
        SESSION_COOKIE,
        login.secret,
        max_age=int(config.session_lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )
