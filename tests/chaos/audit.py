"""Holds what outboxes took against what the cloud stored: nothing lost, nothing twice, nothing more."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from math import isclose
from pathlib import Path
from typing import Any

from protocols.cabinet import CabinetReading, DeviceReading
from protocols.clock import to_unix_ms
from protocols.events import DeviceEvent
from protocols.lamp import CommandResult, CommandStatus, LampReading
from tests.chaos.witness import OutboxView, Taken

_OF_LAMPS = (
    "target_level_percent",
    "feedback_level_percent",
    "actual_level_percent",
    "active_power_w",
    "supply_voltage_v",
    "active_energy_kwh",
    "switch_on_counter",
)
_OF_CABINETS = ("total_power_kw", "total_active_energy_kwh", "phase1_voltage_v", "door_open")
_LAMP_READINGS = (
    f"SELECT id, time_ms, {', '.join(_OF_LAMPS)} FROM readings"  # noqa: S608
    " JOIN lamps ON lamps.key = readings.lamp"
)
_CABINET_READINGS = (
    f"SELECT id, time_ms, {', '.join(_OF_CABINETS)} FROM cabinet_readings"  # noqa: S608
    " JOIN cabinets ON cabinets.key = cabinet_readings.cabinet"
)

_WIRE_STEP = 0.0006
"""Measured values travel with three decimals."""

ReadingKey = tuple[str, int]
EventKey = tuple[str, int, int]
ResultKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """All that the cloud holds of what gateways reported, by the keys it is unique by."""

    readings: dict[ReadingKey, tuple[object, ...]]
    events: dict[EventKey, tuple[object, ...]]
    results: dict[ResultKey, tuple[object, ...]]
    commands: frozenset[str]
    put_aside: frozenset[tuple[object, ...]]
    """What the cloud could not store as what it was: in this town there should be nothing."""


@dataclass(slots=True)
class Verdict:
    """What an audit found; it holds when every list is empty."""

    records: int = 0
    lost: list[Taken] = field(default_factory=list)
    """Gone from the outbox, not in the store."""
    altered: list[Taken] = field(default_factory=list)
    """In the store with other values than the outbox had; two readings of one lamp and millisecond too."""
    reused: list[Taken] = field(default_factory=list)
    """A position that an outbox gave to two different records."""
    unaccounted: list[object] = field(default_factory=list)
    """In the store though no outbox ever took it: a double under another key, or invented."""
    given_up: list[tuple[str, int]] = field(default_factory=list)
    """Put aside as damaged by a gateway though nothing had spoiled it."""
    misdated: list[object] = field(default_factory=list)
    """In the store under a time at which there was no town."""

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, doubled, altered or invented."""
        return not any(self._findings().values())

    def examples(self, most: int = 5) -> list[str]:
        """The first of each kind of finding."""
        return [f"{kind}: {each}" for kind, found in self._findings().items() for each in found[:most]]

    def summary(self) -> str:
        """One line for people."""
        return (
            f"{self.records} records: {len(self.lost)} lost, {len(self.unaccounted)} doubled or invented,"
            f" {len(self.altered)} altered, {len(self.reused)} positions used twice,"
            f" {len(self.given_up)} given up, {len(self.misdated)} misdated"
        )

    def _findings(self) -> dict[str, Sequence[object]]:
        return {
            "lost": self.lost,
            "altered": self.altered,
            "reused": self.reused,
            "extra": self.unaccounted,
            "given up": self.given_up,
            "misdated": self.misdated,
        }


def read_store(folder: Path) -> Stored:
    """What the cloud's two databases hold now."""
    telemetry = folder / "telemetry.db"
    rows = [*_rows(telemetry, _LAMP_READINGS), *_rows(telemetry, _CABINET_READINGS)]
    readings = {(row[0], row[1]): tuple(row[2:]) for row in rows}
    cloud = folder / "cloud.db"
    events = _rows(cloud, "SELECT gateway_id, epoch, position, device_id, type, time_ms, active FROM events")
    results = _rows(
        cloud,
        "SELECT command_id, device_id, status, level, time_ms FROM command_results WHERE status != 'pending'",
    )
    return Stored(
        readings=readings,
        events={(row[0], row[1], row[2]): tuple(row[3:]) for row in events},
        results={(row[0], row[1]): tuple(row[2:]) for row in results},
        commands=frozenset(row[0] for row in _rows(cloud, "SELECT id FROM commands")),
        put_aside=frozenset(_rows(cloud, "SELECT kind, device_id, error FROM dead_letters")),
    )


