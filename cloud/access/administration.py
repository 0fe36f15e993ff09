"""Users, API tokens and one-time logins as administrators manage them.

Lifetimes are counted in wall time; `now` is domain time, for the record.
"""

import secrets
import time
from datetime import datetime, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher

from cloud.access.model import AccessError, check_password, check_username, role_named, secret_digest
from cloud.access.store import AccessStore, UserEntry
from protocols.clock import to_unix_ms

ONE_TIME_LOGIN_LIFETIME = timedelta(hours=1)
TOKEN_LIFETIME = timedelta(days=365)


def create_user(engine: sa.Engine, username: str, *, password: str | None, role: str, now: datetime) -> None:
    """Create a user; without a password only tokens and one-time logins let them in.

    Raises:
        AccessError: name, password or role can't be accepted, or the name is taken.
    """
    check_username(username)
    hashed = None
    if password is not None:
        check_password(username, password)
        hashed = PasswordHasher().hash(password)
    if not AccessStore(engine).add_user(username, role_named(role), hashed, to_unix_ms(now)):
        raise AccessError(f"username: {username!r} is taken, expected a new one")


def create_token(
    engine: sa.Engine, username: str, *, now: datetime, lifetime: timedelta = TOKEN_LIFETIME
) -> str:
    """Create an API token of an existing user; it can't be shown again.

    Raises:
        AccessError: there is no such user.
    """
    store, secret = _store_with(engine, username), secrets.token_urlsafe(32)
    expires_ms = int((time.time() + lifetime.total_seconds()) * 1000)
    store.add_token(secret_digest(secret), username, to_unix_ms(now), expires_ms)
    return secret


def create_one_time_login(
    engine: sa.Engine, username: str, *, now: datetime, lifetime: timedelta = ONE_TIME_LOGIN_LIFETIME
) -> str:
    """Create the token of a link `/login?token=…` that logs an existing user in once.

    Raises:
        AccessError: there is no such user.
    """
    store, secret = _store_with(engine, username), secrets.token_urlsafe(32)
    expires_ms = int((time.time() + lifetime.total_seconds()) * 1000)
    store.add_one_time_login(secret_digest(secret), username, to_unix_ms(now), expires_ms)
    return secret


def list_users(engine: sa.Engine) -> list[UserEntry]:
    """Return every user by name."""
    return AccessStore(engine).users(int(time.time() * 1000))


def remove_user(engine: sa.Engine, username: str) -> None:
    """Remove a user with their sessions and tokens.

    Raises:
        AccessError: there is no such user.
    """
    if not AccessStore(engine).remove_user(username):
        raise _unknown(username)


def set_password(engine: sa.Engine, username: str, password: str) -> None:
    """Change a user's password and end their sessions.

    Raises:
        AccessError: there is no such user, or the password is too easily guessed.
    """
    check_password(username, password)
    if not AccessStore(engine).set_password(username, PasswordHasher().hash(password)):
        raise _unknown(username)


def revoke_tokens(engine: sa.Engine, username: str) -> int:
    """Revoke every API token of a user; return how many there were.

    Raises:
        AccessError: there is no such user.
    """
    return _store_with(engine, username).remove_tokens(username)


def revoke_token(engine: sa.Engine, token: str) -> None:
    """Revoke one API token.

    Raises:
        AccessError: there is no such token; the message does not repeat it.
    """
    if not AccessStore(engine).remove_token(secret_digest(token)):
        raise AccessError("token: not known here, expected one that `create-token` printed")


def _store_with(engine: sa.Engine, username: str) -> AccessStore:
    store = AccessStore(engine)
    if store.user(username) is None:
        raise _unknown(username)
    return store


def _unknown(username: str) -> AccessError:
    return AccessError(f"username: there is no user {username!r}, expected an existing one")
