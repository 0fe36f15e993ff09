"""A gateway's settings: one TOML file, checked as a whole before anything is opened."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from edge.config.fields import Identifier, Settings
from edge.config.line_settings import LineConfig, wire_of
from protocols.decoding import UndecodableError, decode_toml
from runtime.net import is_loopback
from runtime.time_zones import time_zone


class ConfigError(ValueError):
    """Settings that cannot be used; every problem names file, field, value and what was expected."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class IdentityConfig(Settings):
    """The gateway's id and area, its place, and how it polls."""

    id: Identifier
    area: Identifier
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    time_zone: Annotated[str, AfterValidator(lambda name: time_zone(name).key)]
    poll_interval_s: Annotated[float, Field(gt=0, le=86400)] = 60.0
    default_level: Annotated[int, Field(ge=0, le=100)] = 100
    """The safe level in percent: in force where there is no program, or no trusted clock to run it by."""


class MqttConfig(Settings):
    """The MQTT broker."""

    host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str | None = None
    password: SecretStr | None = None
    tls: bool | None = None  # required for a broker on another machine; off on loopback
    ca_file: Path | None = None  # trusted certificates; the system's when not given
    primary_host: Identifier = "lentera"

    @model_validator(mode="after")
    def _guarded_off_loopback(self) -> Self:
        if is_loopback(self.host):
            return self
        if self.username is None or self.password is None:
            raise ValueError(
                f"host {self.host!r} is not this machine, expected username and password beside it"
            )
        if self.tls is None:
            raise ValueError(
                f"host {self.host!r} is not this machine and tls is not set, "
                "expected true, or false where something else protects the connection"
            )
        return self

    @field_validator("ca_file")
    @classmethod
    def _ca_file_is_there(cls, ca_file: Path | None) -> Path | None:
        if ca_file is not None and not ca_file.is_file():
            raise ValueError("no such file, expected certificates in PEM")
        return ca_file


class OutboxConfig(Settings):
    """The file of records that wait for the cloud, and its limits; the state file lies beside it."""

    path: Path
    max_megabytes: Annotated[float, Field(ge=1)] = 512.0
    max_records: Annotated[int, Field(ge=1000)] | None = None

    @property
    def state_path(self) -> Path:
        """The file that keeps the plan, overrides and counters over a restart."""
        name = self.path.name.removesuffix(".db").removesuffix(".outbox")
        return self.path.with_name(f"{name}.state.db")


class StatusConfig(Settings):
    """Where the read-only status page is served; on loopback unless set otherwise."""

    host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8099


class ClockConfig(Settings):
    """The system clock counts as set once `synchronized_file` exists; without one, from the start."""

    synchronized_file: Path | None = None


class ControllerWatchdogConfig(Settings):
    """Each controller's own watchdog: `level` after `timeout_s` without a request, 0 for never."""

    timeout_s: Annotated[int, Field(ge=0, le=65534)] = 3600
    level: Annotated[int, Field(ge=0, le=100)] | None = None
    """The gateway's default level when not given."""


class TransferConfig(Settings):
    """The key, shared with the cloud, that signs the bundles of an offline transfer."""

    key_file: Path


class GatewayConfig(Settings):
    """Everything one gateway is configured with."""

    gateway: IdentityConfig
    mqtt: MqttConfig = MqttConfig()
    outbox: OutboxConfig
    clock: ClockConfig = ClockConfig()
    controller_watchdog: ControllerWatchdogConfig = ControllerWatchdogConfig()
    transfer: TransferConfig | None = None
    status: StatusConfig | None = None
    lines: Annotated[tuple[LineConfig, ...], Field(alias="line")]

    @property
    def status_address(self) -> StatusConfig:
        """Where the status page is served unless another gateway of the process names an address."""
        return self.status or StatusConfig()

    @model_validator(mode="after")
    def _has_lines_and_unique_devices(self) -> Self:
        if not self.lines:
            raise ValueError("no line, expected at least one [[line]]")
        ids = Counter(device.id for line in self.lines for device in line.devices)
        for device_id, count in ids.items():
            if count > 1:
                raise ValueError(f"device.id {device_id!r} occurs {count} times, expected once")
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
    """Read a gateway's TOML file.

    Raises:
        ConfigError: with every problem in it.
    """
    try:
        document = decode_toml(path.read_bytes())
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}, expected a readable file"]) from error
    except UndecodableError as error:
        raise ConfigError([f"{path}: {error}, expected TOML"]) from error
    try:
        return GatewayConfig.model_validate(document, context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(f"{path}: {_sentence(problem)}" for problem in error.errors()) from error


def load_all(paths: Iterable[Path]) -> dict[Path, GatewayConfig]:
    """Read many gateways' files.

    Raises:
        ConfigError: with every problem in all of them.
    """
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
