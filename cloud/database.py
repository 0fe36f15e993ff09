"""The relational store: base of all models, engines for SQLite and PostgreSQL, transactions, upserts.

Instants are stored as `BigInteger` Unix milliseconds in UTC, in columns named `*_ms`.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

Row = Mapping[str, Any]

_UPGRADE_LOCK = 7_561_401  # any number, the same in every process: serialises replicas that start together
_SQLITE_BUSY_MS = 10_000
_BEGIN_OPTION = "sqlite_begin"


class Base(DeclarativeBase):
    """The base of all tables; constraints get names, so that migrations can refer to them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UnsupportedDatabaseError(ValueError):
    """A database URL that is neither SQLite nor PostgreSQL."""


def create_engine(url: str) -> sa.Engine:
    """Return an engine for `sqlite:///path` or `postgresql://…`; it connects at first use.

    Raises:
        UnsupportedDatabaseError: the URL names another kind of database.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed)
    if parsed.get_backend_name() == "postgresql":
        driver = parsed.set(drivername="postgresql+psycopg")
        return sa.create_engine(driver, pool_size=10, max_overflow=10, pool_pre_ping=True)
    raise UnsupportedDatabaseError(
        f"database_url: {parsed.get_backend_name()!r}, expected sqlite or postgresql"
    )


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that writes, committed at the end and rolled back on an exception.

    SQLite takes the write lock at once, so that a statement can't fail later as busy.

    Raises:
        OperationalError: the database is unreachable, or SQLite's lock was not free for 10 s.
    """
    with engine.execution_options(**{_BEGIN_OPTION: "IMMEDIATE"}).begin() as connection:
        yield connection


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert `rows`, all with the same keys; where the primary key exists, replace the other columns."""
    if not rows:
        return
    insert = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    updates = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    if not updates:
        connection.execute(insert.on_conflict_do_nothing(), list(rows))
        return
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=updates), list(rows))


def insert_new(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert `rows`, all with the same keys; a row that breaks a unique constraint is left out."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


def upgrade(engine: sa.Engine) -> None:
    """Migrate the schema to the newest revision; replicas that start together wait for one another."""
    config = migration_config()
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def migration_config() -> Config:
    """Return Alembic's configuration; `attributes["connection"]` must be set before use."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def table_of(model: type[Base]) -> sa.Table:
    """Return the table of a model, typed."""
    table = model.__table__
    if not isinstance(table, sa.Table):
        raise TypeError(f"{model.__name__} is mapped to {type(table).__name__}, expected a table")
    return table


def _insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _sqlite_engine(url: URL) -> sa.Engine:
    if url.database in (None, "", ":memory:"):
        engine = sa.create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = sa.create_engine(url, connect_args={"check_same_thread": False})

        @event.listens_for(engine, "do_connect")
        def make_folder(_dialect: object, _record: object, arguments: list[str], _options: object) -> None:
            Path(arguments[0]).parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        kind = connection.get_execution_options().get(_BEGIN_OPTION, "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")

    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN comes too late for reads and DDL; SQLAlchemy's begin event does it instead.
    connection.isolation_level = None
    enter_wal(connection)
    for pragma in (
        f"busy_timeout={_SQLITE_BUSY_MS}",
        "foreign_keys=ON",
        "synchronous=FULL",  # records are acknowledged to gateways after commit: a power cut must not undo it
    ):
        connection.execute(f"PRAGMA {pragma}")


def enter_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, waiting for other connections that do the same.

    SQLite's busy timeout does not cover the change of the journal mode of a new file.
    """
    give_up_s = time.monotonic() + _SQLITE_BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_s:
                raise
            time.sleep(0.01)
        else:
            return
