"""Polls the devices of one line at a fixed cadence, skipping polls that fall behind it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from edge.devices.device import Device
from edge.line import Lane, LineError, PortUnavailableError
from edge.polling.reader import DeviceReader
from edge.polling.schedule import FIRST_PROBE_S, PollSchedule, PollSlot
from protocols.clock import Clock, wall_seconds_until
from runtime.failure_reporter import KeyedFailureReporter

log = structlog.get_logger(__name__)

_RETRY_S = 1.0
_PORT_PAUSE_S = 1.0

_PORT_GRACE_S = 5.0
"""Shorter outages are not reported. Our choice: converters leave the USB bus for seconds and return."""

_SLOW_EVERY = timedelta(minutes=15)
_LONGEST_WAIT_S = 60.0


class Poller:
    """Polls one line, each device once per `interval` of `clock`, which must be one that is never set.

    `on_port` is called with the error when the port is lost, and with None when it can be used again.
    `is_polling` is True while a poll waits for its response.
    """

    def __init__(
        self,
        reader: DeviceReader,
        clock: Clock,
        interval: timedelta,
        devices: Sequence[Device],
        on_port: Callable[[str | None], None],
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._interval = interval
        self._devices = devices
        self._on_port = on_port
        self._schedule = PollSchedule(())
        self._refusals = KeyedFailureReporter(
            log, "polls_refused", "polls_accepted", key="device", level="warning"
        )
        self._port_failed_at: float | None = None
        self._port_reported = False
        self.is_polling = False

    async def run(self) -> None:
        """Poll until cancelled; the first polls are spread over one interval."""
        start = self._clock.now()
        step = self._interval / max(1, len(self._devices))
        self._schedule = PollSchedule(
            PollSlot(device, self._reader.presences[device], start + step * index, start + step * index)
            for index, device in enumerate(self._devices)
        )
        while True:
            slot = self._schedule.next(self._clock.now(), asyncio.get_running_loop().time())
            if slot is None:
                waits = [_LONGEST_WAIT_S]
                if (responsive := self._schedule.first_responsive()) is not None:
                    waits.append(wall_seconds_until(self._clock, responsive.due))
                if (quarantined := self._schedule.first_quarantined()) is not None:
                    waits.append(quarantined.probe_at - asyncio.get_running_loop().time())
                await asyncio.sleep(max(min(waits), 0.001))
                continue
            # Not in the schedule while it is polled: its presence, which decides its place there, may change.
            self._schedule.remove(slot)
            self.is_polling = True
            try:
                await self._poll(slot)
            finally:
                self.is_polling = False
                self._schedule.put(slot)

    async def _poll(self, slot: PollSlot) -> None:
        now = self._clock.now()
        slow = slot.slow_due <= now
        loop = asyncio.get_running_loop()
        began = loop.time()
        was_quarantined = slot.is_quarantined
        # Most probes end in a timeout: all other requests go first.
        lane = Lane.SLOW if was_quarantined else Lane.READING
        failure: LineError | None = None
        try:
            await self._reader.poll(slot.device, lane, slow=slow)
        except PortUnavailableError as error:
            # The slot stays due: no device has been polled, so none has failed.
            await self._port_failed(str(error))
            return
        except LineError as error:
            failure = error
        self._port_failed_at = None
        if self._port_reported:
            self._port_reported = False
            self._on_port(None)
        if failure is not None:
            if was_quarantined:
                self._schedule.probe_failed(began, loop.time())
            self._poll_failed(slot, failure)
            return
        self._refusals.recovered(slot.device.id)
        self._advance(slot)
        if slow:
            slot.slow_due = now + _SLOW_EVERY
        if was_quarantined:
            self._schedule.probe_all_soon(loop.time())

    def _advance(self, slot: PollSlot) -> None:
        """Keep to the cadence; a poll whose time has passed already is skipped, not caught up."""
        slot.due = max(slot.due + self._interval, self._clock.now())
        slot.probe_pause_s = FIRST_PROBE_S

    def _poll_failed(self, slot: PollSlot, error: LineError) -> None:
        if slot.is_quarantined:
            slot.back_off(asyncio.get_running_loop().time())
        elif slot.presence.failures:
            # Soon, not at the next interval: three failures in a row decide whether the device responds.
            slot.due = self._clock.now() + timedelta(seconds=_RETRY_S * self._clock.speed)
        else:
            # It responded, by a refusal: reading again at once would change nothing.
            self._refusals.failed(slot.device.id, error)
            self._advance(slot)

    async def _port_failed(self, error: str) -> None:
        wall = asyncio.get_running_loop().time()
        if self._port_failed_at is None:
            self._port_failed_at = wall
        if not self._port_reported and wall - self._port_failed_at >= _PORT_GRACE_S:
            self._port_reported = True
            self._reader.port_lost()
            self._on_port(error)
        await asyncio.sleep(_PORT_PAUSE_S)
