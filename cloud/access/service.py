"""Making users and tokens, logging in and recognising who sent a request.

How long sessions and tokens last is counted in wall time; `now` is domain time, for the record.
"""

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from cloud.access.model import (
    AccessError,
    Principal,
    check_password,
    check_username,
    role_named,
    secret_digest,
)
from cloud.access.store import AccessStore
from cloud.access.throttle import HashingQueue, LoginThrottle
from protocols.clock import to_unix_ms

log = structlog.get_logger(__name__)

ONE_TIME_LOGIN_LIFETIME = timedelta(hours=1)
TOKEN_LIFETIME = timedelta(days=365)
_FAILURES_OF_A_NAME = 10  # in a minute: a person who mistypes stays below, a list of passwords takes days
_FAILURES_OF_AN_ADDRESS = 50  # a whole office may share one


@dataclass(frozen=True, slots=True)
class Login:
    """A new session: the cookie's secret and whose it is."""

    secret: str
    principal: Principal


def create_user(engine: sa.Engine, username: str, *, password: str | None, role: str, now: datetime) -> None:
    """Store a user; without a password only tokens and one-time logins let them in. Raises AccessError."""
    check_username(username)
    if password is not None:
        check_password(username, password)
    hashed = None if password is None else PasswordHasher().hash(password)
    if not AccessStore(engine).add_user(username, role_named(role), hashed, to_unix_ms(now)):
        raise AccessError(f"username: {username!r} is taken, expected a new one")


def create_token(
    engine: sa.Engine, username: str, *, now: datetime, lifetime: timedelta = TOKEN_LIFETIME
) -> str:
    """A new API token of a user, who must exist; it can't be shown again. Raises AccessError."""
    store = _store_that_knows(engine, username)
    secret = secrets.token_urlsafe(32)
    expires_ms = _now_ms(time.time) + _milliseconds(lifetime)
    store.add_token(secret_digest(secret), username, to_unix_ms(now), expires_ms)
    return secret


def create_one_time_login(
    engine: sa.Engine, username: str, *, now: datetime, lifetime: timedelta = ONE_TIME_LOGIN_LIFETIME
) -> str:
    """The token of a link `/login?token=…` that logs an existing user in once. Raises AccessError."""
    store = _store_that_knows(engine, username)
    secret = secrets.token_urlsafe(32)
    expires_ms = _now_ms(time.time) + _milliseconds(lifetime)
    store.add_one_time_login(secret_digest(secret), username, to_unix_ms(now), expires_ms)
    return secret


class TooManyLoginsError(Exception):
    """Too many failed logins, or too many at once; try again after `wait_s` whole seconds."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, math.ceil(wait_s))
        super().__init__(f"too many logins; try again in {self.wait_s} s")


class AccessService:
    """Logging in and recognising who sent a request."""

    def __init__(
        self, store: AccessStore, session_lifetime: timedelta, wall: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._session_lifetime = session_lifetime
        self._wall = wall
        self._by_name = LoginThrottle(time.monotonic, _FAILURES_OF_A_NAME)
        self._by_address = LoginThrottle(time.monotonic, _FAILURES_OF_AN_ADDRESS)
        self._queue = HashingQueue()
        self._hasher = PasswordHasher()
        self._decoy = ""

    def login_with_password(self, username: str, password: str, address: str) -> Login | None:
        """A session for the user of that name and password; None for anyone else, after the same time.

        Raises TooManyLoginsError.
        """
        with self._queue.place() as mine:
            if not mine:
                raise TooManyLoginsError(1)
            if wait_s := max(self._by_name.wait_s(username), self._by_address.wait_s(address)):
                raise TooManyLoginsError(wait_s)
            user = self._store.user(username)
            stored = user.password_hash if user else None
            matches = self._matches(stored or self._decoy_hash(), password)
            if user is None or stored is None or not matches:
                self._by_name.failed(username)
                self._by_address.failed(address)
                log.warning("login refused", username=username[:64], address=address)
                return None
        return self._open(user.principal)

    def login_with_token(self, token: str) -> Login | None:
        """A session for the holder of an unused one-time login or of an API token."""
        digest, now_ms = secret_digest(token), _now_ms(self._wall)
        principal = self._store.take_one_time_login(digest, now_ms) or self._store.token(digest, now_ms)
        return self._open(principal) if principal else None

    def login_once(self, token: str) -> Login | None:
        """A session for the holder of an unused one-time login; an API token has no place in a link."""
        principal = self._store.take_one_time_login(secret_digest(token), _now_ms(self._wall))
        return self._open(principal) if principal else None

    def logout(self, secret: str) -> None:
        """End the session of a cookie."""
        self._store.remove_session(secret_digest(secret))

    def of_session(self, secret: str) -> Principal | None:
        """Who the session cookie stands for."""
        return self._store.session(secret_digest(secret), _now_ms(self._wall))

    def of_bearer(self, secret: str) -> Principal | None:
        """Who the bearer token stands for."""
        return self._store.token(secret_digest(secret), _now_ms(self._wall))

    def _open(self, principal: Principal) -> Login:
        secret = secrets.token_urlsafe(32)
        now_ms = _now_ms(self._wall)
        expires_ms = now_ms + _milliseconds(self._session_lifetime)
        self._store.add_session(secret_digest(secret), principal.name, expires_ms, now_ms)
        return Login(secret, principal)

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    def _decoy_hash(self) -> str:
        # An unknown name must take as long as a wrong password, or names could be found out by the clock.
        if not self._decoy:
            self._decoy = self._hasher.hash(secrets.token_urlsafe(32))
        return self._decoy


def _store_that_knows(engine: sa.Engine, username: str) -> AccessStore:
    store = AccessStore(engine)
    if store.user(username) is None:
        raise AccessError(f"username: there is no user {username!r}, expected an existing one")
    return store


def _now_ms(wall: Callable[[], float]) -> int:
    return int(wall() * 1000)


def _milliseconds(lifetime: timedelta) -> int:
    return lifetime // timedelta(milliseconds=1)
