"""Asks the devices of one line in turn: on a fixed cadence, never behind it, and seldom the dead ones."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

import structlog

from edge.device import Device
from edge.line import Lane, LineError, PortUnavailableError
from edge.reader import Reader
from protocols.clock import Clock, wall_seconds_until

log = structlog.get_logger(__name__)

PROBE_SHARE: Final = 0.1
"""At most this share of a busy line's time goes to devices that do not answer."""

_RETRY_S = 1.0
_FIRST_PROBE_S = 2.0
_LAST_PROBE_S = 60.0
_PORT_PAUSE_S = 1.0
_PORT_GRACE_S = 5.0
_SLOW_EVERY = timedelta(minutes=15)
_LONGEST_WAIT_S = 60.0

_DUE = attrgetter("due")
_PROBE_AT = attrgetter("probe_at")


@dataclass(slots=True)
class Turn:
    """When a device is asked next: in domain time while it answers, by the loop's clock when it is dead."""

    device: Device
    due: datetime
    slow_due: datetime
    probe_at: float = 0.0
    probe_pause_s: float = _FIRST_PROBE_S


class Poller:
    """The polls of one line."""

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
        self._turns: list[Turn] = []
        self._probes_from = 0.0
        self._port_failed_at: float | None = None
        self._port_reported = False

    async def run(self) -> None:
        """Poll until cancelled; the first polls are spread over one interval."""
        start = self._clock.now()
        step = self._interval / max(1, len(self._devices))
        self._turns = [
            Turn(device, start + step * index, start + step * index)
            for index, device in enumerate(self._devices)
        ]
        while True:
            turn = self._next(asyncio.get_running_loop().time())
            if turn is None:
                await asyncio.sleep(self._wait_s())
            else:
                await self._poll(turn)

    def _next(self, wall: float) -> Turn | None:
        """The device to ask now: the longest due, or a dead one when there is time for it."""
        first = min(self._alive(), key=_DUE, default=None)
        if first is not None and first.due > self._clock.now():
            first = None
        if first is not None and wall < self._probes_from:
            return first
        dead = min(self._dead(), key=_PROBE_AT, default=None)
        return first if dead is None or dead.probe_at > wall else dead

    def _wait_s(self) -> float:
        waits = [_LONGEST_WAIT_S]
        if (first := min(self._alive(), key=_DUE, default=None)) is not None:
            waits.append(wall_seconds_until(self._clock, first.due))
        if (dead := min(self._dead(), key=_PROBE_AT, default=None)) is not None:
            waits.append(dead.probe_at - asyncio.get_running_loop().time())
        return max(min(waits), 0.001)

    def _alive(self) -> Iterator[Turn]:
        return (turn for turn in self._turns if turn.device.answering is not False)

    def _dead(self) -> Iterator[Turn]:
        return (turn for turn in self._turns if turn.device.answering is False)

    async def _poll(self, turn: Turn) -> None:
        now = self._clock.now()
        slow = turn.slow_due <= now
        began = asyncio.get_running_loop().time()
        was_dead = turn.device.answering is False
        try:
            await self._reader.read(turn.device, Lane.SLOW if was_dead else Lane.READING, slow=slow)
        except PortUnavailableError as error:
            await self._port_failed(str(error))
            return
        except LineError as error:
            self._missed(turn, began, error)
            return
        finally:
            if was_dead:
                ended = asyncio.get_running_loop().time()
                self._probes_from = ended + (ended - began) * (1 / PROBE_SHARE - 1)
        self._port_works()
        self._advance(turn)
        if slow:
            turn.slow_due = now + _SLOW_EVERY
        if was_dead:
            self._probe_all()

    def _advance(self, turn: Turn) -> None:
        """The next turn on the cadence; one that has passed already is skipped, not caught up."""
        turn.due = max(turn.due + self._interval, self._clock.now())
        turn.probe_pause_s = _FIRST_PROBE_S

    def _missed(self, turn: Turn, began: float, error: LineError) -> None:
        device = turn.device
        wall = asyncio.get_running_loop().time()
        self._port_works()
        if device.answering is False:
            turn.probe_at = wall + turn.probe_pause_s
            turn.probe_pause_s = min(turn.probe_pause_s * 2, _LAST_PROBE_S)
        elif device.failures:
            turn.due = self._clock.now() + timedelta(seconds=_RETRY_S * self._clock.speed)
        else:
            log.warning("poll refused", device=device.id, took_s=round(wall - began, 3), why=str(error))
            self._advance(turn)

    def _probe_all(self) -> None:
        """One device is back: whatever silenced it may be over for the others."""
        wall = asyncio.get_running_loop().time()
        for turn in self._turns:
            turn.probe_at = min(turn.probe_at, wall)
            turn.probe_pause_s = _FIRST_PROBE_S

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
