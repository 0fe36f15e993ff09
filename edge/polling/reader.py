"""Reads the devices of one line; records each reading, and each silence, return and restart it shows."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import structlog

from edge.devices.device import CABINET_FIELDS, LAMP_FIELDS, Device, Part
from edge.line import (
    Lane,
    Line,
    NoResponseError,
    PortUnavailableError,
    RequestRefusedError,
    TransientLineError,
)
from edge.outbox import RecordSink
from edge.polling.ports import LampTarget, ReadingObserver, StateLossObserver
from edge.polling.presence import Presence, PresenceState
from protocols.cabinet import CabinetReading, SwitchState
from protocols.clock import Clock
from protocols.events import DeviceEvent, EventType
from protocols.lamp import LampReading
from protocols.modbus.codec import BlockDecoder, ReadBlock, Value
from protocols.modbus.points import (
    BOOT_COUNTER,
    CONTACTOR_CONTACT,
    FEEDBACK_POINT,
    LEVEL_POINT,
    POWER_CYCLE,
)
from protocols.modbus.profile import Profile, ProfileKind

log = structlog.get_logger(__name__)

_WHOLE_NUMBERS = frozenset({"feedback_level_percent", "switch_on_counter"})


class DeviceReader:
    """Reads the devices of a line, for polls and read-backs alike, so that every response counts.

    `targets` are the target levels that become part of the readings of lamps; lamps without a writable level
    have none. `presences` is for callers to read, not to write. The observers of lamps and cabinets receive
    each polled reading, in the order they were added; those of state losses are informed when a device may
    have lost what was written to it.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        records: RecordSink,
        devices: Iterable[Device],
        targets: Mapping[Device, LampTarget],
    ) -> None:
        self._line = line
        self._clock = clock
        self._records = records
        self._targets = targets
        self.presences: Mapping[Device, Presence] = {device: Presence() for device in devices}
        self.lamp_observers: list[ReadingObserver[LampReading]] = []
        self.cabinet_observers: list[ReadingObserver[CabinetReading]] = []
        self.state_loss_observers: list[StateLossObserver] = []
        self._decoders: dict[tuple[int, ReadBlock], tuple[Profile, BlockDecoder]] = {}

    def restore_boot_counters(self, counters: Mapping[str, int]) -> None:
        """Set the boot counters saved before a restart of the gateway, by device id."""
        for device, presence in self.presences.items():
            presence.boot_counter = counters.get(device.id)

    def port_lost(self) -> None:
        """Reset the presence of every device: nothing is known of devices behind a port that is gone."""
        for device, presence in self.presences.items():
            presence.state = PresenceState.UNKNOWN  # no fault of the device
            self._lose_state(device)

    async def poll(self, device: Device, lane: Lane, *, slow: bool = False) -> None:
        """Read a device, with its slow registers if `slow`, and pass the reading to the observers.

        Raises:
            LineError: no valid response. A silence that begins with it has been recorded.
        """
        if device.profile.kind is ProfileKind.LAMP:
            lamp_reading = await self.read_lamp(device, lane, slow=slow)
            for lamp_observer in self.lamp_observers:
                lamp_observer.observe(device, lamp_reading)
        else:
            cabinet_reading = await self._read_cabinet(device, lane, slow=slow)
            for cabinet_observer in self.cabinet_observers:
                cabinet_observer.observe(device, cabinet_reading)

    async def read_lamp(self, lamp: Device, lane: Lane, *, slow: bool = False) -> LampReading:
        """Read and record a lamp without informing the observers, such as to verify what was written.

        Raises:
            LineError: no valid response, as of `poll`.
        """
        values = await self._read_values(lamp, lane, slow=slow)
        measured: dict[str, Any] = {name: values.get(name) for name in LAMP_FIELDS}
        if lamp.feedback_point == LEVEL_POINT:
            # Without a feedback register the target level is read back instead.
            measured[FEEDBACK_POINT] = values.get(LEVEL_POINT)
        for name in _WHOLE_NUMBERS:
            if measured[name] is not None:
                measured[name] = int(measured[name])
        target = self._targets.get(lamp)
        reading = LampReading(
            device_id=lamp.id,
            time=self._clock.now(),
            target_level_percent=None if target is None else target.target_level_percent,
            reason=None if target is None else target.reason,
            **measured,
        )
        self.presences[lamp].last_reading = reading
        self._records.append(reading)
        return reading

    async def _read_cabinet(self, cabinet: Device, lane: Lane, *, slow: bool) -> CabinetReading:
        values = await self._read_values(cabinet, lane, slow=slow)
        measured: dict[str, Any] = {name: values[name] for name in CABINET_FIELDS if name in values}
        closed = measured.get(CONTACTOR_CONTACT)
        if closed is not None:
            measured[CONTACTOR_CONTACT] = SwitchState.ON if closed else SwitchState.OFF
        reading = CabinetReading(cabinet.id, self._clock.now(), **measured)
        self.presences[cabinet].last_reading = reading
        self._records.append(reading)
        return reading

    async def _read_values(self, device: Device, lane: Lane, *, slow: bool) -> dict[str, Value]:
        """Read a device, and record what the outcome shows: silence, return or restart."""
        presence = self.presences[device]
        try:
            values = await self._read_units(device, presence, lane, slow=slow)
        except PortUnavailableError:
            raise  # no evidence about the device
        except TransientLineError as error:
            if presence.record_failure():
                self._lose_state(device)
                log.warning("device_unresponsive", device=device.id, unit=device.unit, error=str(error))
                kind = "no answer" if isinstance(error, NoResponseError) else "no valid answer"
                info = f"{kind} to {presence.failures} requests in a row: {error}"
                self._record_event(device, EventType.COMMUNICATION_FAILURE, active=True, info=info)
            raise
        if presence.record_response():
            log.info("device_responsive", device=device.id, unit=device.unit)
            self._record_event(device, EventType.COMMUNICATION_FAILURE, active=False)
        if restart := presence.record_boot(values.get(BOOT_COUNTER), values.get(POWER_CYCLE)):
            # Before any observer sees the reading: what was written before the restart is void.
            self._lose_state(device)
            log.info("device_restarted", device=device.id, evidence=restart)
            self._record_event(device, EventType.DEVICE_RESET, active=True, info=restart)
        return {**presence.slow_values, **values}

    async def _read_units(
        self, device: Device, presence: Presence, lane: Lane, *, slow: bool
    ) -> dict[str, Value]:
        """Read all units of a device; slow registers, which are never urgent, always in the slow lane."""
        if presence.is_unresponsive:
            # One short request first: the long reads of a device that is still silent would take more time.
            with suppress(RequestRefusedError):  # a refusal is a response
                for block in (*device.fast_blocks, *device.slow_blocks)[:1]:
                    await self._line.probe(device.unit, block, lane)
        # A reading needs all its fields: those of the slow registers are read with the first poll.
        slow = slow or not presence.slow_values
        values: dict[str, Value] = {}
        units: tuple[Device | Part, ...] = (device, *device.parts)
        for unit in units:
            for block in unit.fast_blocks:
                values |= await self._read_block(unit, block, lane)
            for block in unit.slow_blocks if slow else ():
                presence.slow_values |= await self._read_block(unit, block, Lane.SLOW)
        return values

    async def _read_block(self, unit: Device | Part, block: ReadBlock, lane: Lane) -> dict[str, Value]:
        words = await self._line.read(unit.unit, block, lane)
        # By id: to hash a whole profile at each read would cost more than to decode the block.
        known = self._decoders.get((id(unit.profile), block))
        if known is None:
            # The profile is stored too, so that no other object can get its id.
            known = (unit.profile, BlockDecoder(unit.profile, block))
            self._decoders[id(unit.profile), block] = known
        return known[1].decode(words)

    def _lose_state(self, device: Device) -> None:
        for observer in self.state_loss_observers:
            observer.state_lost(device)

    def _record_event(self, device: Device, event: EventType, *, active: bool, info: str = "") -> None:
        self._records.append(DeviceEvent(device.id, event, self._clock.now(), active, info))
