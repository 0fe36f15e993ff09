"""Transient and permanent errors of SQLite, and checks that find a damaged file before it is used."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

TRANSIENT_ERRORS = (sqlite3.OperationalError, OSError)
"""What a disk that is full, absent or read-only raises: it may recover."""

STORAGE_ERRORS = (sqlite3.DatabaseError, UnicodeDecodeError, OSError)
"""Everything a file can raise, damage included."""

_TRANSIENT_CODES: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
_FORMAT_VERSIONS: Final = slice(18, 20)


def is_damage(error: Exception) -> bool:
    """Return whether the file is damaged, which waiting does not change."""
    if isinstance(error, UnicodeDecodeError):  # SQLite's own message quotes the damaged text
        return True
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.ProgrammingError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in _TRANSIENT_CODES


def check_header(path: Path) -> None:
    """Check the format versions of a file's header, where there is a file.

    Raises:
        sqlite3.DatabaseError: SQLite does not support one of them, and would open the file read-only.
    """
    if path.exists():
        with path.open("rb") as file:
            versions = file.read(100)[_FORMAT_VERSIONS]
        if any(each not in (1, 2) for each in versions):
            raise sqlite3.DatabaseError(f"format versions {list(versions)}, expected 1 or 2")


def prepare(connection: sqlite3.Connection, schema: str) -> None:
    """Create the tables of a new file, or check those of an existing one.

    Tables that are not in `schema` are left alone.

    Raises:
        sqlite3.DatabaseError: the file is damaged, or its tables are not those of `schema`.
    """
    with closing(connection.execute("PRAGMA quick_check(1)")) as check:
        (verdict,) = check.fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    with closing(sqlite3.connect(":memory:")) as reference:
        reference.executescript(schema)
        expected = _columns(reference)
    found = {name: columns for name, columns in _columns(connection).items() if name in expected}
    if not found:
        # All or none: after a power failure between two of them the file would seem damaged.
        connection.executescript(f"BEGIN IMMEDIATE; {schema}; COMMIT;")
    elif found != expected:
        # A flipped bit that renames a table or a column passes SQLite's own check.
        raise sqlite3.DatabaseError(f"tables are {found}, expected {expected}")


def _columns(connection: sqlite3.Connection) -> dict[str, list[tuple[str, str, int]]]:
    """Return name, type and place in the primary key of each column, by table."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    columns = "SELECT name, type, pk FROM pragma_table_info(?)"
    return {
        name: connection.execute(columns, (name,)).fetchall()
        for (name,) in connection.execute(tables).fetchall()
    }
