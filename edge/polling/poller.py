"""Asks the devices of one line in turn: on a fixed cadence, never behind it, and seldom the dead ones."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from edge.devices.device import Device
from edge.line import Lane, LineError, PortUnavailableError
from edge.polling.reader import Reader
from edge.polling.schedule import FIRST_PROBE_S, PollSchedule, PollSlot
from protocols.clock import Clock, wall_seconds_until

log = structlog.get_logger(__name__)

_RETRY_S = 1.0
_PORT_PAUSE_S = 1.0
_PORT_GRACE_S = 5.0
_SLOW_EVERY = timedelta(minutes=15)
_LONGEST_WAIT_S = 60.0


class Poller:
    """The polls of one line; `is_asking` while one waits for its answer."""

    def __init__(
        self,
        reader: Reader,
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
        self._turns = PollSchedule(())
        self._refusing: set[Device] = set()
        self._port_failed_at: float | None = None
        self._port_reported = False
        self.is_asking = False

    async def run(self) -> None:
        """Poll until cancelled; the first polls are spread over one interval."""
        start = self._clock.now()
        step = self._interval / max(1, len(self._devices))
        self._turns = PollSchedule(
            PollSlot(device, start + step * index, start + step * index)
            for index, device in enumerate(self._devices)
        )
        while True:
            turn = self._turns.next(self._clock.now(), asyncio.get_running_loop().time())
            if turn is None:
                await asyncio.sleep(self._wait_s())
                continue
            self._turns.remove(turn)
            self.is_asking = True
            try:
                await self._poll(turn)
            finally:
                self.is_asking = False
                self._turns.put(turn)

    def _wait_s(self) -> float:
        waits = [_LONGEST_WAIT_S]
        if (living := self._turns.first_responsive()) is not None:
            waits.append(wall_seconds_until(self._clock, living.due))
        if (dead := self._turns.first_quarantined()) is not None:
            waits.append(dead.probe_at - asyncio.get_running_loop().time())
        return max(min(waits), 0.001)

    async def _poll(self, turn: PollSlot) -> None:
        now = self._clock.now()
        slow = turn.slow_due <= now
        began = asyncio.get_running_loop().time()
        was_quarantined = turn.is_quarantined
        try:
            await self._reader.read(turn.device, Lane.SLOW if was_quarantined else Lane.READING, slow=slow)
        except PortUnavailableError as error:
            await self._port_failed(str(error))
            return
        except LineError as error:
            if was_quarantined:
                self._turns.probe_missed(began, asyncio.get_running_loop().time())
            self._missed(turn, error)
            return
        self._port_works()
        self._refuses(turn.device, None)
        self._advance(turn)
        if slow:
            turn.slow_due = now + _SLOW_EVERY
        if was_quarantined:
            self._turns.expect_all(asyncio.get_running_loop().time())

    def _advance(self, turn: PollSlot) -> None:
        """The next turn on the cadence; one that has passed already is skipped, not caught up."""
        turn.due = max(turn.due + self._interval, self._clock.now())
        turn.probe_pause_s = FIRST_PROBE_S

    def _missed(self, turn: PollSlot, error: LineError) -> None:
        device = turn.device
        wall = asyncio.get_running_loop().time()
        self._port_works()
        if turn.is_quarantined:
            turn.missed_probe(wall)
        elif device.failures:
            turn.due = self._clock.now() + timedelta(seconds=_RETRY_S * self._clock.speed)
        else:
            self._refuses(device, str(error))
            self._advance(turn)

    def _refuses(self, device: Device, why: str | None) -> None:
        """Say once that a device begins, or ends, to refuse its polls."""
        if (device in self._refusing) == (why is not None):
            return
        if why is None:
            self._refusing.discard(device)
            log.info("device takes its polls again", device=device.id)
        else:
            self._refusing.add(device)
            log.warning("device refuses its polls", device=device.id, why=why)

    async def _port_failed(self, why: str) -> None:
        wall = asyncio.get_running_loop().time()
        if self._port_failed_at is None:
            self._port_failed_at = wall
        if not self._port_reported and wall - self._port_failed_at >= _PORT_GRACE_S:
            self._port_reported = True
            self._on_port(why)
        await asyncio.sleep(_PORT_PAUSE_S)

    def _port_works(self) -> None:
        self._port_failed_at = None
        if self._port_reported:
            self._port_reported = False
            self._on_port(None)
