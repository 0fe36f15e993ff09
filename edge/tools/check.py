"""Reports what a gateway would do with its settings; opens neither line nor broker."""

import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from edge.config.line_settings import DeviceConfig, LineConfig
from edge.config.profiles import load_profile
from edge.config.settings import GatewayConfig
from edge.control.photocell import AGREEMENT
from edge.devices.device import broadcast_blocker, device_from_config, is_dimmable, units_of
from edge.line import OFF_WIRE, serial_timing
from edge.storage.state_tables import next_plan
from protocols.lighting.plan import DEFAULT_PLAN, PlanError, decode_plan
from protocols.lighting.program import Place, levels_of_night
from protocols.modbus.codec import plan_reads
from protocols.modbus.points import CONTACTOR_CONTACT
from protocols.modbus.profile import Poll, Profile, ProfileKind, Table
from protocols.sun import PolarState, night_of

TURNAROUND_S: Final = 0.005
"""The time from a request to the response of a device: our estimate, as controllers differ."""

FILL_IN: Final = "FILL-IN"
"""Placeholder in generated settings for a value that is known on site only."""

_REQUEST_BYTES = 8
_RESPONSE_FRAME_BYTES = 5
_BIT_TABLES = (Table.COIL, Table.DISCRETE)


@dataclass(frozen=True, slots=True)
class Report:
    """A report about one gateway: titled sections of lines, and warnings."""

    sections: tuple[tuple[str, tuple[str, ...]], ...]
    warnings: tuple[str, ...]

    def text(self) -> str:
        """Return the report for a terminal."""
        parts = [*self.sections, *([("Warnings", self.warnings)] if self.warnings else [])]
        return "\n".join(line for title, lines in parts for line in (title, *(f"  {each}" for each in lines)))


def sweep_s(line: LineConfig, profiles: Mapping[str, Profile]) -> float:
    """Return the seconds it takes to read every device of a line once, silences and turnaround included."""
    is_modbus_tcp = line.port.startswith("tcp://")
    timing = OFF_WIRE if is_modbus_tcp else serial_timing(line.baud)
    total_s = 0.0
    for name in (name for device in line.devices for name in _profiles_of(device)):
        for block in plan_reads(profiles[name], Poll.FAST):
            data_bytes = (block.count + 7) // 8 if block.table in _BIT_TABLES else 2 * block.count
            wire_s = timing.duration_s(_REQUEST_BYTES + _RESPONSE_FRAME_BYTES + data_bytes)
            total_s += wire_s + 2 * timing.silence_s + TURNAROUND_S
    return total_s


def report_on(config: GatewayConfig, now: datetime) -> Report:
    """Return what this gateway would do with its lines, its data, and its lamps in the night around `now`."""
    devices = [device for line in config.lines for device in line.devices]
    profiles = {name: load_profile(name) for device in devices for name in _profiles_of(device)}
    gateway = config.gateway
    about = (
        f"at {gateway.latitude:g}, {gateway.longitude:g}, time zone {gateway.time_zone}",
        f"polls every device once in {gateway.poll_interval_s:g} s",
        f"sets lamps to {gateway.default_level} % while no plan can be followed",
    )
    lines = [(f"Line {line.port}", tuple(_line_text(line, config, profiles))) for line in config.lines]
    return Report(
        sections=(
            (f"Gateway {gateway.id} in area {gateway.area}", about),
            *lines,
            *_tonight(config, profiles, now),
            ("Data", tuple(_data_text(config))),
        ),
        warnings=tuple(_warnings(config, profiles)),
    )


def _profiles_of(device: DeviceConfig) -> tuple[str, ...]:
    return (device.profile,) if device.contacts is None else (device.profile, device.contacts.profile)


def _line_text(line: LineConfig, config: GatewayConfig, profiles: Mapping[str, Profile]) -> Iterator[str]:
    if line.port.startswith("tcp://"):
        yield "Modbus TCP"
    else:
        yield f"{line.baud} baud, 8{line.parity}{line.stop_bits}"
    units: defaultdict[str, list[int]] = defaultdict(list)
    for device in line.devices:
        units[device.profile].append(device.unit)
        if device.contacts is not None:
            units[device.contacts.profile].append(device.contacts.unit)
    for name, numbers in sorted(units.items()):
        requests = len(plan_reads(profiles[name], Poll.FAST))
        yield (
            f"{_count(len(numbers), 'device')} of profile {name} ({profiles[name].name})"
            f" at {_ranges(sorted(set(numbers)))}, {_count(requests, 'request')} each"
        )
    yield from _broadcast_text(line)
    for device in line.devices:
        yield from _cabinet_text(device, profiles)
    seconds = sweep_s(line, profiles)
    share = seconds / config.gateway.poll_interval_s
    yield f"one sweep takes {seconds:.2f} s of the line, {100 * share:.2g} % of the poll interval"


def _broadcast_text(line: LineConfig) -> Iterator[str]:
    """Yield whether a change of all lamps is one broadcast, and if not why."""
    units = list(units_of(map(device_from_config, line.devices)))
    if sum(is_dimmable(profile) for _, profile in units) > 1:
        why = broadcast_blocker(units)
        how = "one broadcast" if why is None else f"written lamp by lamp: {why}"
        yield f"a change of all its lamps is {how}"


