"""Logging in, and identifying the sender of a request. Lifetimes are counted in wall time."""

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from cloud.access.model import Principal, secret_digest
from cloud.access.store import AccessStore, StoredUser
from cloud.access.throttle import HashingQueue, LoginThrottle

log = structlog.get_logger(__name__)

_FAILURES_OF_A_NAME = 10  # in a minute: a person who mistypes stays below, a list of passwords takes days
_FAILURES_OF_AN_ADDRESS = 50  # a whole office may share one


@dataclass(frozen=True, slots=True)
class Login:
    """A new session: the cookie's secret and its owner."""

    secret: str
    principal: Principal


class TooManyLoginsError(Exception):
    """Too many failed logins, or too many at once; try again after `wait_s` whole seconds."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, math.ceil(wait_s))
        super().__init__(f"too many logins; try again in {self.wait_s} s")


class AccessService:
    """Opens and ends sessions, and identifies the senders of requests."""

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
        """Open a session for the user of that name and password; None for anyone else, after the same time.

        Raises:
            TooManyLoginsError: this name or address failed too often, or too many logins are waiting.
        """
        with self._queue.place() as admitted:
            if not admitted:
                raise TooManyLoginsError(1)
            if wait_s := max(self._by_name.wait_s(username), self._by_address.wait_s(address)):
                raise TooManyLoginsError(wait_s)
            user = self._store.user(username)
            matches = self._matches(user, password)
            if user is None or not matches:
                self._by_name.failed(username)
                self._by_address.failed(address)
                log.warning("login_refused", username=username[:64], address=address)
                return None
        return self._open(user.principal)

    def login_with_token(self, token: str, *, from_link: bool) -> Login | None:
        """Open a session for the holder of an unused one-time login or of an API token; None for others.

        API tokens don't belong in links: a token `from_link` can only be a one-time login.
        """
        digest, now_ms = secret_digest(token), self._now_ms()
        principal = self._store.take_one_time_login(digest, now_ms)
        if principal is None and not from_link:
            principal = self._store.token(digest, now_ms)
        return self._open(principal) if principal else None

    def logout(self, secret: str) -> None:
        """End the session of a cookie."""
        self._store.remove_session(secret_digest(secret))

    def of_session(self, secret: str) -> Principal | None:
        """Return whose session the cookie holds; None when it has ended."""
        return self._store.session(secret_digest(secret), self._now_ms())

    def of_bearer(self, secret: str) -> Principal | None:
        """Return whose API token this is; None when it is unknown or has expired."""
        return self._store.token(secret_digest(secret), self._now_ms())

    def _open(self, principal: Principal) -> Login:
        secret = secrets.token_urlsafe(32)
        now_ms = self._now_ms()
        expires_ms = now_ms + self._session_lifetime // timedelta(milliseconds=1)
        self._store.add_session(secret_digest(secret), principal.name, expires_ms, now_ms)
        return Login(secret, principal)

    def _now_ms(self) -> int:
        return int(self._wall() * 1000)

    def _matches(self, user: StoredUser | None, password: str) -> bool:
        # An unknown name must take as long as a wrong password, or names could be found by timing.
        if not self._decoy:
            self._decoy = self._hasher.hash(secrets.token_urlsafe(32))
        stored = user.password_hash if user else None
        try:
            return self._hasher.verify(stored or self._decoy, password) and stored is not None
        except (VerifyMismatchError, InvalidHashError):
            return False
