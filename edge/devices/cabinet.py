"""What the values of a cabinet's meter and contacts come to."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from protocols.cabinet import CabinetReading, SwitchState
from protocols.modbus.codec import Value
from protocols.modbus.points import CONTACTOR_CONTACT

CABINET_FIELDS: Final = tuple(
    each.name for each in dataclasses.fields(CabinetReading) if each.name not in {"device_id", "time"}
)
"""The fields of a cabinet's reading, all of which come from registers."""


def cabinet_reading(cabinet_id: str, time: datetime, values: Mapping[str, Value]) -> CabinetReading:
    """The reading that these register values make; a meter may tell less, or more, than it has room for."""
    known: dict[str, Any] = {name: values[name] for name in CABINET_FIELDS if name in values}
    closed = known.get(CONTACTOR_CONTACT)
    if closed is not None:
        known[CONTACTOR_CONTACT] = SwitchState.ON if closed else SwitchState.OFF
    return CabinetReading(cabinet_id, time, **known)
