"""Live updates on their way out: gathered, the newest of each thing, and sent a few times a second."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice

import msgspec

from cloud.config import LIVE_TOPIC
from cloud.live.model import AlarmView, CommandView, GatewayView, LampView, LiveUpdate

INTERVAL_S = 0.25
LAMPS_PER_MESSAGE = 500
"""Keeps a message below what brokers and slow links take in one piece."""

Publish = Callable[[str, bytes], Awaitable[None]]


class LivePublisher:
    """Publishes what changes on the live topic, a few times a second; a map that misses it asks again."""

    def __init__(self, publish: Publish, interval_s: float = INTERVAL_S) -> None:
        self._publish = publish
        self._interval_s = interval_s
        self._lamps: dict[str, LampView] = {}
        self._alarms: dict[int, AlarmView] = {}
        self._commands: dict[str, CommandView] = {}
        self._gateways: dict[str, GatewayView] = {}
        self._changed = asyncio.Event()

    def add(self, update: LiveUpdate) -> None:
        """Add what changed."""
        self._lamps |= {lamp.id: lamp for lamp in update.lamps}
        self._alarms |= {alarm.id: alarm for alarm in update.alarms}
        self._commands |= {command.id: command for command in update.commands}
        self._gateways |= {gateway.id: gateway for gateway in update.gateways}
        if self._lamps or self._alarms or self._commands or self._gateways:
            self._changed.set()

    async def run(self) -> None:
        """Publish until cancelled: at once when idle, then at most once in an interval of wall time."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            for update in self._take():
                await self._publish(LIVE_TOPIC, msgspec.json.encode(update))
            await asyncio.sleep(self._interval_s)

    def _take(self) -> list[LiveUpdate]:
        lamps, alarms = self._lamps, tuple(self._alarms.values())
        commands, gateways = tuple(self._commands.values()), tuple(self._gateways.values())
        self._lamps, self._alarms, self._commands, self._gateways = {}, {}, {}, {}
        values = iter(lamps.values())
        first = LiveUpdate(
            lamps=tuple(islice(values, LAMPS_PER_MESSAGE)),
            alarms=alarms,
            commands=commands,
            gateways=gateways,
        )
        updates = [first]
        while chunk := tuple(islice(values, LAMPS_PER_MESSAGE)):
            updates.append(LiveUpdate(lamps=chunk))
        return updates
