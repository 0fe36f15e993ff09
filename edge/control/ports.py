"""Ports of the control of devices: `CommandSink` accepts commands, `Actuator` carries them out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edge.devices.device import Device
from edge.line import Lane, LineError, PortUnavailableError, RequestRefusedError
from protocols.lamp import LightCommand
from protocols.modbus.codec import CodecError


class CommandSink(Protocol):
    """Accepts commands from the uplink; each is answered by a `CommandResult` among the records."""

    def submit(self, command: LightCommand) -> None:
        """Take a command, to be carried out at once or at its start."""
        ...

    def reject(self, command_id: str | None, device_id: str, error: str) -> None:
        """Record the failure of an invalid command; without an id it is only logged."""
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
    """A device is at its target of 0-100 %; `caveat` says what the evidence is if not a read-back."""

    device: Device
    level_percent: int | None
    caveat: str = ""


OnConfirmed = Callable[[Confirmation], None]


class Actuator(Protocol):
    """Brings devices to their targets and holds them there: a line's dimmer, a cabinet's contactor."""

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
    """Return the problem that a failed request shows: a refusal means that the device disobeyed."""
    is_final = isinstance(error, RequestRefusedError | CodecError | PortUnavailableError)
    return Problem(str(error), disobeyed=isinstance(error, RequestRefusedError), is_final=is_final)
