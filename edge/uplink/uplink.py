"""The gateway's connection to the cloud: connect, birth, deliver, receive, and back off when it breaks."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final

import aiomqtt
import structlog

from edge.config.settings import GatewayConfig
from edge.control.ports import CommandSink
from edge.outbox import Outbox, StoredRecord
from edge.storage.state import StateStore
from edge.uplink.delivery import Delivery
from edge.uplink.messages import MessageWriter
from edge.uplink.mqtt import BatchClient, batch_client
from edge.uplink.ports import PlanSink, ResponsiveDevices, TimeSink
from edge.uplink.receiver import HostWentOffline, Receiver
from edge.uplink.sender import Sender
from protocols.clock import Clock, to_unix_ms
from protocols.mapping import COMMANDED_METRICS
from protocols.sparkplug.edge_node import EdgeNodeSession
from protocols.sparkplug.topics import state_host
from runtime.backoff import Backoff
from runtime.cancellation import raise_if_cancelled
from runtime.failure_reporter import FailureReporter

log = structlog.get_logger(__name__)

LONGEST_PAUSE_S: Final = 5.0
_FIRST_PAUSE_S = 1.0
_DEATH_TIMEOUT_S = 2.0


class UplinkState(StrEnum):
    """How far the connection to the cloud reaches."""

    ONLINE = "online"
    WAITING = "waiting"
    """The broker is connected, the primary host is offline."""
    DOWN = "down"


class Uplink:
    """One gateway's Sparkplug session over MQTT; polls and programs continue whatever happens to it."""

    def __init__(
        self,
        config: GatewayConfig,
        *,
        outbox: Outbox,
        state: StateStore,
        commands: CommandSink,
        plan: PlanSink,
        time: TimeSink,
        devices: ResponsiveDevices,
        clock: Clock,
    ) -> None:
        gateway_id, area = config.gateway.id, config.gateway.area
        self._gateway_id = gateway_id
        self._mqtt = config.mqtt
        self._client_id = f"lentera-{area}-{gateway_id}"
        self._outbox = outbox
        self._state = state
        self._clock = clock
        self._session = EdgeNodeSession(
            area, gateway_id, config.mqtt.primary_host, never_aliased=COMMANDED_METRICS
        )
        self._delivery = Delivery()
        writer = MessageWriter(self._session, devices, plan, clock)
        self._sender = Sender(gateway_id, self._session, writer, self._delivery, outbox)
        self._receiver = Receiver(
            gateway_id,
            self._session,
            self._sender,
            self._delivery,
            outbox=outbox,
            commands=commands,
            plan=plan,
            time=time,
            clock=clock,
        )
        self._reporter = FailureReporter(
            log, "broker_unreachable", "broker_reconnected", level="warning", gateway=gateway_id
        )
        self._backoff = Backoff(_FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._problem: str | None = "not connected yet"

    @property
    def state(self) -> UplinkState:
        """How far the connection to the cloud reaches now."""
        if self._problem is not None:
            return UplinkState.DOWN
        return UplinkState.ONLINE if self._session.is_born else UplinkState.WAITING

    @property
    def problem(self) -> str | None:
        """Why the broker is unreachable; None while it is connected."""
        return self._problem

    @property
    def in_flight(self) -> int:
        """How many records were sent and not acknowledged yet."""
        return self._delivery.in_flight

    def offer(self, records: Sequence[StoredRecord]) -> None:
        """Take records that have just become durable."""
        self._sender.offer(records)

    def rescan_backlog(self) -> None:
        """Read the backlog from its start again: records that could not be sent before have become ready."""
        self._delivery.rescan_backlog()
        self._sender.wake()

    def request_time(self) -> None:
        """Have the cloud send its time, by another birth: it answers each birth with its time."""
        self._sender.request_birth()

    def publish_plan_state(self) -> None:
        """Report which lighting plan is in force: one was accepted or refused."""
        self._sender.request_plan_state()

    async def run(self) -> None:
        """Stay connected until cancelled, with back-off between attempts."""
        # The epoch of the outbox is part of the birth.
        await self._outbox.opened.wait()
        while True:
            try:
                await self._run_session()
            except* aiomqtt.MqttError as errors:
                self._problem = str(errors.exceptions[0])
                self._reporter.failed(self._problem)
            except* HostWentOffline:
                log.info("cloud_offline", gateway=self._gateway_id)
            raise_if_cancelled()
            await asyncio.sleep(self._backoff.pause_s())

    async def _run_session(self) -> None:
        number = await self._state.next_birth_death_number()
        will = self._session.will(self._now_ms(), number)
        async with batch_client(self._mqtt, self._client_id, will) as client:
            raise_if_cancelled()
            self._session.connected()
            self._sender.connected()
            try:
                for topic, qos in self._session.subscriptions():
                    await client.subscribe(topic, qos)
                    raise_if_cancelled()
                self._reporter.recovered(attempts=self._backoff.attempts)
                self._backoff.reset()
                self._problem = None
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._sender.run(client))
                    tasks.create_task(self._sender.tick(client))
                    await self._receive(client)
            finally:
                if self._session.is_born:
                    # Where the connection has broken instead, the broker publishes our will.
                    with suppress(aiomqtt.MqttError):
                        await client.publish_all(self._session.death(self._now_ms()), _DEATH_TIMEOUT_S)

    async def _receive(self, client: BatchClient) -> None:
        async for message in client.messages:
            topic = str(message.topic)
            if message.retain and state_host(topic) is None:
                # It was meant for the moment it was published; retained, it would repeat at each connection.
                log.warning("retained_command_ignored", gateway=self._gateway_id, topic=topic)
            elif isinstance(message.payload, bytes):
                for event in self._session.receive(topic, message.payload):
                    self._receiver.handle(event)

    def _now_ms(self) -> int:
        return to_unix_ms(self._clock.now())
