"""The present state of a lamp, a cabinet and a gateway. Pure."""

from dataclasses import dataclass

from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading


@dataclass(frozen=True, slots=True)
class LampState:
    """The newest reading of a lamp, through which gateway it came, and whether the lamp answers."""

    reading: LampReading
    gateway_id: str
    online: bool


@dataclass(frozen=True, slots=True)
class CabinetState:
    """The newest reading of a cabinet, through which gateway it came, and whether the cabinet answers."""

    reading: CabinetReading
    gateway_id: str
    online: bool


@dataclass(frozen=True, slots=True)
class GatewayState:
    """Whether a gateway is within reach, since when, and what it said of its lighting plan."""

    gateway_id: str
    area_id: str
    online: bool
    since_ms: int
    epoch: int | None
    plan_hash: str | None = None
    plan_problem: str | None = None