def audit(
    before: Sequence[OutboxView],
    stored: Stored,
    after: Sequence[OutboxView],
    spoiled: Mapping[str, AbstractSet[int]],
    span: tuple[datetime, datetime],
) -> Verdict:
    """Judge; the outboxes were looked at `before` and `after` the store was, while all of it ran on.

    What an outbox had let go by then must be stored, unless it was `spoiled` and is put aside; what is stored
    must have been in an outbox by now, and have happened within the `span`.
    """
    verdict = Verdict(records=sum(len(view.taken) for view in before))
    answers = _answers(taken.record for view in after for taken in view.taken)
    for view in before:
        damaged = spoiled.get(view.gateway_id, frozenset())
        verdict.given_up += [(view.gateway_id, at) for at in sorted(view.put_aside - damaged)]
        _find_reused(view.taken, verdict)
        for taken in view.taken:
            if taken.position not in view.waiting | (view.put_aside & damaged):
                _find_missing(taken, stored, answers, verdict)
    _find_misdated(stored, span, verdict)
    _find_unaccounted(stored, [taken for view in after for taken in view.taken], verdict)
    return verdict


def _find_reused(records: Iterable[Taken], verdict: Verdict) -> None:
    seen: dict[int, Taken] = {}
    for taken in records:
        if seen.setdefault(taken.position, taken) != taken:
            verdict.reused.append(taken)


def _answers(records: Iterable[object]) -> Mapping[ResultKey, set[tuple[object, ...]]]:
    """What gateways answered to each command: once more where they died before they had noted it."""
    answers: dict[ResultKey, set[tuple[object, ...]]] = defaultdict(set)
    for each in records:
        if isinstance(each, CommandResult):
            answers[each.command_id, each.device_id].add(_result_values(each))
    return answers


def _find_missing(
    taken: Taken, stored: Stored, answers: Mapping[ResultKey, set[tuple[object, ...]]], verdict: Verdict
) -> None:
    record = taken.record
    if isinstance(record, LampReading | CabinetReading):
        names = _OF_LAMPS if isinstance(record, LampReading) else _OF_CABINETS
        found, expected = stored.readings.get(_key(record)), tuple(getattr(record, name) for name in names)
    elif isinstance(record, DeviceEvent):
        found = stored.events.get((taken.gateway_id, taken.epoch, taken.position))
        expected = (record.device_id, record.type.value, to_unix_ms(record.time), record.active)
    else:
        if record.command_id not in stored.commands:
            return  # the cloud keeps no answers to commands it has never given
        key = (record.command_id, record.device_id)
        found, expected = stored.results.get(key), _result_values(record)
        was_confirmed = record.status is CommandStatus.CONFIRMED and found is not None
        if found in answers[key] and (not was_confirmed or found[0] == record.status.value):
            return  # of the answers to one command the store has one, and no other than a confirmation
    if found is None:
        verdict.lost.append(taken)
    elif not _same(found, expected):
        verdict.altered.append(taken)


def _find_misdated(stored: Stored, span: tuple[datetime, datetime], verdict: Verdict) -> None:
    first_ms, last_ms = map(to_unix_ms, span)
    verdict.misdated += [key for key in sorted(stored.readings) if not first_ms <= key[1] <= last_ms]
    times = ((key, values[2]) for key, values in sorted(stored.events.items()))
    verdict.misdated += [(key, at) for key, at in times if not first_ms <= int(str(at)) <= last_ms]


def _find_unaccounted(stored: Stored, records: Iterable[Taken], verdict: Verdict) -> None:
    readings: set[ReadingKey] = set()
    events: set[EventKey] = set()
    results: set[ResultKey] = set()
    for taken in records:
        record = taken.record
        if isinstance(record, LampReading | CabinetReading):
            readings.add(_key(record))
        elif isinstance(record, DeviceEvent):
            events.add((taken.gateway_id, taken.epoch, taken.position))
        else:
            results.add((record.command_id, record.device_id))
    confirmed = {
        key for key, values in stored.results.items() if values[0] == CommandStatus.CONFIRMED.value
    }  # the cloud itself may fail a command it could not send
    verdict.unaccounted += sorted(stored.readings.keys() - readings)
    verdict.unaccounted += sorted(stored.put_aside)
    verdict.unaccounted += sorted(stored.events.keys() - events)
    verdict.unaccounted += sorted(confirmed - results)


def _key(reading: DeviceReading) -> ReadingKey:
    return reading.device_id, to_unix_ms(reading.time)


def _result_values(result: CommandResult) -> tuple[object, ...]:
    return (result.status.value, result.level_percent, to_unix_ms(result.time))


def _same(found: tuple[object, ...], expected: tuple[object, ...]) -> bool:
    return all(_equal(one, other) for one, other in zip(found, expected, strict=True))


def _equal(one: object, other: object) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        if not (isinstance(one, int | float) and isinstance(other, int | float)):
            return False
        return isclose(one, other, rel_tol=1e-5, abs_tol=_WIRE_STEP)
    return one == other


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        return database.execute(query).fetchall()
