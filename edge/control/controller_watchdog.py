"""What controllers do by themselves when no gateway speaks to them: told once and checked."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from edge.devices.device import Device
from edge.line import Lane, Line, LineError, PortUnavailableError
from protocols.modbus.codec import CodecError, ReadBlock, Value, decode_block, encode_write, plan_reads
from protocols.modbus.points import LEVEL_POINTS, RAMP_POINT, TIMEOUT_POINT
from protocols.modbus.profile import Poll, Profile

log = structlog.get_logger(__name__)

LONGEST_TIMEOUT_S: Final = 65534

_RETRY_S = 60.0


@dataclass(frozen=True, slots=True)
class ControllerWatchdogSettings:
    """After how long without a word from a gateway a controller goes to which level; 0 is never."""

    timeout_s: int
    level_percent: int


class ControllerWatchdog:
    """The watchdog of one line's controllers. Only what differs is written: such registers wear out."""

    def __init__(self, line: Line, devices: Sequence[Device], settings: ControllerWatchdogSettings) -> None:
        self._line = line
        self._wanted: dict[str, int] = {
            TIMEOUT_POINT: settings.timeout_s,
            **dict.fromkeys(LEVEL_POINTS, settings.level_percent),
        }
        self._due = {device for device in devices if self._points(device.profile)}
        self._wake = asyncio.Event()
        self._boots: dict[Device, int | None] = {}
        self._failing: set[Device] = set()

    async def run(self) -> None:
        """Set each controller as soon as it answers, and again when it has restarted, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for device in [each for each in self._due if each.answering]:
                try:
                    await self._settle(device)
                except (LineError, CodecError) as error:
                    if not isinstance(error, PortUnavailableError):
                        self._report(device, str(error))
                    asyncio.get_running_loop().call_later(_RETRY_S, self._wake.set)
                else:
                    self._due.discard(device)
                    self._report(device, None)

    def observe(self, device: Device) -> None:
        """A reading came: one from a controller that has restarted may be from another controller."""
        if device not in self._boots or self._boots[device] != device.boot_counter:
            if device in self._boots and self._points(device.profile):
                self._due.add(device)
            self._boots[device] = device.boot_counter
            if device in self._due:
                self._wake.set()

    def _report(self, device: Device, why: str | None) -> None:
        """Say once when a controller's watchdog begins, or ceases, to resist."""
        if (device in self._failing) == (why is not None):
            return
        if why is None:
            self._failing.discard(device)
            log.info("controller's watchdog can be set again", device=device.id)
        else:
            self._failing.add(device)
            log.warning("controller's watchdog cannot be set", device=device.id, why=why)

    async def _settle(self, device: Device) -> None:
        profile = device.profile
        wanted = {point: self._wanted[point] for point in self._points(profile)}
        present = await self._read(device)
        different = {point: value for point, value in wanted.items() if present.get(point) != value}
        for point, value in different.items():
            await self._line.write(device.unit, encode_write(profile, point, value), Lane.SLOW)
        if different:
            present = await self._read(device)
            left = [point for point in different if present.get(point) != wanted[point]]
            if left:
                raise CodecError(f"{device.id} does not keep {', '.join(left)}")
            log.info("controller's watchdog set", device=device.id, **different)

    async def _read(self, device: Device) -> Mapping[str, Value]:
        values: dict[str, Value] = {}
        for block in _blocks(device.profile, {*self._wanted, RAMP_POINT}):
            words = await self._line.read(device.unit, block, Lane.SLOW)
            found = decode_block(device.profile, block, words)
            if RAMP_POINT in found:
                # Before anything else is awaited: a command may set another meanwhile.
                ramp_s = found[RAMP_POINT]
                device.written_ramp_s = None if ramp_s is None else float(ramp_s)
            values.update(found)
        return values

    def _points(self, profile: Profile) -> list[str]:
        return [each.name for each in profile.registers if each.name in self._wanted and each.writable]


def _blocks(profile: Profile, points: Iterable[str]) -> list[ReadBlock]:
    """The requests that read these points."""
    wanted = [each for each in profile.registers if each.name in set(points)]
    return [
        block
        for block in plan_reads(profile, Poll.SLOW)
        if any(each.table is block.table and block.address <= each.address < block.end for each in wanted)
    ]