def _cabinet_text(device: DeviceConfig, profiles: Mapping[str, Profile]) -> Iterator[str]:
    """Yield what a cabinet's contactor and photocell do."""
    names = {register.name for name in _profiles_of(device) for register in profiles[name].registers}
    if device.contactor is not None:
        follows = {"lit": "is closed while the plan has light", "always": "stays closed"}
        proof = "" if CONTACTOR_CONTACT in names else "; it has no auxiliary contact, only its relay is read"
        yield f"contactor of {device.id} {follows[device.contactor.follows]}, except for commands{proof}"
    elif CONTACTOR_CONTACT in names:
        yield f"contactor of {device.id} is only read"
    if device.photocell:
        yield (
            f"photocell of {device.id} decides while the clock is not trusted,"
            f" once its readings have agreed for {AGREEMENT.seconds} s"
        )


def _tonight(
    config: GatewayConfig, profiles: Mapping[str, Profile], now: datetime
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a section for each program that lamps and contactors follow tonight."""
    gateway, plan = config.gateway, DEFAULT_PLAN
    # Where the plan cannot be used, the gateway falls back to the default as well, and reports why.
    with suppress(PlanError, sqlite3.Error):
        if (document := next_plan(config.outbox.state_path)) is not None:
            plan = decode_plan(document, "plan")
    place = Place(gateway.latitude, gateway.longitude, ZoneInfo(gateway.time_zone))
    night = night_of(place.latitude, place.longitude, place.time_zone, now)
    lights = [
        device.id
        for line in config.lines
        for device in line.devices
        if device.contactor is not None or profiles[device.profile].kind is ProfileKind.LAMP
    ]
    followed = Counter(plan.program_on(plan.calendar_of(light), night.date) for light in lights)
    for program, count in followed.items():
        lines = [
            f"{instant.astimezone(place.time_zone):%d %b %H:%M:%S}  {level:3d} %"
            for instant, level in levels_of_night(program, place, night)[1:]
        ]
        if night.polar is not None:
            lines.append("the sun does not set" if night.polar is PolarState.DAY else "the sun does not rise")
        some = "" if len(followed) == 1 else f", {count} of {len(lights)}"
        yield f"Tonight, by the plan “{program.name or program.id}”{some}", tuple(lines)


def _data_text(config: GatewayConfig) -> Iterator[str]:
    gateway, mqtt = config.gateway, config.mqtt
    user = f" as user {mqtt.username}" if mqtt.username else ""
    yield f"sent to the broker at {mqtt.host}:{mqtt.port}{user}"
    yield f"under spBv1.0/{gateway.area}/…/{gateway.id}, once {mqtt.primary_host!r} is online"
    yield f"kept until the cloud has stored it in {config.outbox.path}"
    yield f"plan and overrides are kept in {config.outbox.state_path}"
    yield f"status page at http://{config.status_address.host}:{config.status_address.port}"


def _warnings(config: GatewayConfig, profiles: Mapping[str, Profile]) -> Iterator[str]:
    mqtt = config.mqtt
    password = None if mqtt.password is None else mqtt.password.get_secret_value()
    for field, value in (("host", mqtt.host), ("username", mqtt.username), ("password", password)):
        if value == FILL_IN:
            yield f"mqtt.{field} is still {FILL_IN!r}, expected the {field} of the broker for this gateway"
    for line in config.lines:
        yield from _line_warnings(line, config, profiles)
        yield from _cabinet_warnings(line, config, profiles)
    file = config.clock.synchronized_file
    if file is not None and not file.exists():
        yield f"clock.synchronized_file {file}: does not exist now, so the time would not count as known"
    # The gateway creates missing folders itself.
    folder = next(parent for parent in config.outbox.path.absolute().parents if parent.exists())
    if not os.access(folder, os.W_OK):
        yield f"outbox {config.outbox.path}: folder {folder} cannot be written by this user"


def _line_warnings(line: LineConfig, config: GatewayConfig, profiles: Mapping[str, Profile]) -> Iterator[str]:
    if line.port.startswith("/"):
        if not Path(line.port).exists():
            yield f"line {line.port}: no such device"
        elif not os.access(line.port, os.R_OK | os.W_OK):
            yield f"line {line.port}: this user may not read and write it, expected a member of its group"
    interval_s = config.gateway.poll_interval_s
    if (seconds := sweep_s(line, profiles)) > interval_s:
        yield (
            f"line {line.port}: one sweep takes {seconds:.1f} s, longer than poll_interval_s"
            f" {interval_s:g}: devices are polled as often as the wire allows"
        )


def _cabinet_warnings(
    line: LineConfig, config: GatewayConfig, profiles: Mapping[str, Profile]
) -> Iterator[str]:
    lamps = sum(
        profiles[device.profile].kind is ProfileKind.LAMP for each in config.lines for device in each.devices
    )
    for device in line.devices:
        if lamps and device.contactor is not None and device.contactor.follows == "lit":
            yield (
                f"contactor of {device.id} follows the plan: lamps with controllers behind it ({lamps} on"
                " this gateway) have no power by day and are reported as unresponsive,"
                ' expected follows = "always" for them'
            )
        if device.photocell and config.gateway.poll_interval_s > 2 * AGREEMENT.seconds:
            yield (
                f"photocell of {device.id} is read every {config.gateway.poll_interval_s:g} s and trusted"
                " when two readings agree: the street would be switched as late as that"
            )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _ranges(units: Sequence[int]) -> str:
    """Return unit numbers as a person writes them, such as: units 1–3, 7."""
    runs: list[list[int]] = []
    for unit in sorted(units):
        if runs and unit == runs[-1][-1] + 1:
            runs[-1].append(unit)
        else:
            runs.append([unit])
    text = ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
    return f"unit{'s' if len(units) > 1 else ''} {text}"
