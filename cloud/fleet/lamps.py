"""How each lamp stands now: the inventory joined with readings, alarms and overrides."""

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
from cloud.state.store import LampStateRow
from cloud.state.views import LampCondition, LampView, lamp_view
from protocols.clock import from_unix_ms
from protocols.events import EventType
from protocols.inventory.model import Lamp
from protocols.lamp import LampReading, Reason

_LAMPS, _STATES = table_of(LampRow), table_of(LampStateRow)
_LAMP_FIELDS = tuple(field.name for field in fields(Lamp))
_READING_FIELDS = tuple(
    field.name for field in fields(LampReading) if field.name not in ("device_id", "time")
)
_READING_START = len(_LAMP_FIELDS) + 2
_REASON = _READING_FIELDS.index("reason")
_MAX_IN_LIST = 501
_SIEVED_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class LampFilter:
    """Which lamps are meant; None means any."""

    area_id: str | None = None
    gateway_id: str | None = None
    state: LampCondition | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class LampStatus:
    """A lamp with what is known of it; `reading` is None when it was never read."""

    lamp: Lamp
    reading: LampReading | None
    online: bool
    alarms: tuple[EventType, ...]


class LampStates:
    """How lamps stand, as the stores have it now."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def page(
        self, wanted: LampFilter, limit: int, after: str | None, now_ms: int
    ) -> tuple[list[LampView], str | None]:
        """Up to `limit` lamps by id, from the first after `after`, and where to go on, if there are more."""
        found: list[LampView] = []
        with self._engine.connect() as connection:
            for view in self._views(connection, wanted, limit + 1, after, now_ms):
                if len(found) == limit:
                    return found, found[-1].id
                found.append(view)
        return found, None

    def one(self, lamp_id: str, now_ms: int) -> tuple[LampStatus, LampView] | None:
        """One lamp."""
        query = _select(LampFilter()).where(_LAMPS.c.id == lamp_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            marks = _Marks.of(connection, [lamp_id], now_ms)
        standing = _standing(row, marks.alarms)
        return standing, _view(standing, marks.overrides)

    def _views(
        self, connection: sa.Connection, wanted: LampFilter, wish: int, after: str | None, now_ms: int
    ) -> Iterator[LampView]:
        # The state is a rule of ours that no database knows, so rows are read in chunks and sieved here.
        chunk = wish if wanted.state is None else max(wish, _SIEVED_CHUNK)
        query = _select(wanted).order_by(_LAMPS.c.id).limit(chunk)
        marks = None if chunk <= _MAX_IN_LIST else _Marks.of(connection, None, now_ms)
        last = after
        while True:
            rows = connection.execute(query if last is None else query.where(_LAMPS.c.id > last)).all()
            here = marks or _Marks.of(connection, [row[0] for row in rows], now_ms)
            for row in rows:
                view = _view(_standing(row, here.alarms), here.overrides)
                if wanted.state is None or view.state is wanted.state:
                    yield view
            if len(rows) < chunk:
                return
            last = rows[-1][0]


@dataclass(frozen=True, slots=True)
class _Marks:
    """What lamps have besides a reading."""

    alarms: dict[str, tuple[EventType, ...]]
    overrides: dict[str, StoredOverride]

    @classmethod
    def of(cls, connection: sa.Connection, lamp_ids: Sequence[str] | None, now_ms: int) -> "_Marks":
        """Those of the given lamps, or of all."""
        return cls(open_alarms(connection, lamp_ids), overrides_in_force(connection, lamp_ids, now_ms))


def _select(wanted: LampFilter) -> sa.Select[*tuple[Any, ...]]:
    columns = [
        *(_LAMPS.c[name] for name in _LAMP_FIELDS),
        _STATES.c.online,
        _STATES.c.time_ms,
        *(_STATES.c[name] for name in _READING_FIELDS),
    ]
    query = sa.select(*columns).join_from(_LAMPS, _STATES, _STATES.c.lamp_id == _LAMPS.c.id, isouter=True)
    if wanted.area_id is not None:
        query = query.where(_LAMPS.c.area_id == wanted.area_id)
    if wanted.gateway_id is not None:
        query = query.where(_LAMPS.c.gateway_id == wanted.gateway_id)
    if wanted.text:
        named = _LAMPS.c.id.icontains(wanted.text, autoescape=True)
        query = query.where(sa.or_(named, _LAMPS.c.road.icontains(wanted.text, autoescape=True)))
    return query


def _standing(row: sa.Row[*tuple[Any, ...]], alarms: dict[str, tuple[EventType, ...]]) -> LampStatus:
    values = tuple(row)
    lamp = Lamp(*values[: len(_LAMP_FIELDS)])
    online, time_ms = values[len(_LAMP_FIELDS) : _READING_START]
    reading = None if time_ms is None else _reading(lamp.id, time_ms, values[_READING_START:])
    return LampStatus(lamp, reading, bool(online), alarms.get(lamp.id, ()))


def _reading(lamp_id: str, time_ms: int, values: tuple[Any, ...]) -> LampReading:
    given = dict(zip(_READING_FIELDS, values, strict=True))
    given["reason"] = None if given["reason"] is None else Reason(given["reason"])
    return LampReading(lamp_id, from_unix_ms(time_ms), **given)


def _view(standing: LampStatus, overrides: dict[str, StoredOverride]) -> LampView:
    return lamp_view(
        standing.lamp,
        standing.reading,
        online=standing.online,
        alarms=standing.alarms,
        override=override_view(overrides.get(standing.lamp.id)),
    )
