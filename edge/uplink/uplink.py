"""The gateway's connection to the cloud: connect, birth, deliver, receive, and back off when it breaks."""

import asyncio
from contextlib import suppress
from enum import StrEnum
from typing import Final

import aiomqtt
import structlog

from edge.config.settings import GatewayConfig
from edge.control.ports import CommandSink
from edge.outbox import Outbox
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
from runtime.message_guard import MessageGuard

log = structlog.get_logger(__name__)

LONGEST_PAUSE_S: Final = 5.0
_FIRST_PAUSE_S = 1.0
_DEATH_TIMEOUT_S = 2.0


class UplinkState(StrEnum):
    """The state of the connection to the cloud."""

    ONLINE = "online"
    WAITING = "waiting"
    """The broker is connected, the primary host is offline."""
    DOWN = "down"


class Uplink:
    """One gateway's Sparkplug session over MQTT; polls and plans do not depend on it.

    `sender` and `delivery` remain the same over all connections.
    """

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
        self.delivery = Delivery()
        writer = MessageWriter(self._session, devices, plan, clock)
        self.sender = Sender(gateway_id, self._session, writer, self.delivery, outbox)
        self._receiver = Receiver(
            gateway_id,
            self._session,
            self.sender,
            self.delivery,
            outbox=outbox,
            commands=commands,
            plan=plan,
            time=time,
            clock=clock,
        )
        self._reporter = FailureReporter(
            log, "broker_unreachable", "broker_reconnected", level="warning", gateway=gateway_id
        )
        self._guard = MessageGuard(log, pass_on=(HostWentOffline,), gateway=gateway_id)
        self._backoff = Backoff(_FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self.problem: str | None = "not connected yet"
        """Why the broker is unreachable; None while it is connected."""

    @property
    def state(self) -> UplinkState:
        """The state of the connection to the cloud now."""
        if self.problem is not None:
            return UplinkState.DOWN
        return UplinkState.ONLINE if self._session.is_born else UplinkState.WAITING

    def rescan_backlog(self) -> None:
        """Read the backlog from its start again: records that could not be sent before have become ready."""
        self.delivery.rescan_backlog()
        self.sender.wake()

    def request_time(self) -> None:
        """Request the time of the cloud by another birth: the cloud answers each birth with its time."""
        self.sender.request_birth()

    async def run(self) -> None:
        """Stay connected until cancelled, with back-off between attempts."""
        # The epoch of the outbox is part of the birth.
        await self._outbox.opened.wait()
        while True:
            try:
                await self._run_session()
            except* aiomqtt.MqttError as errors:
                self.problem = str(errors.exceptions[0])
                self._reporter.failed(self.problem)
            except* HostWentOffline:
                log.info("cloud_offline", gateway=self._gateway_id)
            raise_if_cancelled()
            await asyncio.sleep(self._backoff.pause_s())

    async def _run_session(self) -> None:
        number = await self._state.next_birth_death_number()
        will = self._session.will(to_unix_ms(self._clock.now()), number)
        async with batch_client(self._mqtt, self._client_id, will) as client:
            raise_if_cancelled()
            self._session.connected()
            self.sender.connected()
            try:
                for topic, qos in self._session.subscriptions():
                    await client.subscribe(topic, qos)
                    raise_if_cancelled()
                self._reporter.recovered(attempts=self._backoff.attempts)
                self._backoff.reset()
                self.problem = None
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.sender.run(client))
                    tasks.create_task(self.sender.tick(client))
                    await self._receive(client)
            finally:
                if self._session.is_born:
                    # If the connection was lost instead, the broker publishes the will.
                    with suppress(aiomqtt.MqttError):
                        death = self._session.death(to_unix_ms(self._clock.now()))
                        await client.publish_all(death, _DEATH_TIMEOUT_S)

    async def _receive(self, client: BatchClient) -> None:
        async for message in client.messages:
            topic = str(message.topic)
            if message.retain and state_host(topic) is None:
                # A command is for the moment it is published; retained, it would repeat at each connection.
                log.warning("retained_command_ignored", gateway=self._gateway_id, topic=topic)
            elif isinstance(message.payload, bytes):
                with self._guard.message(topic):
                    for event in self._session.receive(topic, message.payload):
                        self._receiver.handle(event)
