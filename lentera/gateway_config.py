"""One gateway.toml per gateway of an inventory, complete except for what is known only on site."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.config.settings import ConfigError, load
from edge.tools.check import FILL_IN
from lentera.errors import UsageError
from protocols.inventory.model import Cabinet, Gateway, Inventory, Lamp

_PARTIAL = ".partial"
_MOST_NAMED = 5
_PRIVATE = 0o640  # the file will contain a password

DevicesByLine = Mapping[int, Sequence[Lamp | Cabinet]]


@dataclass(frozen=True, slots=True)
class Defaults:
    """The settings that are the same for all gateways."""

    broker: str = FILL_IN
    broker_port: int = 8883
    baud: int = 9600
    state_folder: str = "/var/lib/lentera"


@dataclass(frozen=True, slots=True)
class Written:
    """The files written, and the gateways without a device, for which there is none."""

    paths: tuple[Path, ...]
    without_devices: tuple[str, ...]


def devices_by_line(inventory: Inventory) -> dict[str, DevicesByLine]:
    """Return the devices of each gateway that has any, by line: lamps in their order, then cabinets."""
    found: dict[str, dict[int, list[Lamp | Cabinet]]] = defaultdict(lambda: defaultdict(list))
    devices: list[Lamp | Cabinet] = [*inventory.lamps, *inventory.cabinets]
    for device in devices:
        found[device.gateway_id][device.line].append(device)
    return {gateway: dict(sorted(lines.items())) for gateway, lines in found.items()}


def device_lines(device: Lamp | Cabinet) -> list[str]:
    """Return the lines that describe one device."""
    lines = [
        "[[line.device]]",
        f"id = {text(device.id)}",
        f"unit = {device.unit}",
        f"profile = {text(device.profile)}",
    ]
    if isinstance(device, Cabinet) and device.contacts_unit is not None:
        profile = text(device.contacts_profile)
        lines.append(f"contacts = {{ unit = {device.contacts_unit}, profile = {profile} }}")
    return lines


def text(value: str) -> str:
    """Return a value as a TOML string: JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def write_gateway_files(
    inventory: Inventory, folder: Path, defaults: Defaults, *, overwrite: bool
) -> Written:
    """Write the file of every gateway with a device, or none.

    Raises:
        UsageError: a file exists and is not to be overwritten, or one would not pass `--check`.
    """
    lines = devices_by_line(inventory)
    gateways = [gateway for gateway in inventory.gateways if gateway.id in lines]
    texts = {folder / f"{each.id}.toml": _gateway_file(each, lines[each.id], defaults) for each in gateways}
    present = [str(path) for path in texts if path.exists()]
    if present and not overwrite:
        named = ", ".join(present[:_MOST_NAMED]) + (" …" if len(present) > _MOST_NAMED else "")
        files = "1 file exists" if len(present) == 1 else f"{len(present)} files exist"
        raise UsageError(
            f"{named}: {files} already, expected another --out, or --overwrite if their content may be lost"
        )
    folder.mkdir(parents=True, exist_ok=True)
    _write(texts)
    empty = tuple(each.id for each in inventory.gateways if each.id not in lines)
    return Written(tuple(texts), empty)


def _write(texts: Mapping[Path, str]) -> None:
    partial = {path: path.with_name(path.name + _PARTIAL) for path in texts}
    problems: list[str] = []
    try:
        for path, content in texts.items():
            partial[path].unlink(missing_ok=True)
            descriptor = os.open(partial[path], os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
            problems += _problems(partial[path])
        if problems:
            raise UsageError("\n".join(problems))
        for path, written in partial.items():
            written.rename(path)
    finally:
        for written in partial.values():
            written.unlink(missing_ok=True)


def _problems(path: Path) -> Iterable[str]:
    try:
        load(path)
    except ConfigError as error:
        return [each.replace(path.name, path.name.removesuffix(_PARTIAL)) for each in error.problems]
    return []


def _gateway_file(gateway: Gateway, lines: DevicesByLine, defaults: Defaults) -> str:
    parts = [*_about_gateway(gateway), *_about_broker(gateway, defaults), *_about_state(gateway, defaults)]
    for index, (number, devices) in enumerate(lines.items()):
        parts += [
            "",
            f"# Line {number} of the inventory: {_devices(devices)}.",
            "[[line]]",
            f'port = "/dev/ttyUSB{index}"  # fill in; a name under /dev/serial/by-path/ lasts longer',
            f"baud = {defaults.baud}",
            'parity = "N"',
            "stop_bits = 1",
        ]
        for device in devices:
            parts += device_lines(device)
            if isinstance(device, Cabinet):
                parts += _about_cabinet(device)
    return "\n".join(parts) + "\n"


def _about_gateway(gateway: Gateway) -> list[str]:
    return [
        f"# Gateway {_comment(gateway.id)}. Replace each FILL-IN; lentera edge --check lists the rest.",
        "[gateway]",
        f"id = {text(gateway.id)}",
        f"area = {text(gateway.area_id)}",
        f"latitude = {gateway.latitude}",
        f"longitude = {gateway.longitude}",
        f"time_zone = {text(gateway.time_zone)}",
        "poll_interval_s = 60",
        "default_level = 100  # without a plan, or a clock to run it by",
    ]


def _about_broker(gateway: Gateway, defaults: Defaults) -> list[str]:
    host_note = "  # fill in: the broker's host name" if defaults.broker == FILL_IN else ""
    return [
        "",
        "[mqtt]",
        f"host = {text(defaults.broker)}{host_note}",
        f"port = {defaults.broker_port}",
        f"username = {text(gateway.id)}",
        f"password = {text(FILL_IN)}  # fill in: this gateway's own",
        "tls = true",
        '# ca_file = "/etc/lentera/ca.pem"  # where the certificate is not from a public authority',
    ]


def _about_state(gateway: Gateway, defaults: Defaults) -> list[str]:
    return [
        "",
        "[outbox]",
        f"path = {text(f'{defaults.state_folder}/{gateway.id}.outbox.db')}",
        "max_megabytes = 512",
        "",
        "[clock]",
        "# Made by systemd-timesyncd once the time is right. Only where a battery keeps the time it can go.",
        'synchronized_file = "/run/systemd/timesync/synchronized"',
        "",
        "[controller_watchdog]",
        "timeout_s = 3600  # silence of the gateway after which a controller helps itself",
        "",
        "[status]",
        'host = "127.0.0.1"  # an address of the cabinet\'s own network lets phones in',
        "port = 8099",
        "",
        "# [transfer]  # where there is no internet; the key is made by: lentera admin create-gateway-key",
        f"# key_file = {_comment(text(f'/etc/lentera/{gateway.id}.key'))}",
    ]


def _about_cabinet(cabinet: Cabinet) -> list[str]:
    if cabinet.contacts_unit is None:
        return ['# contacts = { unit = 202, profile = "cabinet-contacts" }  # if there are any']
    return [
        "# photocell = true  # if one is wired: it decides while the clock is not right",
        '# contactor = { follows = "lit" }  # if the gateway is to switch it; or "always"',
    ]


def _devices(devices: Sequence[Lamp | Cabinet]) -> str:
    lamps = sum(isinstance(each, Lamp) for each in devices)
    cabinets = len(devices) - lamps
    words = [f"{lamps} lamp{'' if lamps == 1 else 's'}"] if lamps else []
    words += [f"{cabinets} cabinet{'' if cabinets == 1 else 's'}"] if cabinets else []
    return " and ".join(words)


def _comment(value: str) -> str:
    """Return a value for a comment, in one line and without control characters."""
    return "".join(each if each.isprintable() else "?" for each in value)
