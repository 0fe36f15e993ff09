"""Reads a device and tells the rest of the gateway: a reading, a silence, a return, a restart."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog

from edge.devices.cabinet import cabinet_reading
from edge.devices.device import MEASURED_FIELDS, Device, Part
from edge.line import (
    Lane,
    Line,
    NoResponseError,
    PortUnavailableError,
    RequestRefusedError,
    TransientLineError,
)
from edge.outbox import Record
from protocols.cabinet import DeviceReading
from protocols.clock import Clock
from protocols.events import DeviceEvent, EventType
from protocols.lamp import LampReading
from protocols.modbus.codec import BlockDecoder, ReadBlock, Value
from protocols.modbus.points import BOOT_COUNTER, FEEDBACK_POINT, LEVEL_POINT, POWER_CYCLE
from protocols.modbus.profile import Profile

log = structlog.get_logger(__name__)

FAILURES_UNTIL_SILENT: Final = 3
"""Polls in a row without a valid answer before a device counts as silent: one lost frame is no fault."""

_WHOLE_NUMBERS = frozenset({"feedback_level_percent", "switch_on_counter"})


class Reader:
    """The one way a line's devices are read, so that every answer counts, whoever asked for it."""

    def __init__(
        self,
        line: Line,
        clock: Clock,
        record: Callable[[Record], object],
    ) -> None:
        self._line = line
        self._clock = clock
        self._record = record
        self._observers: list[Callable[[Device], None]] = []
        self._decoders: dict[tuple[int, ReadBlock], tuple[Profile, BlockDecoder]] = {}

    def add_observer(self, observer: Callable[[Device], None]) -> None:
        """Call `observer` after each reading of a device."""
        self._observers.append(observer)

    async def read(self, device: Device, lane: Lane, *, slow: bool = False) -> DeviceReading:
        """Read the device and record what it said, or the silence that begins; then raises LineError."""
        values: dict[str, Value] = {}
        try:
            if device.answering is False:
                await self._probe(device, lane)
            slow = slow or not device.slow_values
            units: tuple[Device | Part, ...] = (device, *device.parts)
            for part in units:
                for block in part.fast_blocks:
                    values |= await self._values(part, block, lane)
                for block in part.slow_blocks if slow else ():
                    device.slow_values |= await self._values(part, block, Lane.SLOW)
        except PortUnavailableError:
            raise
        except TransientLineError as error:
            self._failed(device, error)
            raise
        reading = self._reading(device, {**device.slow_values, **values})
        self._answered(device)
        self._notice_restart(device, values.get(BOOT_COUNTER), values.get(POWER_CYCLE))
        device.last_reading = reading
        self._record(reading)
        for observer in self._observers:
            observer(device)
        return reading

    async def _probe(self, device: Device, lane: Lane) -> None:
        """See whether a dead device is there, before anything long is asked of it."""
        # One that refuses the odd question is there all the same.
        with suppress(RequestRefusedError):
            for block in (*device.fast_blocks, *device.slow_blocks)[:1]:
                await self._line.probe(device.unit, block, lane)

    async def _values(self, device: Device | Part, block: ReadBlock, lane: Lane) -> dict[str, Value]:
        words = await self._line.read(device.unit, block, lane)
        return self._decoder(device.profile, block).decode(words)

    def _decoder(self, profile: Profile, block: ReadBlock) -> BlockDecoder:
        known = self._decoders.get((id(profile), block))
        if known is None:
            # The profile is kept, so that its id stays its own.
            known = self._decoders[id(profile), block] = (profile, BlockDecoder(profile, block))
        return known[1]

    def _reading(self, device: Device, values: dict[str, Value]) -> DeviceReading:
        if not device.is_lamp:
            return cabinet_reading(device.id, self._clock.now(), values)
        measured: dict[str, Any] = {name: values.get(name) for name in MEASURED_FIELDS}
        if device.feedback_point == LEVEL_POINT:
            # Controllers without a register of its own give back what was written.
            measured[FEEDBACK_POINT] = values.get(LEVEL_POINT)
        for name in _WHOLE_NUMBERS:
            if measured[name] is not None:
                measured[name] = int(measured[name])
        return LampReading(
            device_id=device.id,
            time=self._clock.now(),
            target_level_percent=device.target_level_percent,
            reason=device.reason,
            **measured,
        )

    def _answered(self, device: Device) -> None:
        device.failures = 0
        if device.answering is False:
            log.info("device answers again", device=device.id, unit=device.unit)
            self._record_event(device, EventType.COMMUNICATION_FAILURE, active=False)
        device.answering = True

    def _failed(self, device: Device, error: TransientLineError) -> None:
        device.failures += 1
        if device.failures < FAILURES_UNTIL_SILENT or device.answering is False:
            return
        device.answering = False
        device.invalidate_written()
        log.warning("device does not answer", device=device.id, unit=device.unit, why=str(error))
        kind = "no answer" if isinstance(error, NoResponseError) else "no valid answer"
        info = f"{kind} to {device.failures} requests in a row: {error}"
        self._record_event(device, EventType.COMMUNICATION_FAILURE, active=True, info=info)

    def _notice_restart(self, device: Device, counter: Value, power_cycle: Value) -> None:
        """By its boot counter, or where it has none by its saying so, once each time."""
        info = ""
        if counter is not None:
            before, device.boot_counter = device.boot_counter, int(counter)
            if before is not None and before != device.boot_counter:
                info = f"boot counter went from {before} to {device.boot_counter}"
        elif power_cycle is not None:
            is_new = device.power_cycle_seen is False and bool(power_cycle)
            device.power_cycle_seen = bool(power_cycle)
            info = "says that it got no level since it started" if is_new else ""
        if info:
            device.invalidate_written()
            log.info("device restarted", device=device.id, why=info)
            self._record_event(device, EventType.DEVICE_RESET, active=True, info=info)

    def _record_event(self, device: Device, event: EventType, *, active: bool, info: str = "") -> None:
        self._record(DeviceEvent(device.id, event, self._clock.now(), active, info))
