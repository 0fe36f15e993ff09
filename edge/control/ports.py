"""How commands enter, and what carries them out: `CommandSink` and `Actuator`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edge.devices.device import Device
from edge.line import Lane, LineError, PortUnavailableError, RequestRefusedError
from protocols.lamp import LightCommand
from protocols.modbus.codec import CodecError


class CommandSink(Protocol):
    """Where the uplink hands commands to; each is answered by a `CommandResult` among the records."""

    def submit(self, command: LightCommand) -> None:
        """Take a command, to be carried out at once or at its start."""
        ...

    def reject(self, command_id: str | None, device_id: str, error: str) -> None:
        """Answer a command that cannot be understood; without an id it is only logged."""
        ...


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a device is not at its target.

    `disobeyed`: it responds, but is not at that level. `is_final`: trying again would change nothing.
    """

    error: str
    disobeyed: bool = False
    is_final: bool = False


Problems = dict[Device, Problem]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """That a device is at its target of 0-100 %; `caveat` says on what less than a read-back that rests."""

    device: Device
    level_percent: int | None
    caveat: str = ""


OnConfirmed = Callable[[Confirmation], None]


class Actuator(Protocol):
    """What brings devices to their targets and holds them there: a line's dimmer, a cabinet's contactor."""

    def refresh(self) -> datetime | None:
        """Set the targets to the levels of now; returns when one changes next, None if never."""
        ...

    async def apply(
        self,
        devices: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,
        on_confirmed: OnConfirmed | None = None,
    ) -> Problems:
        """Bring devices to their targets and verify it; returns those that are not there, and why.

        `on_confirmed` is called for each of the others as soon as it is verified. Devices that are being
        applied are left alone by the actuator's own loop: `wake` it afterwards.
        """
        ...

    def wake(self) -> None:
        """Compare targets and devices again."""
        ...


def problem_of(error: LineError | CodecError) -> Problem:
    """Return what a failed request says of the device."""
    is_final = isinstance(error, RequestRefusedError | CodecError | PortUnavailableError)
    return Problem(str(error), disobeyed=isinstance(error, RequestRefusedError), is_final=is_final)
