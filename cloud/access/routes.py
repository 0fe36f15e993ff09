"""Logging in and out over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, model_validator
from starlette.responses import RedirectResponse, Response

from cloud.access.dependencies import SESSION_COOKIE, Caller, SessionSecret
from cloud.access.model import Principal, SessionView
from cloud.access.service import Login, TooManyLoginsError
from cloud.config import CloudConfig
from cloud.http.parameters import Text
from cloud.http.problems import ProblemError, problem_response
from cloud.http.responses import answers, json_response
from cloud.services import Services, ServicesOf
from runtime.net import is_loopback

router = APIRouter(tags=["access"])
login_router = APIRouter(include_in_schema=False)


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


@router.post("/session", responses=answers(SessionView, "Logged in; the session is in a cookie", 422, 429))
def log_in(request: Request, credentials: Credentials, services: ServicesOf) -> Response:
    """Log in with username and password, or with a one-time token."""
    if credentials.token is not None:
        login = services.access.login_with_token(credentials.token)
    else:
        login = _with_password(services, credentials, request.client.host if request.client else "")
    if login is None:
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED, "expected a known username with its password, or an unused token"
        )
    answer = json_response(_view(login.principal))
    _set_cookie(answer, login, services, request)
    return answer


@router.get("/session", responses=answers(SessionView, "Who is logged in"))
def who_am_i(caller: Caller) -> Response:
    """Who sent this request."""
    return json_response(_view(caller))


@router.delete("/session", status_code=204, responses={204: {"description": "Logged out"}})
def log_out(services: ServicesOf, secret: SessionSecret) -> Response:
    """End the session of the cookie."""
    if secret is not None:
        services.access.logout(secret)
    answer = Response(status_code=204)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@login_router.get("/login")
def log_in_by_link(
    request: Request,
    services: ServicesOf,
    secret: SessionSecret,
    token: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Log in with a one-time token and go to the map; whoever is logged in already just goes there."""
    login = services.access.login_once(token) if token else None
    if login is None and (not token or (secret and services.access.of_session(secret))):
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    if login is None:
        return problem_response(
            HTTPStatus.UNAUTHORIZED, "this login link was used or is too old; ask for a new one"
        )
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
    _set_cookie(answer, login, services, request)
    return answer


def _with_password(services: Services, given: Credentials, address: str) -> Login | None:
    try:
        return services.access.login_with_password(given.username or "", given.password or "", address)
    except TooManyLoginsError as error:
        headers = {"Retry-After": str(error.wait_s)}
        raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers=headers) from error


def _view(principal: Principal) -> SessionView:
    return SessionView(principal.name, principal.role)


def _set_cookie(answer: Response, login: Login, services: Services, request: Request) -> None:
    config = services.config
    answer.set_cookie(
        SESSION_COOKIE,
        login.secret,
        max_age=int(config.session_lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=_is_secure(request, config),
    )


def _is_secure(request: Request, config: CloudConfig) -> bool:
    """Whether the cookie may travel over TLS only: as set, else unless the browser is on this machine."""
    if config.cookie_secure is not None:
        return config.cookie_secure
    return request.url.scheme == "https" or not is_loopback(request.url.hostname or "")
