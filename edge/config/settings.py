"""A gateway's settings: one TOML file, checked as a whole before anything is touched."""

import ipaddress
import os
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from edge.config.profiles import is_file, load_profile
from edge.devices.cabinet import CONTACTOR_RELAY, PHOTOCELL
from protocols.modbus.profile import DeviceKind, Profile, ProfileError, builtin_ids


class ConfigError(ValueError):
    """Settings that cannot be used; every problem names file, field, value and what was expected."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@lru_cache(maxsize=1)
def _profile_ids() -> tuple[str, ...]:
    return builtin_ids()


def _known_profile(name: str, info: ValidationInfo) -> str:
    """The name as it is loaded by: a file's path is taken from the folder of the settings."""
    if not is_file(name):
        if name not in _profile_ids():
            raise ValueError(f"expected a path that ends in .toml, or one of {', '.join(_profile_ids())}")
        return name
    path = str((info.context or {}).get("folder", Path()) / name)
    try:
        load_profile(path)
    except ProfileError as error:
        raise ValueError("; ".join(error.problems)) from error
    return path


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("expected an IANA time zone such as Asia/Jakarta") from error
    return name


_LAST_ADDRESS = 65535

LINE_ADDRESS: Final = "a device path such as /dev/ttyUSB0, tcp://host:port or rtu+tcp://host:port"


def is_line_address(port: str) -> bool:
    """Whether this is what `LINE_ADDRESS` says."""
    scheme, _, rest = port.partition("://")
    host, _, number = rest.rpartition(":")
    is_server = scheme in ("tcp", "rtu+tcp") and host and number.isdecimal() and 0 < int(number) < 65536
    return port.startswith("/") or bool(is_server)


def wire_of(port: str) -> str:
    """The same for all names of one wire: of one device, or of one server however it is spoken to."""
    _, is_server, rest = port.partition("://")
    return rest.lower() if is_server else os.path.realpath(port)


