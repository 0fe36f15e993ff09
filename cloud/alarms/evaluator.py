"""Alarm states kept up to date from readings, from reports of gateways, and from their silence. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from cloud.alarms.model import AlarmChange, AlarmedDevice, DeviceAlarms, Transition
from protocols.cabinet import DeviceReading
from protocols.clock import to_unix_ms
from protocols.events import EventType

OpenAlarms = Mapping[str, Collection[EventType]]
"""The types of open alarms by device."""

_NEW: DeviceAlarms[Any] = DeviceAlarms()

ReadingT = TypeVar("ReadingT", bound=DeviceReading)


@dataclass(slots=True)
class AlarmChanges:
    """What a batch does to alarms; it takes effect only when it is passed to `AlarmEvaluator.accept`."""

    states: dict[str, DeviceAlarms[Any]] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)


class AlarmEvaluator:
    """The alarm state of every device, in the memory of the one process that ingests them."""

    def __init__(self) -> None:
        self._states: dict[str, DeviceAlarms[Any]] = {}

    def resume(self, open_alarms: OpenAlarms, device_ids: Iterable[str] | None = None) -> None:
        """Start from the alarms that are open in the store, without evidence from earlier readings.

        With `device_ids` only these start again: devices whose readings another process has judged meanwhile.
        """
        if device_ids is None:
            self._states = {}
            device_ids = open_alarms
        for device_id in device_ids:
            self._states[device_id] = DeviceAlarms(frozenset(open_alarms.get(device_id, ())))

    def forget(self, device_ids: Iterable[str]) -> None:
        """Drop the state of devices that left the inventory; their alarms were ended there."""
        for device_id in device_ids:
            self._states.pop(device_id, None)

    def active(self, device_id: str) -> frozenset[EventType]:
        """Return the device's open alarms."""
        return self._states.get(device_id, _NEW).active

    def judge(
        self,
        changes: AlarmChanges,
        readings: Iterable[ReadingT],
        evaluate: Callable[[DeviceAlarms[Any], ReadingT], tuple[DeviceAlarms[Any], list[AlarmChange]]],
        device_of: Callable[[str], AlarmedDevice],
    ) -> None:
        """Add to `changes` what the rules make of readings of one kind, in the order of their time."""
        for reading in sorted(readings, key=lambda reading: reading.time):
            device_id = reading.device_id
            before = changes.states.get(device_id) or self._states.get(device_id, _NEW)
            changes.states[device_id], turned = evaluate(before, reading)
            changes.transitions += [
                Transition(device_of(device_id), one.type, one.raised, to_unix_ms(one.time), one.info)
                for one in turned
            ]

    def report(self, changes: AlarmChanges, transition: Transition) -> None:
        """Add to `changes` what a gateway reported, or its silence."""
        changes.transitions.append(transition)
        device_id = transition.device.id
        before = changes.states.get(device_id) or self._states.get(device_id, _NEW)
        changed = {transition.type}
        active = before.active | changed if transition.raised else before.active - changed
        changes.states[device_id] = replace(before, active=active)

    def accept(self, changes: AlarmChanges) -> None:
        """Take over changes that have been stored."""
        self._states |= changes.states
