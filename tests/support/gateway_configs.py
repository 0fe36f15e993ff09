"""Settings of gateways as tests need them: one line in Soreang, whatever else is named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from edge.config.line_settings import DeviceConfig, LineConfig
from edge.config.settings import GatewayConfig, IdentityConfig, MqttConfig, OutboxConfig


def make_gateway_config(
    folder: Path,
    port: str,
    devices: Sequence[DeviceConfig],
    *,
    gateway_id: str = "soreang-01",
    area: str = "32.04.37",
    baud: int = 9600,
    stop_bits: Literal[1, 2] = 1,
    broker_port: int = 1883,
    poll_interval_s: float = 1.0,
    default_level: int = 100,
) -> GatewayConfig:
    """Return a gateway at 7.03° S, 107.52° E with its outbox in `folder` and `devices` on one line."""
    return GatewayConfig(
        gateway=IdentityConfig(
            id=gateway_id,
            area=area,
            latitude=-7.03,
            longitude=107.52,
            time_zone="Asia/Jakarta",
            poll_interval_s=poll_interval_s,
            default_level=default_level,
        ),
        mqtt=MqttConfig(port=broker_port),
        outbox=OutboxConfig(path=folder / f"{gateway_id}.outbox.db"),
        lines=(LineConfig(port=port, baud=baud, stop_bits=stop_bits, devices=tuple(devices)),),
    )
