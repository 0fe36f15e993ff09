"""The start of a demo, and the settings of its gateways."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lentera.gateway_config import DevicesByLine, device_lines, devices_by_line
from protocols.inventory.model import Cabinet, Gateway, Inventory
from protocols.sun import night_of

DUSK_AFTER_WALL_S = 50.0
"""Wall seconds from the start of a demo to sunset. Our choice: time to start and to open the map."""

MOST_REPORTS_PER_WALL_S = 150.0
"""Lamp reports per wall second that two cores process with a fluid map; measured by `make bench`."""

SHORTEST_POLL_INTERVAL_S = 60.0


@dataclass(frozen=True, slots=True)
class TownSettings:
    """The lines, the broker ports and the polling of the gateways of a demo."""

    lines_folder: Path
    state_folder: Path
    uplink_ports: Mapping[str, int]
    baud: int
    poll_interval_s: float


def dusk_start(inventory: Inventory, day: datetime, speed: float) -> datetime:
    """Return the instant on the local date of `day` that is `DUSK_AFTER_WALL_S` at `speed` before sunset."""
    gateway = inventory.gateways[0]
    zone = ZoneInfo(gateway.time_zone)
    noon = day.astimezone(zone).replace(hour=12, minute=0, second=0, microsecond=0)
    night = night_of(gateway.latitude, gateway.longitude, zone, noon + timedelta(minutes=1))
    sunset = night.sunset or night.start_noon + timedelta(hours=6)
    return sunset - timedelta(seconds=DUSK_AFTER_WALL_S * speed)


def poll_interval_s(lamps: int, speed: float) -> float:
    """Return the domain seconds between two polls of a lamp that this machine can process at `speed`."""
    return max(SHORTEST_POLL_INTERVAL_S, lamps / MOST_REPORTS_PER_WALL_S * speed)


def write_gateway_configs(inventory: Inventory, settings: TownSettings, folder: Path) -> list[Path]:
    """Write one gateway.toml per gateway, as a field engineer would; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = devices_by_line(inventory)
    paths = []
    for gateway in inventory.gateways:
        path = folder / f"{gateway.id}.toml"
        path.write_text(_gateway_toml(gateway, lines.get(gateway.id, {}), settings))
        paths.append(path)
    return paths


def _gateway_toml(gateway: Gateway, lines: DevicesByLine, settings: TownSettings) -> str:
    parts = [
        "[gateway]",
        f'id = "{gateway.id}"',
        f'area = "{gateway.area_id}"',
        f"latitude = {gateway.latitude}",
        f"longitude = {gateway.longitude}",
        f'time_zone = "{gateway.time_zone}"',
        f"poll_interval_s = {settings.poll_interval_s}",
        "",
        "[mqtt]",
        'host = "127.0.0.1"',
        f"port = {settings.uplink_ports[gateway.id]}",
        "",
        "[outbox]",
        f'path = "{settings.state_folder / gateway.id}.outbox.db"',
        "",
        "[status]",
        "port = 0",
    ]
    for line, devices in lines.items():
        port = settings.lines_folder / f"{gateway.id}-{line}"
        parts += [
            "",
            "[[line]]",
            f'port = "{port}"',
            f"baud = {settings.baud}",
            'parity = "N"',
            "stop_bits = 2",
        ]
        for device in devices:
            parts += device_lines(device)
            if isinstance(device, Cabinet) and device.contacts_unit is not None:
                parts += ["photocell = true", 'contactor = { follows = "always" }']
    return "\n".join(parts) + "\n"
