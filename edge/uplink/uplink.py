"""The gateway's MQTT connection: births, records up, acknowledgements and commands down."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Final

import aiomqtt
import structlog

from edge.config.settings import GatewayConfig
from edge.control.command_executor import CommandExecutor
from edge.control.plan_keeper import PlanFollower
from edge.outbox import Outbox, StoredRecord
from edge.storage.state import StateStore
from edge.uplink.delivery import Delivery
from edge.uplink.messages import MessageWriter
from edge.uplink.mqtt import BatchClient, batch_client
from protocols.cabinet import CabinetReading, DeviceReading
from protocols.clock import Clock, to_unix_ms
from protocols.lamp import LampReading
from protocols.mapping import (
    COMMANDED_METRICS,
    InvalidMetrics,
    ack_from,
    command_from,
    plan_from,
    plan_issued_ms,
    time_from,
)
from protocols.metrics import COMMAND_ID
from protocols.sparkplug.edge_node import (
    DeviceCommand,
    EdgeEvent,
    EdgeNodeSession,
    HostOffline,
    HostOnline,
    MessageRejected,
    NodeCommand,
    RebirthRequested,
)
from protocols.sparkplug.messages import Outgoing
from protocols.sparkplug.payload import MetricValue
from protocols.sparkplug.topics import state_host
from protocols.sparkplug.values import WrongValue
from runtime.cancellation import raise_if_cancelled

log = structlog.get_logger(__name__)

LONGEST_PAUSE_S: Final = 5.0

_FIRST_PAUSE_S = 0.5
_FAREWELL_S = 2.0
_RECORDS_AT_ONCE = 50
_TICK_S = 1.0
_GATHER_S = 0.1
"""Readings leave together so often: one system call for several; events and results do not wait."""

_LAST_POSITION = 2**63 - 1


class UplinkState(StrEnum):
    """How far the way to the cloud goes: all of it, to the broker where the cloud is awaited, or nowhere."""

    ONLINE = "online"
    WAITING = "waiting"
    DOWN = "down"


class _HostGone(Exception):  # noqa: N818 - it ends a session, it is no error
    """The primary host went offline: say goodbye, disconnect, come back and wait for it."""


class Uplink:
    """One gateway's way to the cloud. Whatever happens to it, polls and programme go on without it."""

    def __init__(
        self,
        config: GatewayConfig,
        *,
        outbox: Outbox,
        memory: StateStore,
        commander: CommandExecutor,
        plan: PlanFollower,
        answering: Callable[[], Mapping[str, DeviceReading]],
        clock: Clock,
        on_time: Callable[[datetime], None],
    ) -> None:
        self._mqtt = config.mqtt
        self._name = config.gateway.id
        self._outbox = outbox
        self._memory = memory
        self._commander = commander
        self._plan = plan
        self._answering = answering
        self._clock = clock
        self._on_time = on_time
        self._session = EdgeNodeSession(
            config.gateway.area, config.gateway.id, config.mqtt.primary_host, never_aliased=COMMANDED_METRICS
        )
        self._writer = MessageWriter(self._session, answering, lambda: plan.state, clock)
        self._identifier = f"lentera-{config.gateway.area}-{config.gateway.id}"
        self._delivery = Delivery()
        self._work = asyncio.Event()
        self._gathering: asyncio.TimerHandle | None = None
        self._birth_wanted = False
        self._plan_wanted = False
        self._failures = 0
        self._problem: str | None = "not connected yet"

    @property
    def state(self) -> UplinkState:
        """How far the way to the cloud goes now."""
        if self._problem is not None:
            return UplinkState.DOWN
        return UplinkState.ONLINE if self._session.is_born else UplinkState.WAITING

    @property
    def problem(self) -> str | None:
        """Why the broker is out of reach, while it is."""
        return self._problem

    @property
    def in_flight(self) -> int:
        """How many records were sent and not acknowledged yet."""
        return self._delivery.in_flight

    def offer(self, records: Sequence[StoredRecord]) -> None:
        """Take records that have just become durable."""
        if not self._session.is_born:
            return
        self._delivery.offer(records)
        if not all(isinstance(stored.record, LampReading | CabinetReading) for stored in records):
            self._work.set()
        elif self._gathering is None or self._gathering.when() < asyncio.get_running_loop().time():
            self._gathering = asyncio.get_running_loop().call_later(_GATHER_S, self._work.set)

    def look_again(self) -> None:
        """There are records on disk again that could not be sent before."""
        self._delivery.look_again()
        self._work.set()

    def ask_time(self) -> None:
        """The clock is in doubt: at each birth the cloud says what time it is."""
        self._birth_wanted = True
        self._work.set()

    def tell_plan(self) -> None:
        """A plan was taken or refused: say which one is in force."""
        self._plan_wanted = True
        self._work.set()

    async def run(self) -> None:
        """Stay connected until cancelled, with full-jitter back-off between attempts."""
        await self._outbox.opened.wait()
        while True:
            try:
                await self._connect()
            except* aiomqtt.MqttError as errors:
                self._failures += 1
                self._problem = str(errors.exceptions[0])
                if self._failures == 1:
                    log.warning("broker out of reach", gateway=self._name, why=str(errors.exceptions[0]))
            except* _HostGone:
                log.info("cloud is offline", gateway=self._name)
            raise_if_cancelled()
            ceiling_s = min(LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._failures, 10))
            await asyncio.sleep(random.uniform(0, ceiling_s))

    async def _connect(self) -> None:
        number = await self._memory.next_birth_death_number()
        will = self._session.will(self._now_ms(), number)
        async with batch_client(self._mqtt, self._identifier, will) as client:
            raise_if_cancelled()
            self._session.connected()
            await self._serve(client)

    async def _serve(self, client: BatchClient) -> None:
        self._birth_wanted = False
        try:
            for topic, qos in self._session.subscriptions():
                await client.subscribe(topic, qos)
                raise_if_cancelled()
            if self._failures:
                log.info("broker in reach again", gateway=self._name, attempts=self._failures)
            self._failures = 0
            self._problem = None
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(client))
                tasks.create_task(self._tick(client))
                await self._receive(client)
        finally:
            if self._session.is_born:
                # Where the connection has broken instead, the broker publishes our will.
                with suppress(aiomqtt.MqttError):
                    await client.publish_all(self._session.death(self._now_ms()), _FAREWELL_S)

    async def _receive(self, client: BatchClient) -> None:
        async for message in client.messages:
            topic = str(message.topic)
            if message.retain and state_host(topic) is None:
                # Whoever left it with the broker meant it once, and it would come again at each connection.
                log.warning("retained command ignored", gateway=self._name, topic=topic)
            elif isinstance(message.payload, bytes):
                for event in self._session.receive(topic, message.payload):
                    self._handle(event)

    def _handle(self, event: EdgeEvent) -> None:
        if isinstance(event, NodeCommand):
            self._told(event.metrics)
        elif isinstance(event, DeviceCommand):
            self._command(event)
        elif isinstance(event, HostOnline | RebirthRequested):
            self._birth_wanted = True
            self._work.set()
        elif isinstance(event, MessageRejected):
            log.warning("message ignored", gateway=self._name, topic=event.topic, why=event.why)
        elif isinstance(event, HostOffline) and self._session.is_born:
            raise _HostGone

    def _told(self, metrics: Sequence[MetricValue]) -> None:
        try:
            cloud_time, acknowledged, plan = time_from(metrics), ack_from(metrics), plan_from(metrics)
        except InvalidMetrics as error:
            log.warning("node command not understood", gateway=self._name, why=str(error))
            return
        if cloud_time is not None:
            self._on_time(cloud_time)
        if acknowledged is not None:
            self._acknowledge(*acknowledged)
        if plan is not None:
            self._plan.submit(plan, plan_issued_ms(metrics))
        if cloud_time is None and acknowledged is None and plan is None:
            log.warning("node command ignored", gateway=self._name, metrics=[each.label for each in metrics])

    def _acknowledge(self, epoch: int, ranges: Sequence[tuple[int, int]]) -> None:
        if epoch != self._outbox.epoch:
            log.warning("acknowledgement of another outbox", gateway=self._name, epoch=epoch)
            return
        known = [(first, min(last, _LAST_POSITION)) for first, last in ranges if first <= _LAST_POSITION]
        self._delivery.acknowledge(known, asyncio.get_running_loop().time())
        self._outbox.acknowledge(known)
        self._work.set()

    def _command(self, event: DeviceCommand) -> None:
        try:
            command = command_from(event.device, event.metrics, self._clock.now())
        except InvalidMetrics as error:
            self._commander.reject(_command_id(event.metrics), event.device, str(error))
        else:
            self._commander.submit(command)

    async def _send(self, client: BatchClient) -> None:
        while True:
            self._work.clear()
            if self._birth_wanted and self._session.may_birth:
                await self._give_birth(client)
            if self._plan_wanted and self._session.is_born:
                self._plan_wanted = False
                await client.publish_all(self._writer.plan_state())
            if self._session.is_born and await self._send_some(client):
                continue
            await self._work.wait()

    async def _tick(self, client: BatchClient) -> None:
        """Once a second, look for what must be sent again and for devices that have died."""
        while True:
            await asyncio.sleep(_TICK_S)
            self._work.set()
            if self._session.is_born and not self._delivery.has_backlog:
                await client.publish_all(self._writer.deaths())

    async def _give_birth(self, client: BatchClient) -> None:
        self._birth_wanted = False
        if not self._session.is_born:
            self._delivery.restart(asyncio.get_running_loop().time())
        self._plan_wanted = False  # births say it
        births = self._writer.births(self._outbox.epoch)
        log.info("gateway born", gateway=self._name, lamps=len(births) - 1)
        await client.publish_all(births)

    async def _send_some(self, client: BatchClient) -> bool:
        """Send what is most urgent; False when there is nothing to send now."""
        now = asyncio.get_running_loop().time()
        if live := self._delivery.take_live(_RECORDS_AT_ONCE):
            await self._send_records(client, live, late=False)
            return True
        late = self._delivery.take_overdue(now, _RECORDS_AT_ONCE)
        query = None if late else self._delivery.backlog_query()
        if query is not None:
            late = self._delivery.take_backlog(query, await self._outbox.backlog(query.after, query.limit))
        for start in range(0, len(late), _RECORDS_AT_ONCE):
            await self._send_records(client, late[start : start + _RECORDS_AT_ONCE], late=True)
        return bool(late)

    async def _send_records(
        self, client: BatchClient, records: Sequence[StoredRecord], *, late: bool
    ) -> None:
        messages: list[Outgoing] = []
        for stored in records:
            try:
                messages += self._writer.record(stored, is_historical=late)
            except WrongValue as error:
                # No repetition can send it, and it must not hold up the others.
                self._outbox.acknowledge([(stored.position, stored.position)])
                log.error("record cannot be sent", gateway=self._name, record=stored, why=str(error))  # noqa: TRY400
        self._delivery.sent(records, asyncio.get_running_loop().time())
        await client.publish_all(messages)

    def _now_ms(self) -> int:
        return to_unix_ms(self._clock.now())


def _command_id(metrics: Iterable[MetricValue]) -> str | None:
    for metric in metrics:
        if metric.name == COMMAND_ID and isinstance(metric.value, str) and metric.value:
            return metric.value
    return None
