"""A gateway for tests: an outbox in memory, real Sparkplug, and every bad habit a test asks for."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiomqtt

from protocols.events import DeviceEvent
from protocols.lamp import CommandResult, LampReading
from protocols.lighting.plan import plan_hash
from protocols.mapping import (
    COMMANDED_METRICS,
    PRIMARY_HOST,
    PlanState,
    ack_from,
    device_birth,
    event_metrics,
    gateway_birth,
    plan_from,
    plan_state_metrics,
    position_metric,
    reading_metrics,
    result_metrics,
    time_from,
)
from protocols.sparkplug.edge_node import (
    DeviceCommand,
    EdgeNodeSession,
    HostOffline,
    HostOnline,
    NodeCommand,
    RebirthRequested,
)
from protocols.sparkplug.messages import Outgoing
from protocols.sparkplug.payload import MetricValue
from runtime.cancellation import raise_if_cancelled

Record = LampReading | DeviceEvent | CommandResult


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Edge:
    """One gateway with its lamps; records stay in `outbox` until the cloud acknowledges them."""

    port: int
    gateway: str
    lamps: Sequence[str]
    group: str = "32.04.37"
    epoch: int = 1_700_000_000_000
    resend_s: float = 0.5
    window: int = 200
    outbox: dict[int, Record] = field(default_factory=dict)
    commands: list[DeviceCommand] = field(default_factory=list)
    sent: int = 0
    acknowledged: int = 0
    born: bool = False
    births: int = 0
    told_times: list[datetime] = field(default_factory=list)
    plans: list[bytes] = field(default_factory=list)
    """Plan documents as they came; the newest is followed, unless `refusal` says why not."""
    refusal: str = ""
    plan: PlanState = field(default_factory=PlanState)

    def __post_init__(self) -> None:
        self._session = EdgeNodeSession(
            self.group, self.gateway, PRIMARY_HOST, never_aliased=COMMANDED_METRICS
        )
        self._sent_at: dict[int, float] = {}
        self._next_position = 1
        self._connects = 0
        self._client: aiomqtt.Client | None = None
        self._quarantined: set[str] = set()

    def put(self, record: Record) -> int:
        """Take a record into the outbox; its position."""
        position = self._next_position
        self.outbox[position] = record
        self._next_position += 1
        return position

    async def run(self) -> None:
        """Connect, publish and resend until cancelled, reconnecting whenever the host goes away."""
        while True:
            try:
                await self._connect_once()
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)
            self.born = False

    async def kill_lamp(self, lamp_id: str) -> None:
        """The lamp no longer answers."""
        self._quarantined.add(lamp_id)
        await self._publish(self._session.device_death(lamp_id, wall_ms()))

    async def cut(self) -> None:
        """Say NDEATH and stay connected, as seen by others: gone."""
        await self._publish(self._session.death(wall_ms()))
        self.born = False

    async def rebirth(self) -> None:
        births = {
            lamp: device_birth(LampReading(lamp, _EPOCH))
            for lamp in self.lamps
            if lamp not in self._quarantined
        }
        now_ms = wall_ms()
        birth = gateway_birth(self.epoch, now_ms, self.plan)
        await self._publish(self._session.birth(birth, births, now_ms))
        self._sent_at.clear()
        self.births += 1
        self.born = True

    async def _connect_once(self) -> None:
        self._connects += 1
        self.born = False
        will = self._session.will(wall_ms(), self._connects)
        client = aiomqtt.Client(
            "127.0.0.1",
            self.port,
            identifier=self.gateway,
            will=aiomqtt.Will(will.topic, will.payload, will.qos),
        )
        async with client:
            self._client = client
            self._session.connected()
            await client.subscribe(self._session.subscriptions())
            raise_if_cancelled()
            pump = asyncio.create_task(self._pump())
            try:
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    stays = await self._receive(str(message.topic), message.payload)
                    raise_if_cancelled()
                    if not stays:
                        return
            finally:
                pump.cancel()
                await asyncio.gather(pump, return_exceptions=True)

    async def _receive(self, topic: str, body: bytes) -> bool:
        for event in self._session.receive(topic, body):
            if isinstance(event, HostOnline | RebirthRequested):
                await self.rebirth()
            elif isinstance(event, HostOffline):
                await self._publish(self._session.death(wall_ms()))
                return False
            elif isinstance(event, DeviceCommand):
                self.commands.append(event)
            elif isinstance(event, NodeCommand) and (told := time_from(event.metrics)) is not None:
                self.told_times.append(told)
            elif isinstance(event, NodeCommand) and (document := plan_from(event.metrics)) is not None:
                await self._take_plan(document)
            elif isinstance(event, NodeCommand) and (found := ack_from(event.metrics)) is not None:
                self._acknowledge(*found)
        return True

    async def _take_plan(self, document: bytes) -> None:
        self.plans.append(document)
        in_force = self.plan.hash if self.refusal else plan_hash(document)
        self.plan = PlanState(in_force, self.refusal)
        metrics = plan_state_metrics(self.plan.hash, self.plan.problem)
        await self._publish(self._session.node_data(metrics, wall_ms()))

    def _acknowledge(self, epoch: int, ranges: Sequence[tuple[int, int]]) -> None:
        assert epoch == self.epoch
        for first, last in ranges:
            for position in range(first, last + 1):
                self.acknowledged += self.outbox.pop(position, None) is not None
                self._sent_at.pop(position, None)

    async def _pump(self) -> None:
        while True:
            now_s = time.monotonic()
            for position in list(self.outbox):
                if not self.born or (len(self._sent_at) >= self.window and position not in self._sent_at):
                    break
                if now_s - self._sent_at.get(position, -1e9) >= self.resend_s and position in self.outbox:
                    self._sent_at[position] = now_s
                    await self._send(position, self.outbox[position])
            await asyncio.sleep(0.01)

    async def _send(self, position: int, record: Record) -> None:
        now_ms = wall_ms()
        place = position_metric(position, now_ms)
        self.sent += 1
        if isinstance(record, LampReading):
            metrics = [*reading_metrics(record), place]
            await self._publish(self._session.device_data(record.device_id, metrics, now_ms))
        else:
            await self._publish(self._session.node_data([*_body(record), place], now_ms))

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        assert self._client is not None
        for message in messages:
            await self._client.publish(message.topic, message.payload, message.qos, message.retain)


def _body(record: DeviceEvent | CommandResult) -> list[MetricValue]:
    return event_metrics(record) if isinstance(record, DeviceEvent) else result_metrics(record)


_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
