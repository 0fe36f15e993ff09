"""Who may do what. Pure."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

MIN_PASSWORD_LENGTH = 10
_USERNAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._@-]{0,63}")


class Role(StrEnum):
    """What a user may do; each role includes the roles before it."""

    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # commands lamps, acknowledges alarms
    ADMIN = "admin"  # manages inventory, users and tokens

    def may_act_as(self, needed: "Role") -> bool:
        """Return whether this role includes `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Principal:
    """The sender of a request."""

    name: str
    role: Role


class AccessError(ValueError):
    """A user or token that can't be created; names the field and what was expected."""


def role_named(name: str) -> Role:
    """Return the role of that name.

    Raises:
        AccessError: there is no such role.
    """
    try:
        return Role(name)
    except ValueError as error:
        raise AccessError(f"role: {name!r}, expected one of {', '.join(Role)}") from error


def check_username(username: str) -> None:
    """Check that a name can be a username.

    Raises:
        AccessError: it is too long, empty, or has other characters than are allowed.
    """
    if not _USERNAME.fullmatch(username):
        raise AccessError(f"username: {username!r}, expected 1 to 64 letters, digits or . _ @ -")


def check_password(username: str, password: str) -> None:
    """Check that a password is not too easily guessed.

    Raises:
        AccessError: it is; the message never repeats it.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise AccessError(f"password: {len(password)} characters, expected at least {MIN_PASSWORD_LENGTH}")
    if password.lower() == username.lower() or len(set(password)) < 4:
        raise AccessError(
            "password: too easily guessed, expected other than the username, 4 different characters"
        )


def secret_digest(secret: str) -> str:
    """Return what is stored of a token. Tokens are 256 random bits, so a plain hash can't be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()
