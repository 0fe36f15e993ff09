"""The cloud's settings: from environment variables `LENTERA_*` or given in code; checked once, at start."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from annotated_types import Ge, Le
from pydantic import SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.net import is_loopback

LIVE_TOPIC = "lentera/v1/live"

Port = Annotated[int, Ge(1), Le(65535)]


class CloudConfigError(ValueError):
    """Settings that can't be used; each problem names setting, value and what was expected."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class CloudConfig(BaseSettings):
    """Where the cloud finds its stores and broker, and where it listens."""

    model_config = SettingsConfigDict(env_prefix="LENTERA_", frozen=True, extra="forbid")

    database_url: str = "sqlite:///var/lentera.db"
    telemetry_url: str = "sqlite:///var/telemetry.db"
    mqtt_host: str = "127.0.0.1"
    mqtt_port: Port = 1883
    mqtt_username: str | None = None
    mqtt_password: SecretStr | None = None
    mqtt_tls: bool = False
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    metrics_port: Port | None = None  # where an ingester without API shows /healthz and /metrics
    gateway_keys: Path = Path("var/gateway-keys")  # the folder of the keys that sign transferred bundles
    web_dir: Path | None = None
    cookie_secure: bool | None = None  # None: wherever the browser is not on this very machine
    session_lifetime: timedelta = timedelta(hours=12)

    @model_validator(mode="after")
    def _broker_is_guarded(self) -> Self:
        if not is_loopback(self.mqtt_host) and not (self.mqtt_username and self.mqtt_password):
            raise ValueError(
                f"mqtt_host: {self.mqtt_host!r} is not loopback and mqtt_username or mqtt_password is empty, "
                "expected a broker with authentication and an ACL, and its credentials"
            )
        return self

    @field_validator("web_dir")
    @classmethod
    def _web_is_built(cls, web_dir: Path | None) -> Path | None:
        if web_dir is not None and not (web_dir / "index.html").is_file():
            raise ValueError("expected the folder of a built map, with an index.html in it")
        return web_dir


def load_config() -> CloudConfig:
    """Return the settings of this process's environment.

    Raises:
        CloudConfigError: names every setting that can't be used.
    """
    try:
        return CloudConfig()
    except ValidationError as error:
        problems: list[str] = []
        for item in error.errors():
            setting = ".".join(str(part) for part in item["loc"])
            message = item["msg"].removeprefix("Value error, ")
            # A problem of several settings together has no place; its message names them.
            problems.append(
                f"LENTERA_{setting.upper()}: {str(item['input'])!r}, {message}" if setting else message
            )
        raise CloudConfigError(problems) from error
