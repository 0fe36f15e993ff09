"""Readings in a SQLite file of their own: the store that needs no server."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from operator import attrgetter
from pathlib import Path

from cloud.database import enter_wal
from cloud.telemetry.store import (
    Point,
    Series,
    SeriesQuery,
    StoreRejected,
    StoreUnavailable,
    Window,
    interval_ms,
    is_averaged,
    typed_value,
    window,
)
from protocols.cabinet import DeviceReading
from protocols.clock import to_unix_ms
from protocols.device_kinds import CABINETS, LAMPS, DeviceKind, kind_of
from protocols.metrics import Metric


@dataclass(frozen=True, slots=True)
class _Table:
    """The tables of one kind of device, and the statements on them."""

    kind: DeviceKind
    devices: str
    readings: str

    @property
    def schema(self) -> str:
        """The statements that create the tables."""
        device, fields = self.kind.name, ", ".join(metric.field for metric in self.kind.metrics)
        return f"""
            CREATE TABLE IF NOT EXISTS {self.devices} (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
            CREATE TABLE IF NOT EXISTS {self.readings} (
                {device} INTEGER NOT NULL, time_ms INTEGER NOT NULL, {fields}, PRIMARY KEY ({device}, time_ms)
            ) WITHOUT ROWID;
        """

    @property
    def insert(self) -> str:
        """The statement that stores a reading: key, time and the fields in the order of the catalogue."""
        fields = [metric.field for metric in self.kind.metrics]
        return (
            f"INSERT OR IGNORE INTO {self.readings} ({self.kind.name}, time_ms, {', '.join(fields)}) "  # noqa: S608 - names of the catalogue
            f"VALUES ({', '.join('?' * (len(fields) + 2))})"
        )

    @property
    def within(self) -> str:
        """The condition for the readings of a device in a window."""
        key = f"(SELECT key FROM {self.devices} WHERE id = ?)"  # noqa: S608
        return f"{self.kind.name} = {key} AND time_ms >= ? AND time_ms < ?"


_TABLES = {
    LAMPS: _Table(LAMPS, "lamps", "readings"),
    CABINETS: _Table(CABINETS, "cabinets", "cabinet_readings"),
}
_INSERTS = {kind: table.insert for kind, table in _TABLES.items()}
_VALUES = {kind: attrgetter(*(metric.field for metric in kind.metrics)) for kind in _TABLES}
_BUSY_S = 10.0
_REJECTIONS = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError, sqlite3.ProgrammingError)


class SqliteTelemetry:
    """A TelemetryStore in one file; many processes may read while one writes."""

    def __init__(self, path: Path, writer: sqlite3.Connection) -> None:
        self._path = path
        self._writer = writer
        self._writing = threading.Lock()
        self._keys: dict[DeviceKind, dict[str, int]] = {kind: {} for kind in _TABLES}

    @classmethod
    def open(cls, path: Path) -> "SqliteTelemetry":
        """Open the file, creating it and its folder where they are missing."""
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            enter_wal(writer)
            writer.execute("PRAGMA synchronous=FULL")  # acknowledged means: survives a power cut
            for table in _TABLES.values():
                writer.executescript(table.schema)
                _add_fields(writer, table)
        return cls(path, writer)

    def write(self, readings: Sequence[DeviceReading]) -> None:
        """Store readings in one transaction."""
        by_kind: dict[DeviceKind, list[DeviceReading]] = defaultdict(list)
        for reading in readings:
            by_kind[kind_of(reading)].append(reading)
        known: dict[DeviceKind, dict[str, int]] = {}
        with self._writing, _translated(self._path), _transaction(self._writer):
            for kind, chosen in by_kind.items():
                keys = known[kind] = self._keys_of(kind, {reading.device_id for reading in chosen})
                self._writer.executemany(_INSERTS[kind], _rows(kind, keys, chosen))
        for kind, keys in known.items():
            self._keys[kind] = keys if len(keys) > len(self._keys[kind]) else self._keys[kind]

    def series(self, query: SeriesQuery) -> list[Series]:
        """Return the attributes over time, downsampled to `query.max_points`."""
        metrics, table = query.metrics(), _TABLES[query.kind]
        chosen = _DeviceWindow(query.device_id, window(query.start, query.end))
        with self._reading() as connection:
            width = interval_ms(_count(connection, table, chosen), chosen.span, query.max_points)
            return [
                Series(metric.attribute, metric.unit, _points(connection, table, metric, chosen, width))
                for metric in metrics
            ]

    def count(
        self, device_ids: Sequence[str], start: datetime, end: datetime, *, kind: DeviceKind = LAMPS
    ) -> int:
        """Return how many readings of these devices there are."""
        span = window(start, end)
        with self._reading() as connection:
            return sum(_count(connection, _TABLES[kind], _DeviceWindow(each, span)) for each in device_ids)

    def times(self, device_id: str, start: datetime, end: datetime, *, kind: DeviceKind = LAMPS) -> list[int]:
        """Return the Unix milliseconds of the device's readings, oldest first."""
        table, chosen = _TABLES[kind], _DeviceWindow(device_id, window(start, end))
        query = f"SELECT time_ms FROM {table.readings} WHERE {table.within} ORDER BY time_ms"  # noqa: S608
        with self._reading() as connection:
            return [time_ms for (time_ms,) in connection.execute(query, chosen.parameters)]

    def close(self) -> None:
        """Close the file."""
        with self._writing:
            self._writer.close()

    def _keys_of(self, kind: DeviceKind, device_ids: set[str]) -> dict[str, int]:
        """Return all known keys of a kind and those of `device_ids`, created where they are new."""
        devices, known = _TABLES[kind].devices, self._keys[kind]
        new = [device_id for device_id in device_ids if device_id not in known]
        if not new:
            return known
        insert = f"INSERT OR IGNORE INTO {devices} (id) VALUES (?)"  # noqa: S608
        self._writer.executemany(insert, [(device_id,) for device_id in new])
        return dict(self._writer.execute(f"SELECT id, key FROM {devices}"))  # noqa: S608

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with _translated(self._path):
            connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
            with closing(connection):
                connection.execute("BEGIN")  # all queries of a call see the same readings
                yield connection


def _add_fields(writer: sqlite3.Connection, table: _Table) -> None:
    """Add to an older file the columns that the catalogue has gained since."""
    fields = [metric.field for metric in table.kind.metrics]
    columns = f"PRAGMA table_info({table.readings})"
    if {name for _, name, *_ in writer.execute(columns)}.issuperset(fields):
        return  # the usual case, without the write lock, which the ingester may hold
    with _transaction(writer):  # another process may have added them meanwhile
        present = {name for _, name, *_ in writer.execute(columns)}
        for field in fields:
            if field not in present:
                writer.execute(f"ALTER TABLE {table.readings} ADD COLUMN {field}")


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


@dataclass(frozen=True, slots=True)
class _DeviceWindow:
    """A device and a window of time."""

    device_id: str
    span: Window

    @property
    def parameters(self) -> tuple[str, int, int]:
        """The values of the placeholders in a table's `within`."""
        return self.device_id, self.span.start_ms, self.span.end_ms


def _rows(
    kind: DeviceKind, keys: Mapping[str, int], readings: Iterable[DeviceReading]
) -> list[tuple[object, ...]]:
    values_of = _VALUES[kind]
    rows: list[tuple[object, ...]] = []
    for reading in readings:
        values = values_of(reading)
        if any(isinstance(value, float) and not isfinite(value) for value in values):
            # Charts and JSON have no NaN and no infinity: such a value was not measured.
            values = tuple(
                None if isinstance(each, float) and not isfinite(each) else each for each in values
            )
        rows.append((keys[reading.device_id], to_unix_ms(reading.time), *values))
    return rows


def _count(connection: sqlite3.Connection, table: _Table, chosen: _DeviceWindow) -> int:
    query = f"SELECT count(*) FROM {table.readings} WHERE {table.within}"  # noqa: S608
    count: int = connection.execute(query, chosen.parameters).fetchone()[0]
    return count


def _points(
    connection: sqlite3.Connection, table: _Table, metric: Metric, chosen: _DeviceWindow, width_ms: int | None
) -> list[Point]:
    condition = f"{table.within} AND {metric.field} IS NOT NULL"
    if width_ms is None:
        query = f"SELECT time_ms, {metric.field} FROM {table.readings} WHERE {condition} ORDER BY 1"  # noqa: S608
    else:
        # With max() SQLite takes the other columns from the row that has the maximum: the last value.
        value = f"avg({metric.field})" if is_averaged(metric) else metric.field
        query = (
            f"SELECT time_ms / {width_ms} * {width_ms}, {value}, max(time_ms) "  # noqa: S608
            f"FROM {table.readings} WHERE {condition} GROUP BY 1 ORDER BY 1"
        )
    rows = connection.execute(query, chosen.parameters)
    return [(max(row[0], chosen.span.start_ms), typed_value(metric, row[1])) for row in rows]
