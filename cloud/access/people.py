"""Looking after users and tokens that exist: what `lentera admin` does."""

import time

import sqlalchemy as sa
from argon2 import PasswordHasher

from cloud.access.model import AccessError, check_password, secret_digest
from cloud.access.store import AccessStore, UserEntry

_MS = 1000


def list_users(engine: sa.Engine) -> list[UserEntry]:
    """Every user by name."""
    return AccessStore(engine).users(int(time.time() * _MS))


def remove_user(engine: sa.Engine, username: str) -> None:
    """Remove a user with their sessions and tokens. Raises AccessError."""
    if not AccessStore(engine).remove_user(username):
        raise _unknown(username)


def set_password(engine: sa.Engine, username: str, password: str) -> None:
    """Change a user's password; whoever is logged in as them is logged out. Raises AccessError."""
    check_password(username, password)
    if not AccessStore(engine).set_password(username, PasswordHasher().hash(password)):
        raise _unknown(username)


def revoke_tokens(engine: sa.Engine, username: str) -> int:
    """End every API token of a user; how many there were. Raises AccessError."""
    store = AccessStore(engine)
    if store.user(username) is None:
        raise _unknown(username)
    return store.remove_tokens(username)


def revoke_token(engine: sa.Engine, token: str) -> None:
    """End one API token. Raises AccessError, which does not repeat the token."""
    if not AccessStore(engine).remove_token(secret_digest(token)):
        raise AccessError("token: not known here, expected one that `create-token` printed")


def _unknown(username: str) -> AccessError:
    return AccessError(f"username: there is no user {username!r}, expected an existing one")
