"""Ports of the reader of a line: the targets it adds to readings, and the observers it informs."""

from typing import Protocol, TypeVar

from edge.devices.device import Device
from protocols.cabinet import DeviceReading
from protocols.lamp import Reason

ReadingT_contra = TypeVar("ReadingT_contra", bound=DeviceReading, contravariant=True)


class ReadingObserver(Protocol[ReadingT_contra]):
    """Acts on polled readings of one type: `LampReading` or `CabinetReading`."""

    def observe(self, device: Device, reading: ReadingT_contra) -> None:
        """Take one polled reading; called on the event loop, so it must not block."""
        ...


class StateLossObserver(Protocol):
    """Keeps what was written to devices."""

    def state_lost(self, device: Device) -> None:
        """Assume that a device no longer holds what was written: it restarted, or cannot be reached."""
        ...


class LampTarget(Protocol):
    """The level a lamp should have, and why; both are part of its readings."""

    @property
    def target_level_percent(self) -> int | None:
        """0-100 %; None before the first decision."""
        ...

    @property
    def reason(self) -> Reason | None:
        """The reason of the target level; None before the first decision."""
        ...
