"""The smallest cloud a gateway can talk to: a Sparkplug host on a real broker that remembers all it heard."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiomqtt

from protocols.cabinet import CabinetReading
from protocols.clock import Clock, ScaledClock, to_unix_ms
from protocols.events import DeviceEvent
from protocols.lamp import CommandResult, LampReading, LightCommand
from protocols.mapping import (
    PlanState,
    ack_metrics,
    cabinet_from,
    command_metrics,
    epoch_from,
    event_from,
    is_cabinet_data,
    plan_state_from,
    position_from,
    reading_from,
    result_from,
)
from protocols.sparkplug.host import HostSession
from protocols.sparkplug.host_events import (
    DeviceBorn,
    DeviceData,
    DeviceDied,
    HostEvent,
    NodeBorn,
    NodeData,
    NodeDied,
    RebirthNeeded,
)
from protocols.sparkplug.messages import Outgoing, device_command, node_command, rebirth_request
from protocols.sparkplug.payload import MetricValue
from runtime.cancellation import raise_if_cancelled

AREA, GATEWAY = "32.04.37", "soreang-01"
EVENING = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)  # 20:00 in Bandung: lit at 100 %


def clock_at(start: datetime, speed: float = 1.0) -> ScaledClock:
    """A clock that reads `start` now."""
    return ScaledClock(start, time.time(), speed, time.time)


class Cloud:
    """What a gateway said, and the means to answer; `acknowledges` may be switched off."""

    def __init__(self, clock: Clock) -> None:
        self.acknowledges = True
        self.epoch: int | None = None
        self.positions: set[int] = set()
        self.readings: dict[tuple[str, datetime], LampReading] = {}
        self.cabinets: dict[str, CabinetReading] = {}
        self.events: dict[int, DeviceEvent] = {}
        self.results: dict[int, CommandResult] = {}
        self.result_at: dict[str, float] = {}
        self.plans: list[PlanState] = []
        self.messages = 0
        self.historical = 0
        self.births = 0
        self.rebirths = 0
        self.node_alive = False
        self.alive: set[str] = set()
        self._clock = clock
        self._session = HostSession("lentera")
        self._client: aiomqtt.Client | None = None
        self._online = asyncio.Event()
        self._unacknowledged: list[int] = []

    @asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[None]:
        """Be online at the broker, and again when it has died and come back."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._run(port))
            try:
                await self._online.wait()
                yield
            finally:
                running.cancel()

    async def _run(self, port: int) -> None:
        while True:
            try:
                await self._connect(port)
            except* aiomqtt.MqttError:
                self._online.clear()
            raise_if_cancelled()
            await asyncio.sleep(0.1)

    async def _connect(self, port: int) -> None:
        will = self._session.will(self._now_ms())
        async with aiomqtt.Client(
            "127.0.0.1", port, will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain)
        ) as client:
            client.pending_calls_threshold = 1000
            self._client = client
            for topic, qos in self._session.subscriptions():
                await client.subscribe(topic, qos)
            raise_if_cancelled()
            await self._publish([self._session.online(self._now_ms())])
            self._online.set()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._tick())
                    await self._receive(client)
            except asyncio.CancelledError:
                await self._publish([self._session.offline(self._now_ms())])
                raise

    async def command(
        self, lamp_id: str, level: int | None, command_id: str, **changes: timedelta | None
    ) -> None:
        """Send an override as our cloud does."""
        now = self._clock.now()
        deadline = changes.get("deadline") or timedelta(minutes=5)
        expiration = changes.get("expiration", timedelta(hours=2))
        command = LightCommand(
            command_id,
            lamp_id,
            level,
            now + (changes.get("start") or timedelta(0)),
            now + deadline,
            None if expiration is None else now + expiration,
        )
        await self.send_metrics(lamp_id, command_metrics(command))

    async def send_metrics(
        self, lamp_id: str, metrics: Sequence[MetricValue], *, retain: bool = False
    ) -> None:
        """Send a DCMD with these metrics; one to retain is what no host should send."""
        message = device_command(AREA, GATEWAY, lamp_id, metrics, self._now_ms())
        await self._publish([replace(message, retain=retain)])

    async def send_node_metrics(self, metrics: Sequence[MetricValue]) -> None:
        """Send an NCMD with these metrics."""
        await self._publish([node_command(AREA, GATEWAY, metrics, self._now_ms())])

    def result(self, command_id: str, lamp_id: str | None = None) -> CommandResult | None:
        """The answer to a command, once it has come."""
        for each in self.results.values():
            if each.command_id == command_id and lamp_id in (None, each.device_id):
                return each
        return None

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            self.messages += 1
            for event in self._session.receive(str(message.topic), message.payload, self._now_ms()):
                await self._handle(event)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            for event in self._session.tick(self._now_ms()):
                await self._handle(event)
            if self.acknowledges and self._unacknowledged and self.epoch is not None:
                ranges = [(position, position) for position in self._unacknowledged]
                self._unacknowledged.clear()
                await self.send_node_metrics(ack_metrics(self.epoch, ranges))

    async def _handle(self, event: HostEvent) -> None:
        if isinstance(event, NodeBorn):
            self.births += 1
            self.node_alive = True
            self.epoch = epoch_from(event.metrics)
            self._hear_of_plan(event.metrics)
        elif isinstance(event, NodeDied):
            self.node_alive = False
            self.alive.clear()
        elif isinstance(event, DeviceBorn):
            self.alive.add(event.device)
        elif isinstance(event, DeviceDied):
            self.alive.discard(event.device)
        elif isinstance(event, RebirthNeeded):
            self.rebirths += 1
            await self._publish([rebirth_request(event.group, event.node, self._now_ms())])
        elif isinstance(event, DeviceData) or (
            isinstance(event, NodeData) and not self._hear_of_plan(event.metrics)
        ):
            self._store(event)

    def _hear_of_plan(self, metrics: Sequence[MetricValue]) -> bool:
        if (state := plan_state_from(metrics)) is not None:
            self.plans.append(state)
        return state is not None

    def _store(self, event: DeviceData | NodeData) -> None:
        position = position_from(event.metrics)
        assert position is not None
        self.positions.add(position)
        self._unacknowledged.append(position)
        self.historical += event.metrics[0].is_historical
        if isinstance(event, DeviceData) and is_cabinet_data(event.metrics):
            cabinet = cabinet_from(event.device, event.metrics, event.timestamp_ms)
            self.cabinets[event.device] = cabinet
            return
        if isinstance(event, DeviceData):
            reading = reading_from(event.device, event.metrics, event.timestamp_ms)
            self.readings[reading.device_id, reading.time] = reading
            return
        if (happened := event_from(event.metrics)) is not None:
            self.events[position] = happened
        if (result := result_from(event.metrics)) is not None:
            self.results[position] = result
            self.result_at.setdefault(result.command_id, time.monotonic())

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        assert self._client is not None
        for each in messages:
            await self._client.publish(each.topic, each.payload, each.qos, each.retain, timeout=math.inf)

    def _now_ms(self) -> int:
        return to_unix_ms(self._clock.now())
