"""Settings of the RS-485 lines and of the devices on them."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from edge.config.fields import Identifier, Settings
from edge.config.profiles import is_file, load_profile
from protocols.modbus.builtin import builtin_ids
from protocols.modbus.points import CONTACTOR_RELAY, PHOTOCELL
from protocols.modbus.profile import Profile, ProfileError, ProfileKind

_LAST_ADDRESS = 65535
_BUILTIN_PROFILES: Final = builtin_ids()

LINE_ADDRESS: Final = "a device path such as /dev/ttyUSB0, tcp://host:port or rtu+tcp://host:port"


def is_line_address(port: str) -> bool:
    """Return whether `port` has the form that `LINE_ADDRESS` describes."""
    scheme, _, rest = port.partition("://")
    host, _, number = rest.rpartition(":")
    is_server = scheme in ("tcp", "rtu+tcp") and host and number.isdecimal() and 0 < int(number) < 65536
    return port.startswith("/") or bool(is_server)


def wire_of(port: str) -> str:
    """Return one name for all spellings of a wire: links to a device, framings and case of a server."""
    _, is_server, rest = port.partition("://")
    return rest.lower() if is_server else os.path.realpath(port)


def _line_address(port: str) -> str:
    if is_line_address(port):
        return port
    raise ValueError(f"expected {LINE_ADDRESS}")


def _known_profile(name: str, info: ValidationInfo) -> str:
    """Check that the profile can be loaded; returns its name, or the path of its file.

    A path is relative to the folder of the settings.
    """
    if not is_file(name):
        if name not in _BUILTIN_PROFILES:
            raise ValueError(f"expected a path that ends in .toml, or one of {', '.join(_BUILTIN_PROFILES)}")
        return name
    path = str((info.context or {}).get("folder", Path()) / name)
    try:
        load_profile(path)
    except ProfileError as error:
        raise ValueError("; ".join(error.problems)) from error
    return path


class ContactsConfig(Settings):
    """The contacts of a cabinet: a unit of their own, on the line of the cabinet's meter."""

    unit: Annotated[int, Field(ge=1, le=247)]
    profile: Annotated[str, AfterValidator(_known_profile)] = "cabinet-contacts"


class ContactorConfig(Settings):
    """Whether a cabinet's contactor follows the light of the plan, or always stays closed."""

    follows: Literal["lit", "always"]


class DeviceConfig(Settings):
    """One lamp or cabinet on a line; `bus` and `address` distinguish lamps that share a unit.

    Without `photocell` the input for one is not read: an open input would always report day. Without
    `contactor` a cabinet is only read.
    """

    id: Identifier
    unit: Annotated[int, Field(ge=1, le=247)]
    profile: Annotated[str, AfterValidator(_known_profile)] = "lentera-lamp"
    bus: Annotated[int, Field(ge=0, le=255)] = 0
    address: Annotated[int, Field(ge=0, le=255)] = 0
    contacts: ContactsConfig | None = None
    photocell: bool = False
    contactor: ContactorConfig | None = None

    @property
    def addresses(self) -> tuple[tuple[int, int, int], ...]:
        """Unit, bus and address of each unit that responds for the device."""
        others = () if self.contacts is None else ((self.contacts.unit, 0, 0),)
        return ((self.unit, self.bus, self.address), *others)

    @model_validator(mode="after")
    def _fits_its_profile(self) -> Self:
        profile = load_profile(self.profile)
        if (self.bus and not profile.line_stride) or (self.address and not profile.address_stride):
            raise ValueError(
                f"device {self.id!r} has bus {self.bus} and address {self.address}, expected none: "
                f"a unit of profile {profile.id!r} is one device"
            )
        if profile.at(self.bus, self.address).last_address > _LAST_ADDRESS:
            raise ValueError(
                f"device {self.id!r}: bus {self.bus}, address {self.address} lies behind register 65535"
            )
        if self.contacts is not None and profile.kind is ProfileKind.LAMP:
            raise ValueError(f"device {self.id!r} is a lamp, expected contacts only beside a meter")
        return self

    @model_validator(mode="after")
    def _has_the_registers_it_needs(self) -> Self:
        names = [self.profile] if self.contacts is None else [self.contacts.profile, self.profile]
        profiles = [load_profile(name) for name in names]
        if self.photocell:
            _require_register(self.id, "photocell", PHOTOCELL, profiles, writable=False)
        if self.contactor is not None:
            _require_register(self.id, "contactor", CONTACTOR_RELAY, profiles, writable=True)
        return self


def _require_register(
    device_id: str, setting: str, register: str, profiles: Sequence[Profile], *, writable: bool
) -> None:
    cabinets = [profile for profile in profiles if profile.kind is not ProfileKind.LAMP]
    for each in (each for profile in cabinets for each in profile.registers if each.name == register):
        if each.writable or not writable:
            return
    kind = f"register {register!r}" + (" that can be written" if writable else "")
    raise ValueError(
        f"device {device_id!r} has a {setting}, expected {kind} in the profile of its contacts, "
        f"has {', '.join(profile.id for profile in profiles)}"
    )


class LineConfig(Settings):
    """One RS-485 line, or a Modbus TCP server in its place."""

    port: Annotated[str, AfterValidator(_line_address)]
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    response_timeout_s: Annotated[float, Field(ge=0.02, le=5)] = 0.3
    devices: Annotated[tuple[DeviceConfig, ...], Field(alias="device")]

    @model_validator(mode="after")
    def _has_devices_with_units_of_their_own(self) -> Self:
        if not self.devices:
            raise ValueError(f"line {self.port} has no device, expected at least one [[line.device]]")
        for (unit, bus, address), count in Counter(
            address for device in self.devices for address in device.addresses
        ).items():
            if count > 1:
                behind = f" bus {bus} address {address}" if bus or address else ""
                raise ValueError(
                    f"unit {unit}{behind} occurs {count} times on line {self.port}, expected one device each"
                )
        return self
