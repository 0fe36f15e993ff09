"""Lamps with their present state: the inventory joined with readings, alarms and overrides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from cloud.alarms.store import open_alarms
from cloud.commands.model import StoredOverride
from cloud.commands.store import overrides_in_force
from cloud.commands.views import override_view
from cloud.database import table_of
from cloud.inventory.store import LampRow
from cloud.state.store import READING_COLUMNS, LampStateRow, lamp_reading
from cloud.state.views import LampCondition, LampView, lamp_view
from protocols.events import EventType
from protocols.inventory.model import Lamp
from protocols.lamp import LampReading

_LAMPS, _STATES = table_of(LampRow), table_of(LampStateRow)
_LAMP_FIELDS = tuple(field.name for field in fields(Lamp))
_READING_START = len(_LAMP_FIELDS) + 2
_MAX_IN_LIST = 501
_FILTERED_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class LampFilter:
    """Which lamps to list; None means any."""

    area_id: str | None = None
    gateway_id: str | None = None
    condition: LampCondition | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class LampStatus:
    """A lamp with its newest reading, None when it was never read, and what else is known of it."""

    lamp: Lamp
    reading: LampReading | None
    online: bool
    alarms: tuple[EventType, ...]
    override: StoredOverride | None

    def view(self) -> LampView:
        """Return the lamp as lists show it."""
        return lamp_view(
            self.lamp,
            self.reading,
            online=self.online,
            alarms=self.alarms,
            override=override_view(self.override),
        )


class LampQueries:
    """Reads lamps with their present state."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def page(
        self, wanted: LampFilter, limit: int, after: str | None, now_ms: int
    ) -> tuple[list[LampView], str | None]:
        """Return up to `limit` lamps by id, from the first after `after`, and the cursor of the next page."""
        found: list[LampView] = []
        with self._engine.connect() as connection:
            for view in _matching(connection, wanted, limit + 1, after, now_ms):
                if len(found) == limit:
                    return found, found[-1].id
                found.append(view)
        return found, None

    def one(self, lamp_id: str, now_ms: int) -> LampStatus | None:
        """Return the lamp of that id."""
        query = _select(LampFilter()).where(_LAMPS.c.id == lamp_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else _status(row, _Marks.of(connection, [lamp_id], now_ms))


@dataclass(frozen=True, slots=True)
class _Marks:
    """Alarms and overrides by lamp."""

    alarms: dict[str, tuple[EventType, ...]]
    overrides: dict[str, StoredOverride]

    @classmethod
    def of(cls, connection: sa.Connection, lamp_ids: Sequence[str] | None, now_ms: int) -> "_Marks":
        return cls(open_alarms(connection, lamp_ids), overrides_in_force(connection, lamp_ids, now_ms))


def _matching(
    connection: sa.Connection, wanted: LampFilter, limit: int, after: str | None, now_ms: int
) -> Iterator[LampView]:
    # The condition follows from rules that SQL can't express, so rows are read in chunks and filtered here.
    chunk = limit if wanted.condition is None else max(limit, _FILTERED_CHUNK)
    query = _select(wanted).order_by(_LAMPS.c.id).limit(chunk)
    # Long lists of ids cost more than reading the marks of all lamps once.
    all_marks = None if chunk <= _MAX_IN_LIST else _Marks.of(connection, None, now_ms)
    last = after
    while True:
        rows = connection.execute(query if last is None else query.where(_LAMPS.c.id > last)).all()
        marks = all_marks or _Marks.of(connection, [row[0] for row in rows], now_ms)
        for row in rows:
            view = _status(row, marks).view()
            if wanted.condition is None or view.state is wanted.condition:
                yield view
        if len(rows) < chunk:
            return
        last = rows[-1][0]


def _select(wanted: LampFilter) -> sa.Select[*tuple[Any, ...]]:
    columns = [
        *(_LAMPS.c[name] for name in _LAMP_FIELDS),
        _STATES.c.online,
        _STATES.c.time_ms,
        *READING_COLUMNS,
    ]
    query = sa.select(*columns).join_from(_LAMPS, _STATES, _STATES.c.lamp_id == _LAMPS.c.id, isouter=True)
    if wanted.area_id is not None:
        query = query.where(_LAMPS.c.area_id == wanted.area_id)
    if wanted.gateway_id is not None:
        query = query.where(_LAMPS.c.gateway_id == wanted.gateway_id)
    if wanted.text:
        id_contains = _LAMPS.c.id.icontains(wanted.text, autoescape=True)
        query = query.where(sa.or_(id_contains, _LAMPS.c.road.icontains(wanted.text, autoescape=True)))
    return query


def _status(row: sa.Row[*tuple[Any, ...]], marks: _Marks) -> LampStatus:
    values = tuple(row)
    lamp = Lamp(*values[: len(_LAMP_FIELDS)])
    online, time_ms = values[len(_LAMP_FIELDS) : _READING_START]
    reading = None if time_ms is None else lamp_reading(lamp.id, time_ms, values[_READING_START:])
    return LampStatus(
        lamp, reading, bool(online), marks.alarms.get(lamp.id, ()), marks.overrides.get(lamp.id)
    )
