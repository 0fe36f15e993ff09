"""Alarms of a cabinet from its readings: door, breakers, and each phase of its supply. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from protocols.cabinet import CabinetReading
from protocols.events import EventType

LOST_V: Final = 80.0
"""Below this a phase is lost, on networks of 110 V and of 230 V alike; a brown-out is not a loss."""

BACK_V: Final = 90.0
"""From here on a phase counts as back."""

_DRAWS_NOTHING_KW = 0.0005


@dataclass(frozen=True, slots=True)
class CabinetChange:
    """The start or the end of a condition of a cabinet."""

    type: EventType
    raised: bool
    time: datetime
    info: str = ""


@dataclass(frozen=True, slots=True)
class CabinetAlarmState:
    """What must be remembered of a cabinet between two readings.

    `against` counts, by condition, the readings in a row that contradict its state.
    """

    active: frozenset[EventType] = frozenset()
    time: datetime | None = None
    against: Mapping[EventType, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Rule:
    """When a condition holds: `judge` gives None where a reading does not tell.

    A contact is a fact at once; a voltage may be gone for the moment in which it was looked at.
    """

    type: EventType
    judge: Callable[[CabinetReading, bool], bool | None]
    describe: Callable[[CabinetReading], str]
    readings: int = 1


def evaluate_cabinet(
    state: CabinetAlarmState, reading: CabinetReading
) -> tuple[CabinetAlarmState, list[CabinetChange]]:
    """The cabinet's state after `reading`, and the alarms that start or end by it.

    A reading no newer than the last one changes nothing: backlog tells about the past, alarms are about now.
    """
    if state.time is not None and reading.time <= state.time:
        return state, []
    changes: list[CabinetChange] = []
    against: dict[EventType, int] = {}
    for rule in _RULES:
        is_active = rule.type in state.active
        holds = rule.judge(reading, is_active)
        count = state.against.get(rule.type, 0)
        if holds is None:
            against[rule.type] = count
        elif holds is not is_active and count + 1 < rule.readings:
            against[rule.type] = count + 1
        elif holds is not is_active:
            info = rule.describe(reading) if holds else ""
            changes.append(CabinetChange(rule.type, holds, reading.time, info))
    return CabinetAlarmState(_apply(state.active, changes), reading.time, against), changes


def _apply(active: frozenset[EventType], changes: Iterable[CabinetChange]) -> frozenset[EventType]:
    after = set(active)
    for change in changes:
        (after.add if change.raised else after.discard)(change.type)
    return frozenset(after)


def _phases(reading: CabinetReading) -> dict[str, float]:
    """The voltages there are by the name of the phase; a single-phase meter has one."""
    named = {f"phase {number}": volts for number, volts in enumerate(reading.phase_voltages_v, 1)}
    if all(volts is None for volts in named.values()):
        named = {"supply": reading.supply_voltage_v}
    return {name: volts for name, volts in named.items() if volts is not None}


def _supply_lost(reading: CabinetReading, is_active: bool) -> bool | None:
    phases = _phases(reading)
    if not phases:
        return None
    return min(phases.values()) < (BACK_V if is_active else LOST_V)


def _lost_phases(reading: CabinetReading) -> str:
    return ", ".join(f"{name} at {volts:.0f} V" for name, volts in _phases(reading).items() if volts < LOST_V)


def _dark_phases(reading: CabinetReading) -> str:
    powers = enumerate(reading.phase_powers_kw, 1)
    dark = [str(number) for number, kw in powers if kw is not None and kw < _DRAWS_NOTHING_KW]
    return f"nothing is drawn on phase {', '.join(dark)}" if dark else ""


_RULES: Final = (
    _Rule(EventType.CABINET_DOOR_OPEN, lambda reading, _: reading.door_open, lambda _: ""),
    _Rule(EventType.CIRCUIT_BREAKER_TRIPPED, lambda reading, _: reading.breaker_tripped, _dark_phases),
    _Rule(EventType.SUPPLY_LOSS, _supply_lost, _lost_phases, readings=2),
)
