"""Configures the watchdogs of controllers: the level they set when they get no request from a gateway."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from edge.control.level_writer import LevelWriter
from edge.devices.device import Device
from edge.line import Lane, Line, LineError, PortUnavailableError
from edge.polling.reader import DeviceReader
from protocols.lamp import LampReading
from protocols.modbus.codec import CodecError, ReadBlock, Value, decode_block, encode_write, plan_reads
from protocols.modbus.points import LEVEL_POINTS, RAMP_POINT, TIMEOUT_POINT
from protocols.modbus.profile import Poll, Profile
from runtime.failure_reporter import KeyedFailureReporter

log = structlog.get_logger(__name__)

LONGEST_TIMEOUT_S: Final = 65534

_RETRY_S = 60.0
"""Also for controllers that became unresponsive before they were configured: their return is no restart."""


@dataclass(frozen=True, slots=True)
class ControllerWatchdogSettings:
    """The level (0-100 %) a controller takes after `timeout_s` without a request; 0 means never."""

    timeout_s: int
    level_percent: int


class ControllerWatchdog:
    """The watchdogs of one line's controllers. Only what differs is written: such registers wear out."""

    def __init__(
        self,
        line: Line,
        reader: DeviceReader,
        writer: LevelWriter,
        devices: Sequence[Device],
        settings: ControllerWatchdogSettings,
    ) -> None:
        self._line = line
        self._reader = reader
        self._writer = writer
        self._wanted: dict[str, int] = {
            TIMEOUT_POINT: settings.timeout_s,
            **dict.fromkeys(LEVEL_POINTS, settings.level_percent),
        }
        self._due = {device for device in devices if self._points(device.profile)}
        self._wake = asyncio.Event()
        self._boots: dict[Device, int | None] = {}
        self._failures = KeyedFailureReporter(
            log,
            "controller_watchdog_failed",
            "controller_watchdog_recovered",
            key="device",
            level="warning",
        )

    async def run(self) -> None:
        """Configure each controller when it responds, and again when it has restarted, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_RETRY_S if self._due else None):
                    await self._wake.wait()
            self._wake.clear()
            for device in list(self._due):
                # Checked for each: a request to one that no longer responds would cost the line a timeout.
                if not self._reader.presences[device].is_responsive:
                    continue
                try:
                    await self._configure(device)
                except (LineError, CodecError) as error:
                    if not isinstance(error, PortUnavailableError):
                        self._failures.failed(device.id, error)
                else:
                    self._due.discard(device)
                    self._failures.recovered(device.id)

    def observe(self, device: Device, reading: LampReading) -> None:  # noqa: ARG002 - that it came is enough
        """Configure a polled controller that is new or has restarted: it may be a replacement."""
        boots = self._reader.presences[device].boot_counter
        if device not in self._boots or self._boots[device] != boots:
            if device in self._boots and self._points(device.profile):
                self._due.add(device)
            self._boots[device] = boots
            if device in self._due:
                self._wake.set()

    async def _configure(self, device: Device) -> None:
        profile = device.profile
        wanted = {point: self._wanted[point] for point in self._points(profile)}
        present = await self._read(device)
        different = {point: value for point, value in wanted.items() if present.get(point) != value}
        if not different:
            return
        for point, value in different.items():
            await self._line.write(device.unit, encode_write(profile, point, value), Lane.SLOW)
        present = await self._read(device)
        if left := [point for point in different if present.get(point) != wanted[point]]:
            raise CodecError(f"{device.id} does not store {', '.join(left)}")
        log.info("controller_watchdog_set", device=device.id, **different)

    async def _read(self, device: Device) -> Mapping[str, Value]:
        values: dict[str, Value] = {}
        for block in _blocks(device.profile, {*self._wanted, RAMP_POINT}):
            words = await self._line.read(device.unit, block, Lane.SLOW)
            found = decode_block(device.profile, block, words)
            if RAMP_POINT in found:
                # Before anything else is awaited: a command may write another ramp meanwhile.
                ramp_s = found[RAMP_POINT]
                self._writer.record_ramp(device, None if ramp_s is None else float(ramp_s))
            values.update(found)
        return values

    def _points(self, profile: Profile) -> list[str]:
        return [each.name for each in profile.registers if each.name in self._wanted and each.writable]


def _blocks(profile: Profile, points: Iterable[str]) -> list[ReadBlock]:
    """Return the requests that read these points."""
    wanted = [each for each in profile.registers if each.name in set(points)]
    return [
        block
        for block in plan_reads(profile, Poll.SLOW)
        if any(each.table is block.table and block.address <= each.address < block.end for each in wanted)
    ]
