"""Ports of the uplink: the sinks for what the cloud sends, and what it reads from the gateway."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from protocols.cabinet import DeviceReading
from protocols.mapping import PlanState


class TimeSink(Protocol):
    """Accepts the cloud's time: `Timekeeper`."""

    def set_from_cloud(self, time: datetime) -> None:
        """Take the time as of now, in UTC."""
        ...


class PlanSink(Protocol):
    """Accepts lighting plans, and has the state of the one in force: `PlanFollower`."""

    @property
    def state(self) -> PlanState:
        """The plan in force, and why a newer one was refused."""
        ...

    def submit(self, document: bytes, issued_ms: int = 0) -> None:
        """Take an encoded plan; `issued_ms` is its time of issue in Unix milliseconds, 0 if unknown."""
        ...


class ResponsiveDevices(Protocol):
    """The devices that respond now."""

    def last_readings(self) -> Mapping[str, DeviceReading]:
        """Return the last reading of every device that responds, by its id."""
        ...
