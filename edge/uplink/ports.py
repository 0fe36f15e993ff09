"""Named ports of the uplink: who takes what the cloud sends, and what it needs to know of the gateway."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from protocols.cabinet import DeviceReading
from protocols.mapping import PlanState


class TimeSink(Protocol):
    """Takes the cloud's time: `Timekeeper`."""

    def set_from_cloud(self, time: datetime) -> None:
        """Take the time as of now, in UTC."""
        ...


class PlanSink(Protocol):
    """Takes lighting plans, and knows the one in force: `PlanFollower`."""

    @property
    def state(self) -> PlanState:
        """The plan in force, and why a newer one was refused."""
        ...

    def submit(self, document: bytes, issued_ms: int = 0) -> None:
        """Take an encoded plan; `issued_ms` is its time of issue in Unix milliseconds, 0 if unknown."""
        ...


class ResponsiveDevices(Protocol):
    """Knows which devices respond."""

    def last_readings(self) -> Mapping[str, DeviceReading]:
        """Return the last reading of every device that responds, by its id."""
        ...
