"""Alarms kept up to date: from readings by the rules, from what gateways report, and from their silence."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from cloud.alarms.cabinet import CabinetAlarmState, evaluate_cabinet
from cloud.alarms.model import LampAlarmState, evaluate, resumed
from cloud.alarms.service import alarm_view
from cloud.alarms.store import AlarmRow
from cloud.alarms.views import AlarmView
from cloud.database import table_of
from protocols.cabinet import CabinetReading
from protocols.clock import to_unix_ms
from protocols.events import TRAITS, EventType
from protocols.lamp import LampReading

_ALARMS = table_of(AlarmRow)
_NEW = LampAlarmState()
_NEW_CABINET = CabinetAlarmState()


@dataclass(frozen=True, slots=True)
class Device:
    """What can have an alarm; `lamp_id` is None for a gateway and for a cabinet."""

    id: str
    lamp_id: str | None
    gateway_id: str
    area_id: str


@dataclass(frozen=True, slots=True)
class Transition:
    """The start or end of a condition of a device."""

    device: Device
    type: EventType
    raised: bool
    time_ms: int
    info: str = ""


@dataclass(slots=True)
class AlarmChanges:
    """What a batch does to alarms; nothing has happened until the book accepts it."""

    states: dict[str, LampAlarmState] = field(default_factory=dict)
    cabinets: dict[str, CabinetAlarmState] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)


class AlarmEvaluator:
    """The alarm state of every lamp and cabinet, in the memory of the one process that ingests them."""

    def __init__(self) -> None:
        self._states: dict[str, LampAlarmState] = {}
        self._cabinets: dict[str, CabinetAlarmState] = {}

    def resume(self, connection: sa.Connection) -> None:
        """Take up the alarms that are open in the store."""
        lamps, others = _open_alarms(connection)
        self._states = {lamp_id: resumed(types) for lamp_id, types in lamps.items()}
        self._cabinets = {
            cabinet_id: CabinetAlarmState(active=frozenset(types)) for cabinet_id, types in others.items()
        }

    def take_up(self, connection: sa.Connection, lamp_ids: Collection[str]) -> None:
        """Take up the open alarms of these lamps, which another process has judged."""
        lamps, _ = _open_alarms(connection)
        self._states |= {lamp_id: resumed(lamps.get(lamp_id, ())) for lamp_id in lamp_ids}

    def forget(self, device_ids: Iterable[str]) -> None:
        """These devices are gone, and their alarms were ended."""
        for device_id in device_ids:
            self._states.pop(device_id, None)
            self._cabinets.pop(device_id, None)

    def active(self, lamp_id: str) -> frozenset[EventType]:
        """The lamp's open alarms."""
        return self._states.get(lamp_id, _NEW).active

    def judge(
        self,
        readings: Iterable[LampReading],
        device_of: Callable[[str], Device],
        rated_power_w: Callable[[str], float | None],
    ) -> AlarmChanges:
        """Let the rules speak on readings in the order of their time."""
        judgement = AlarmChanges()
        for reading in sorted(readings, key=lambda reading: reading.time):
            lamp_id = reading.device_id
            before = judgement.states.get(lamp_id) or self._states.get(lamp_id, _NEW)
            after, changes = evaluate(before, reading, rated_power_w(lamp_id))
            judgement.states[lamp_id] = after
            judgement.transitions += [
                Transition(
                    device_of(lamp_id), change.type, change.raised, to_unix_ms(change.time), change.info
                )
                for change in changes
            ]
        return judgement

    def judge_cabinets(
        self,
        judgement: AlarmChanges,
        readings: Iterable[CabinetReading],
        device_of: Callable[[str], Device],
    ) -> None:
        """Add to `judgement` what the rules for cabinets say, in the order of the readings' time."""
        for reading in sorted(readings, key=lambda reading: reading.time):
            cabinet_id = reading.device_id
            before = judgement.cabinets.get(cabinet_id) or self._cabinets.get(cabinet_id, _NEW_CABINET)
            judgement.cabinets[cabinet_id], changes = evaluate_cabinet(before, reading)
            judgement.transitions += [
                Transition(
                    device_of(cabinet_id), change.type, change.raised, to_unix_ms(change.time), change.info
                )
                for change in changes
            ]

    def report(self, judgement: AlarmChanges, transition: Transition) -> None:
        """Add to `judgement` what a gateway reported, or its silence."""
        judgement.transitions.append(transition)
        lamp_id = transition.device.lamp_id
        if lamp_id is None:
            return
        before = judgement.states.get(lamp_id) or self._states.get(lamp_id, _NEW)
        changed = {transition.type}
        active = before.active | changed if transition.raised else before.active - changed
        judgement.states[lamp_id] = replace(before, active=active)

    def accept(self, judgement: AlarmChanges) -> None:
        """What was judged is stored: remember it."""
        self._states |= judgement.states
        self._cabinets |= judgement.cabinets


def record(connection: sa.Connection, transitions: Sequence[Transition]) -> list[AlarmView]:
    """Store the transitions in order; the alarms that changed. What is so already stays as it is."""
    changed: dict[int, AlarmView] = {}
    for transition in transitions:
        row = _raise(connection, transition) if transition.raised else _clear(connection, transition)
        if row is not None:
            changed[row.id] = row
    return list(changed.values())


def _open_alarms(
    connection: sa.Connection,
) -> tuple[dict[str, set[EventType]], dict[str, set[EventType]]]:
    """The types of the open alarms by lamp, and by other device."""
    query = sa.select(_ALARMS.c.device_id, _ALARMS.c.lamp_id, _ALARMS.c.type).where(
        _ALARMS.c.cleared_ms.is_(None)
    )
    lamps: dict[str, set[EventType]] = defaultdict(set)
    others: dict[str, set[EventType]] = defaultdict(set)
    for device_id, lamp_id, kind in connection.execute(query):
        (others if lamp_id is None else lamps)[device_id].add(EventType(kind))
    return lamps, others


def _open_alarm(connection: sa.Connection, transition: Transition) -> int | None:
    query = sa.select(_ALARMS.c.id).where(
        _ALARMS.c.device_id == transition.device.id,
        _ALARMS.c.type == transition.type.value,
        _ALARMS.c.cleared_ms.is_(None),
    )
    return connection.scalar(query)


def _raise(connection: sa.Connection, transition: Transition) -> AlarmView | None:
    if _open_alarm(connection, transition) is not None:
        return None
    device = transition.device
    row = {
        "device_id": device.id,
        "lamp_id": device.lamp_id,
        "gateway_id": device.gateway_id,
        "area_id": device.area_id,
        "type": transition.type.value,
        "severity": TRAITS[transition.type].severity.value,
        "raised_ms": transition.time_ms,
        "info": transition.info,
    }
    alarm_id = connection.execute(sa.insert(_ALARMS).values(row).returning(_ALARMS.c.id)).scalar_one()
    return _view(connection, alarm_id)


def _clear(connection: sa.Connection, transition: Transition) -> AlarmView | None:
    alarm_id = _open_alarm(connection, transition)
    if alarm_id is None:
        return None
    one = _ALARMS.c.id == alarm_id
    connection.execute(sa.update(_ALARMS).where(one).values(cleared_ms=transition.time_ms))
    return _view(connection, alarm_id)


def _view(connection: sa.Connection, alarm_id: int) -> AlarmView:
    return alarm_view(connection.execute(sa.select(_ALARMS).where(_ALARMS.c.id == alarm_id)).one())
