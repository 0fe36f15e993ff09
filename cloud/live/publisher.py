"""Live updates on their way out: gathered, the newest of each thing, and sent a few times a second."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import islice

import msgspec

from cloud.alarms.views import AlarmView
from cloud.commands.views import CommandView
from cloud.config import LIVE_TOPIC
from cloud.live.model import IngestView, LiveUpdate
from cloud.state.views import GatewayView, LampView
from protocols.metrics import LAMP_METRICS

INTERVAL_S = 0.25
LAMPS_PER_MESSAGE = 500
"""Our choice: about 200 kB of JSON, so that a message passes brokers and slow links."""

MOST_SILENCE = timedelta(minutes=1)
"""An unchanged lamp is published again after this much domain time, so that its age stays true."""

_DEADBANDS = {metric.field: metric.deadband for metric in LAMP_METRICS}

Publish = Callable[[str, bytes], Awaitable[object]]


class LivePublisher:
    """Publishes changes on the live topic, a few times a second; a map that misses one reads all again."""

    def __init__(self, publish: Publish, interval_s: float = INTERVAL_S) -> None:
        self._publish = publish
        self._interval_s = interval_s
        self._lamps: dict[str, LampView] = {}
        self._alarms: dict[int, AlarmView] = {}
        self._commands: dict[str, CommandView] = {}
        self._gateways: dict[str, GatewayView] = {}
        self._ingest: IngestView | None = None
        self._published: dict[str, LampView] = {}
        self._changed = asyncio.Event()

    def add(self, update: LiveUpdate) -> None:
        """Add what changed."""
        self._lamps |= {lamp.id: lamp for lamp in update.lamps}
        self._alarms |= {alarm.id: alarm for alarm in update.alarms}
        self._commands |= {command.id: command for command in update.commands}
        self._gateways |= {gateway.id: gateway for gateway in update.gateways}
        self._ingest = update.ingest or self._ingest
        if self._lamps or self._alarms or self._commands or self._gateways or self._ingest:
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
        lamps = [
            lamp for lamp in self._lamps.values() if worth_publishing(self._published.get(lamp.id), lamp)
        ]
        self._published |= {lamp.id: lamp for lamp in lamps}
        alarms = tuple(self._alarms.values())
        commands, gateways = tuple(self._commands.values()), tuple(self._gateways.values())
        ingest, self._ingest = self._ingest, None
        self._lamps, self._alarms, self._commands, self._gateways = {}, {}, {}, {}
        if not (lamps or alarms or commands or gateways or ingest):
            return []
        values = iter(lamps)
        first = LiveUpdate(
            lamps=tuple(islice(values, LAMPS_PER_MESSAGE)),
            alarms=alarms,
            commands=commands,
            gateways=gateways,
            ingest=ingest,
        )
        updates = [first]
        while chunk := tuple(islice(values, LAMPS_PER_MESSAGE)):
            updates.append(LiveUpdate(lamps=chunk))
        return updates


def worth_publishing(published: LampView | None, now: LampView) -> bool:
    """Return whether `now` differs from the view `published` last by more than noise."""
    if published is None or published.observed_at is None or now.observed_at is None:
        return published != now
    if not timedelta(0) <= now.observed_at - published.observed_at < MOST_SILENCE:
        return True
    if _differ(published.actual_light_state, now.actual_light_state, _DEADBANDS["actual_level_percent"]):
        return True
    if _differ(published.active_power, now.active_power, _DEADBANDS["active_power_w"]):
        return True
    noise = {
        "observed_at": published.observed_at,
        "actual_light_state": published.actual_light_state,
        "active_power": published.active_power,
    }
    return msgspec.structs.replace(now, **noise) != published


def _differ(published: float | None, now: float | None, deadband: float) -> bool:
    if published is None or now is None:
        return published is not now
    return abs(published - now) >= deadband