def _line_address(port: str) -> str:
    if is_line_address(port):
        return port
    raise ValueError(f"expected {LINE_ADDRESS}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Identifier = Annotated[str, StringConstraints(pattern=r"^[^+/#\s][^+/#]*$", max_length=64)]
"""An MQTT topic level: `+`, `/` and `#` have a meaning there."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class IdentityConfig(_Settings):
    """Who and where the gateway is."""

    id: Identifier
    area: Identifier
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    poll_interval_s: Annotated[float, Field(gt=0, le=86400)] = 60.0
    default_level: Annotated[int, Field(ge=0, le=100)] = 100
    """The safe level: where there is no program, or no clock to run it by."""


class MqttConfig(_Settings):
    """The broker to report to."""

    host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str | None = None
    password: SecretStr | None = None
    tls: bool | None = None  # must be said for a broker elsewhere; on loopback it is off
    ca_file: Path | None = None  # whose certificates are believed; the system's when not given
    primary_host: Identifier = "lentera"

    @model_validator(mode="after")
    def _guarded_off_loopback(self) -> Self:
        if _is_loopback(self.host):
            return self
        if self.username is None or self.password is None:
            raise ValueError(
                f"host {self.host!r} is not this machine, expected username and password beside it"
            )
        if self.tls is None:
            raise ValueError(
                f"host {self.host!r} is not this machine and tls is not set, "
                "expected true, or false where something else protects the way"
            )
        return self

    @field_validator("ca_file")
    @classmethod
    def _ca_file_is_there(cls, ca_file: Path | None) -> Path | None:
        if ca_file is not None and not ca_file.is_file():
            raise ValueError("no such file, expected certificates in PEM")
        return ca_file


class OutboxConfig(_Settings):
    """Where records wait until the cloud has stored them; what the gateway remembers lies beside it."""

    path: Path
    max_megabytes: Annotated[float, Field(ge=1)] = 512.0
    max_records: Annotated[int, Field(ge=1000)] | None = None

    @property
    def memory_path(self) -> Path:
        """The file that holds overrides and counters over a restart."""
        name = self.path.name.removesuffix(".db").removesuffix(".outbox")
        return self.path.with_name(f"{name}.memory.db")


class StatusConfig(_Settings):
    """Where the status page is served; it can only be looked at, and on loopback unless said otherwise."""

    host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8099


class ClockConfig(_Settings):
    """When the system clock is believed: past the earliest date, and once a file named here is there."""

    synchronized_file: Path | None = None


class WatchdogConfig(_Settings):
    """What each controller does by itself when no gateway speaks to it for `timeout_s`; 0 is nothing."""

    timeout_s: Annotated[int, Field(ge=0, le=65534)] = 3600
    level: Annotated[int, Field(ge=0, le=100)] | None = None
    """The gateway's default level when not given."""


class TransferConfig(_Settings):
    """The secret shared with the cloud that signs files carried there and back."""

    key_file: Path


class ContactsConfig(_Settings):
    """Where the contacts of a cabinet answer: a unit of its own, on the line of the cabinet's meter."""

    unit: Annotated[int, Field(ge=1, le=247)]
    profile: Annotated[str, AfterValidator(_known_profile)] = "cabinet-contacts"


class ContactorConfig(_Settings):
    """What a cabinet's contactor follows: the light of the plan, or nothing, so that it stays closed."""

    follows: Literal["lit", "always"]


class DeviceConfig(_Settings):
    """One lamp or cabinet on a line; `bus` and `address` tell lamps apart that share a unit.

    Without `photocell` the input meant for one is not even read: one that nothing is wired to would say
    that it is day for ever. Without `contactor` a cabinet is only read.
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
    def places(self) -> tuple[tuple[int, int, int], ...]:
        """Unit, bus and address of all that answers for the device."""
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
        if self.contacts is not None and profile.kind is DeviceKind.LAMP:
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
    cabinets = [profile for profile in profiles if profile.kind is not DeviceKind.LAMP]
    for each in (each for profile in cabinets for each in profile.registers if each.name == register):
        if each.writable or not writable:
            return
    kind = f"register {register!r}" + (" that can be written" if writable else "")
    raise ValueError(
        f"device {device_id!r} has a {setting}, expected {kind} in the profile of its contacts, "
        f"has {', '.join(profile.id for profile in profiles)}"
    )


class LineConfig(_Settings):
    """One RS-485 line, or a Modbus TCP server that stands for one."""

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
            place for device in self.devices for place in device.places
        ).items():
            if count > 1:
                behind = f" bus {bus} address {address}" if bus or address else ""
                raise ValueError(
                    f"unit {unit}{behind} stands {count} times on line {self.port}, expected one device each"
                )
        return self


class GatewayConfig(_Settings):
    """All of one gateway."""

    gateway: IdentityConfig
    mqtt: MqttConfig = MqttConfig()
    outbox: OutboxConfig
    clock: ClockConfig = ClockConfig()
    watchdog: WatchdogConfig = WatchdogConfig()
    by_hand: TransferConfig | None = None
    status: StatusConfig | None = None
    lines: Annotated[tuple[LineConfig, ...], Field(alias="line")]

    @property
    def status_address(self) -> StatusConfig:
        """Where the status page is served when no other gateway of the process says so."""
        return self.status or StatusConfig()

    @model_validator(mode="after")
    def _has_lines_and_nothing_stands_twice(self) -> Self:
        if not self.lines:
            raise ValueError("no line, expected at least one [[line]]")
        ids = Counter(device.id for line in self.lines for device in line.devices)
        for device_id, count in ids.items():
            if count > 1:
                raise ValueError(f"device.id {device_id!r} stands {count} times, expected once")
        return self

    @model_validator(mode="after")
    def _has_one_line_for_each_wire(self) -> Self:
        first: dict[str, int] = {}
        for number, line in enumerate(self.lines, 1):
            before = first.setdefault(wire_of(line.port), number)
            if before != number:
                raise ValueError(
                    f"line[{number}].port {line.port!r} is the wire of line[{before}].port "
                    f"{self.lines[before - 1].port!r}, expected one [[line]] with the devices of both"
                )
        return self


def load(path: Path) -> GatewayConfig:
    """Read a gateway's TOML file; raises ConfigError with every problem in it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}, expected a readable file"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: byte {error.start} is not UTF-8, expected a TOML text"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: {error}, expected TOML"]) from error
    try:
        return GatewayConfig.model_validate(document, context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(f"{path}: {_sentence(problem)}" for problem in error.errors()) from error


def load_all(paths: Iterable[Path]) -> dict[Path, GatewayConfig]:
    """Read many gateways' files; raises ConfigError with every problem in all of them."""
    configs: dict[Path, GatewayConfig] = {}
    problems: list[str] = []
    for path in paths:
        try:
            configs[path] = load(path)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return configs


def _sentence(problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is not exported
    field = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    value = problem["input"]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"{field[1:]} is missing, expected a value"
    if problem["type"] == "extra_forbidden":
        return f"{field[1:]} is unknown, expected no such field"
    if isinstance(value, dict) or "password" in field:
        return f"{field[1:] or 'file'}: {message}"
    return f"{field[1:]} is {value!r}: {message}"
