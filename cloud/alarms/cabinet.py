"""Alarms of a cabinet from its readings: door, breakers, and each phase of its supply. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cloud.alarms.model import AlarmChange, AlarmRule, DeviceAlarms, Verdict, applied, judge
from protocols.cabinet import CabinetReading
from protocols.events import EventType

LOST_V: Final = 80.0
"""Below this a phase is lost, on networks of 110 V and of 230 V alike; a brown-out is not a loss."""

BACK_V: Final = 90.0
"""From here on a phase counts as back."""

_DRAWS_NOTHING_KW = 0.0005


@dataclass(frozen=True, slots=True)
class CabinetSituation:
    """A reading with the alarms that are open."""

    reading: CabinetReading
    active: frozenset[EventType]


CabinetAlarms = DeviceAlarms[None]
"""The rules for cabinets need no memory beyond streaks."""


def evaluate_cabinet(
    state: CabinetAlarms, reading: CabinetReading
) -> tuple[CabinetAlarms, list[AlarmChange]]:
    """Return the cabinet's state after `reading`, and the alarms that start or end by it.

    A reading no newer than the last one changes nothing.
    """
    if not state.is_newer(reading.time):
        return state, []
    streaks = dict(state.streaks)
    situation = CabinetSituation(reading, state.active)
    changes = judge(CABINET_RULES, situation, state.active, streaks, reading)
    return DeviceAlarms(applied(state.active, changes), reading.time, streaks), changes


def _supply(at: CabinetSituation) -> Verdict:
    phases = _phases(at.reading)
    if not phases:
        return Verdict.UNKNOWN
    limit_v = BACK_V if EventType.SUPPLY_LOSS in at.active else LOST_V  # hysteresis against flapping
    return Verdict.SUSPICIOUS if min(phases.values()) < limit_v else Verdict.HEALTHY


def _phases(reading: CabinetReading) -> dict[str, float]:
    """Return the voltages by the name of the phase; a single-phase meter has one."""
    named = {f"phase {number}": volts for number, volts in enumerate(reading.phase_voltages_v, 1)}
    if all(volts is None for volts in named.values()):
        named = {"supply": reading.supply_voltage_v}
    return {name: volts for name, volts in named.items() if volts is not None}


def _lost_phases(at: CabinetSituation) -> str:
    phases = _phases(at.reading).items()
    return ", ".join(f"{name} at {volts:.0f} V" for name, volts in phases if volts < LOST_V)


def _dark_phases(at: CabinetSituation) -> str:
    powers = enumerate(at.reading.phase_powers_kw, 1)
    dark = [str(number) for number, kw in powers if kw is not None and kw < _DRAWS_NOTHING_KW]
    return f"nothing is drawn on phase {', '.join(dark)}" if dark else ""


# A contact is a fact at once; a voltage may be missing only for the moment in which it was measured, so it
# takes two readings in a row, however close.
CABINET_RULES: Final[tuple[AlarmRule[CabinetSituation], ...]] = (
    AlarmRule(
        EventType.CABINET_DOOR_OPEN,
        lambda at: Verdict.of_bit(at.reading.door_open),
        raise_after=1,
        clear_after=1,
        describe=lambda _: "",
    ),
    AlarmRule(
        EventType.CIRCUIT_BREAKER_TRIPPED,
        lambda at: Verdict.of_bit(at.reading.breaker_tripped),
        raise_after=1,
        clear_after=1,
        describe=_dark_phases,
    ),
    AlarmRule(
        EventType.SUPPLY_LOSS,
        _supply,
        raise_after=2,
        clear_after=2,
        describe=_lost_phases,
        spacing=timedelta(0),
    ),
)
"""Every condition of a cabinet that is judged from its readings."""
