"""Readings in a SQLite file of their own: the store that needs no server."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from math import isfinite
from operator import attrgetter
from pathlib import Path

from cloud.telemetry.store import (
    Point,
    Series,
    StoreRejected,
    StoreUnavailable,
    Value,
    Window,
    interval_ms,
    is_averaged,
    metric_of,
    window,
)
from protocols.clock import to_unix_ms
from protocols.lamp import LampReading
from protocols.metrics import LAMP_METRICS, DataType, Metric

_FIELDS = tuple(metric.field for metric in LAMP_METRICS)
_VALUES = attrgetter(*_FIELDS)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS lamps (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS readings (
    lamp INTEGER NOT NULL, time_ms INTEGER NOT NULL, {", ".join(_FIELDS)}, PRIMARY KEY (lamp, time_ms)
) WITHOUT ROWID;
"""
_INSERT = (
    f"INSERT OR IGNORE INTO readings (lamp, time_ms, {', '.join(_FIELDS)}) "  # noqa: S608 - names of the catalogue
    f"VALUES ({', '.join('?' * (len(_FIELDS) + 2))})"
)
_WITHIN = "lamp = (SELECT key FROM lamps WHERE id = ?) AND time_ms >= ? AND time_ms < ?"
_BUSY_S = 10.0
_REJECTIONS = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError, sqlite3.ProgrammingError)


class SqliteTelemetry:
    """A TelemetryStore in one file; many processes may read while one writes."""

    def __init__(self, path: Path, writer: sqlite3.Connection) -> None:
        self._path = path
        self._writer = writer
        self._writing = threading.Lock()
        self._keys: dict[str, int] = {}

    @classmethod
    def open(cls, path: Path) -> "SqliteTelemetry":
        """Open the file, creating it and its folder where they are missing."""
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = _connect(path)
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("PRAGMA synchronous=FULL")  # acknowledged means: survives a power cut
            writer.executescript(_SCHEMA)
        return cls(path, writer)

    def write(self, readings: Sequence[LampReading]) -> None:
        """Store readings in one transaction."""
        with self._writing, _translated(self._path), _transaction(self._writer):
            keys = self._keys_of({reading.lamp_id for reading in readings})
            self._writer.executemany(_INSERT, [_row(keys[reading.lamp_id], reading) for reading in readings])
        self._keys = keys if len(keys) > len(self._keys) else self._keys

    def series(
        self, lamp_id: str, attributes: Sequence[str], start: datetime, end: datetime, max_points: int
    ) -> list[Series]:
        """The attributes over time, thinned to `max_points`."""
        metrics = [metric_of(attribute) for attribute in attributes]
        span = window(start, end)
        with self._reading() as connection:
            width = interval_ms(_count(connection, lamp_id, span), span, max_points)
            return [
                Series(metric.attribute, metric.unit, _points(connection, metric, lamp_id, span, width))
                for metric in metrics
            ]

    def count(self, lamp_ids: Sequence[str], start: datetime, end: datetime) -> int:
        """How many readings of these lamps there are."""
        span = window(start, end)
        with self._reading() as connection:
            return sum(_count(connection, lamp_id, span) for lamp_id in lamp_ids)

    def times(self, lamp_id: str, start: datetime, end: datetime) -> list[int]:
        """The Unix milliseconds of the lamp's readings, oldest first."""
        span = window(start, end)
        query = f"SELECT time_ms FROM readings WHERE {_WITHIN} ORDER BY time_ms"  # noqa: S608
        with self._reading() as connection:
            return [time_ms for (time_ms,) in connection.execute(query, _within(lamp_id, span))]

    def close(self) -> None:
        """Close the file."""
        with self._writing:
            self._writer.close()

    def _keys_of(self, lamp_ids: set[str]) -> dict[str, int]:
        """All known keys and those of `lamp_ids`, made where they are new."""
        new = [lamp_id for lamp_id in lamp_ids if lamp_id not in self._keys]
        if not new:
            return self._keys
        self._writer.executemany(
            "INSERT OR IGNORE INTO lamps (id) VALUES (?)", [(lamp_id,) for lamp_id in new]
        )
        return dict(self._writer.execute("SELECT id, key FROM lamps"))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with _translated(self._path), closing(_connect(self._path)) as connection:
            connection.execute("BEGIN")  # all queries of a call see the same readings
            yield connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or rolls back what failed
        yield


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (*_REJECTIONS, OverflowError) as error:
        raise StoreRejected(f"{path}: {error}") from error
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"{path}: {error}") from error


def _row(key: int, reading: LampReading) -> tuple[object, ...]:
    return (key, to_unix_ms(reading.time), *map(_finite, _VALUES(reading)))


def _finite(value: Value | None) -> Value | None:
    return None if isinstance(value, float) and not isfinite(value) else value


def _within(lamp_id: str, span: Window) -> tuple[str, int, int]:
    return lamp_id, span.start_ms, span.end_ms


def _count(connection: sqlite3.Connection, lamp_id: str, span: Window) -> int:
    query = f"SELECT count(*) FROM readings WHERE {_WITHIN}"  # noqa: S608
    count: int = connection.execute(query, _within(lamp_id, span)).fetchone()[0]
    return count


def _points(
    connection: sqlite3.Connection, metric: Metric, lamp_id: str, span: Window, width_ms: int | None
) -> list[Point]:
    condition = f"{_WITHIN} AND {metric.field} IS NOT NULL"
    if width_ms is None:
        query = f"SELECT time_ms, {metric.field} FROM readings WHERE {condition} ORDER BY 1"  # noqa: S608
    else:
        # With max() SQLite takes the other columns from the row that has the maximum: the last value.
        value = f"avg({metric.field})" if is_averaged(metric) else metric.field
        query = (
            f"SELECT time_ms / {width_ms} * {width_ms}, {value}, max(time_ms) "  # noqa: S608
            f"FROM readings WHERE {condition} GROUP BY 1 ORDER BY 1"
        )
    rows = connection.execute(query, _within(lamp_id, span))
    return [(max(row[0], span.start_ms), _typed(metric, row[1])) for row in rows]


def _typed(metric: Metric, stored: int | float | str) -> Value:
    return bool(stored) if metric.datatype is DataType.BOOLEAN else stored
