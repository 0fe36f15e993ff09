"""What the reader of a line needs from above, and whom it informs."""

from typing import Protocol, TypeVar

from edge.devices.device import Device
from protocols.cabinet import DeviceReading
from protocols.lamp import Reason

ReadingT_contra = TypeVar("ReadingT_contra", bound=DeviceReading, contravariant=True)


class ReadingObserver(Protocol[ReadingT_contra]):
    """Whoever acts on polled readings of one type: `LampReading` or `CabinetReading`."""

    def observe(self, device: Device, reading: ReadingT_contra) -> None:
        """Take one polled reading; called on the event loop, so it must not block."""
        ...


class StateLossObserver(Protocol):
    """Whoever remembers what was written to devices."""

    def state_lost(self, device: Device) -> None:
        """Take note that a device may not hold what was written: it restarted, or cannot be reached."""
        ...


class LampTarget(Protocol):
    """The level a lamp should have, and why, as its readings carry it."""

    @property
    def target_level_percent(self) -> int | None:
        """0-100 %; None before the first decision."""
        ...

    @property
    def reason(self) -> Reason | None:
        """Why; None before the first decision."""
        ...
