"""Users, sessions, API tokens and one-time logins. Of secrets only digests are kept.

`created_ms` is domain time, for the record; `expires_ms` is wall time.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.access.model import Principal, Role
from cloud.database import Base, insert_new, table_of, writing


class UserRow(Base):
    """A user; without a password hash only tokens and one-time logins let them in."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    role: Mapped[str] = mapped_column(sa.String(16))
    password_hash: Mapped[str | None] = mapped_column(sa.String(255))
    created_ms: Mapped[int] = mapped_column(sa.BigInteger)


class SessionRow(Base):
    """One browser that is logged in."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    username: Mapped[str] = mapped_column(sa.ForeignKey("users.username", ondelete="CASCADE"), index=True)
    expires_ms: Mapped[int] = mapped_column(sa.BigInteger, index=True)


class ApiTokenRow(Base):
    """A program that may use the API in a user's name."""

    __tablename__ = "api_tokens"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    username: Mapped[str] = mapped_column(sa.ForeignKey("users.username", ondelete="CASCADE"), index=True)
    created_ms: Mapped[int] = mapped_column(sa.BigInteger)
    expires_ms: Mapped[int | None] = mapped_column(sa.BigInteger)


class OneTimeLoginRow(Base):
    """A link that logs a user in once."""

    __tablename__ = "one_time_logins"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    username: Mapped[str] = mapped_column(sa.ForeignKey("users.username", ondelete="CASCADE"), index=True)
    created_ms: Mapped[int] = mapped_column(sa.BigInteger)
    expires_ms: Mapped[int] = mapped_column(sa.BigInteger)


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user with what a password is checked against."""

    principal: Principal
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class UserEntry:
    """A user as a list shows them."""

    principal: Principal
    has_password: bool
    tokens: int


class AccessStore:
    """Users with their sessions, API tokens and one-time logins."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add_user(self, username: str, role: Role, password_hash: str | None, now_ms: int) -> bool:
        """Store a new user; change nothing and return False when the name is taken."""
        row = {"username": username, "role": role.value, "password_hash": password_hash, "created_ms": now_ms}
        with writing(self._engine) as connection:
            taken = connection.scalar(sa.select(UserRow.username).where(UserRow.username == username))
            if taken is None:
                insert_new(connection, table_of(UserRow), [row])
        return taken is None

    def user(self, username: str) -> StoredUser | None:
        """Return the user of that name."""
        query = sa.select(UserRow.username, UserRow.role, UserRow.password_hash).where(
            UserRow.username == username
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return StoredUser(Principal(row.username, Role(row.role)), row.password_hash) if row else None

    def users(self, now_ms: int) -> list[UserEntry]:
        """Return every user by name, with the number of their API tokens that have not expired."""
        lasting = sa.or_(ApiTokenRow.expires_ms.is_(None), ApiTokenRow.expires_ms > now_ms)
        tokens = (
            sa.select(sa.func.count())
            .select_from(ApiTokenRow)
            .where(ApiTokenRow.username == UserRow.username, lasting)
            .scalar_subquery()
        )
        query = sa.select(UserRow.username, UserRow.role, UserRow.password_hash.is_not(None), tokens)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(UserRow.username)).all()
        return [UserEntry(Principal(row[0], Role(row[1])), bool(row[2]), row[3]) for row in rows]

    def remove_user(self, username: str) -> bool:
        """Remove a user with their sessions, tokens and one-time logins; return False for an unknown name."""
        with writing(self._engine) as connection:
            return connection.execute(sa.delete(UserRow).where(UserRow.username == username)).rowcount > 0

    def set_password(self, username: str, password_hash: str) -> bool:
        """Change a user's password, end their sessions and one-time logins; False for an unknown name."""
        changed = sa.update(UserRow).where(UserRow.username == username).values(password_hash=password_hash)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(SessionRow).where(SessionRow.username == username))
            connection.execute(sa.delete(OneTimeLoginRow).where(OneTimeLoginRow.username == username))
            return connection.execute(changed).rowcount > 0

    def remove_tokens(self, username: str) -> int:
        """End every API token of a user; return how many there were."""
        with writing(self._engine) as connection:
            ended = sa.delete(ApiTokenRow).where(ApiTokenRow.username == username)
            return connection.execute(ended).rowcount

    def remove_token(self, digest: str) -> bool:
        """End one API token; return False where it is unknown."""
        with writing(self._engine) as connection:
            return connection.execute(sa.delete(ApiTokenRow).where(ApiTokenRow.digest == digest)).rowcount > 0

    def add_session(self, digest: str, username: str, expires_ms: int, now_ms: int) -> None:
        """Store a session, and delete those that have ended."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(SessionRow).where(SessionRow.expires_ms <= now_ms))
            connection.execute(
                sa.insert(SessionRow).values(digest=digest, username=username, expires_ms=expires_ms)
            )

    def session(self, digest: str, now_ms: int) -> Principal | None:
        """Return the owner of a session; None when it is unknown or has ended."""
        query = (
            sa.select(UserRow.username, UserRow.role)
            .join(SessionRow, SessionRow.username == UserRow.username)
            .where(SessionRow.digest == digest, SessionRow.expires_ms > now_ms)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Principal(row.username, Role(row.role)) if row else None

    def remove_session(self, digest: str) -> None:
        """End a session."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(SessionRow).where(SessionRow.digest == digest))

    def add_token(self, digest: str, username: str, created_ms: int, expires_ms: int | None) -> None:
        """Store an API token of a user."""
        row = {"digest": digest, "username": username, "created_ms": created_ms, "expires_ms": expires_ms}
        with writing(self._engine) as connection:
            connection.execute(sa.insert(ApiTokenRow).values(row))

    def token(self, digest: str, now_ms: int) -> Principal | None:
        """Return the owner of an API token; None when it is unknown or has expired."""
        lasting = sa.or_(ApiTokenRow.expires_ms.is_(None), ApiTokenRow.expires_ms > now_ms)
        query = (
            sa.select(UserRow.username, UserRow.role)
            .join(ApiTokenRow, ApiTokenRow.username == UserRow.username)
            .where(ApiTokenRow.digest == digest, lasting)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Principal(row.username, Role(row.role)) if row else None

    def add_one_time_login(self, digest: str, username: str, created_ms: int, expires_ms: int) -> None:
        """Store a login that works once."""
        row = {"digest": digest, "username": username, "created_ms": created_ms, "expires_ms": expires_ms}
        with writing(self._engine) as connection:
            connection.execute(sa.insert(OneTimeLoginRow).values(row))

    def take_one_time_login(self, digest: str, now_ms: int) -> Principal | None:
        """Use up a login; None when it is unknown, used or too old. Of two who try at once, one gets it."""
        taken = sa.delete(OneTimeLoginRow).where(OneTimeLoginRow.digest == digest)
        with writing(self._engine) as connection:
            row = connection.execute(
                taken.returning(OneTimeLoginRow.username, OneTimeLoginRow.expires_ms)
            ).one_or_none()
            if row is None or row.expires_ms <= now_ms:
                return None
            role = connection.scalar(sa.select(UserRow.role).where(UserRow.username == row.username))
        return Principal(row.username, Role(role)) if role else None
