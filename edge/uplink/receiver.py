"""Handles what the cloud sends on one Sparkplug session: time, acknowledgements, plans and commands."""

import asyncio
from collections.abc import Sequence

import structlog

from edge.control.ports import CommandSink
from edge.outbox import Outbox
from edge.uplink.delivery import Delivery
from edge.uplink.ports import PlanSink, TimeSink
from edge.uplink.sender import Sender
from protocols.clock import Clock
from protocols.mapping import InvalidMetrics, ack_from, command_from, plan_from, plan_issued_ms, time_from
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
from protocols.sparkplug.payload import MetricValue

log = structlog.get_logger(__name__)

_LAST_POSITION = 2**63 - 1
"""The largest integer that SQLite stores."""


class HostWentOffline(Exception):  # noqa: N818 - it ends a session, it is no error
    """The primary host application is offline: by Sparkplug the node disconnects and waits for it."""


class Receiver:
    """Passes each event of the session to its sink."""

    def __init__(
        self,
        gateway_id: str,
        session: EdgeNodeSession,
        sender: Sender,
        delivery: Delivery,
        *,
        outbox: Outbox,
        commands: CommandSink,
        plan: PlanSink,
        time: TimeSink,
        clock: Clock,
    ) -> None:
        self._gateway_id = gateway_id
        self._session = session
        self._sender = sender
        self._delivery = delivery
        self._outbox = outbox
        self._commands = commands
        self._plan = plan
        self._time = time
        self._clock = clock

    def handle(self, event: EdgeEvent) -> None:
        """Handle one event.

        Raises:
            HostWentOffline: the session has to end.
        """
        if isinstance(event, NodeCommand):
            self._handle_node_command(event.metrics)
        elif isinstance(event, DeviceCommand):
            try:
                command = command_from(event.device, event.metrics, self._clock.now())
            except InvalidMetrics as error:
                # The id may be valid where other metrics are not.
                ids = [each.value for each in event.metrics if each.name == COMMAND_ID]
                command_id = next((each for each in ids if isinstance(each, str) and each), None)
                self._commands.reject(command_id, event.device, str(error))
            else:
                self._commands.submit(command)
        elif isinstance(event, HostOnline | RebirthRequested):
            self._sender.request_birth()
        elif isinstance(event, MessageRejected):
            log.warning("message_rejected", gateway=self._gateway_id, topic=event.topic, error=event.why)
        elif isinstance(event, HostOffline) and self._session.is_born:
            raise HostWentOffline

    def _handle_node_command(self, metrics: Sequence[MetricValue]) -> None:
        try:
            cloud_time, acknowledged, plan = time_from(metrics), ack_from(metrics), plan_from(metrics)
        except InvalidMetrics as error:
            log.warning("node_command_invalid", gateway=self._gateway_id, error=str(error))
            return
        if cloud_time is not None:
            self._time.set_from_cloud(cloud_time)
        if acknowledged is not None:
            self._acknowledge(*acknowledged)
        if plan is not None:
            self._plan.submit(plan, plan_issued_ms(metrics))
        if cloud_time is None and acknowledged is None and plan is None:
            labels = [each.label for each in metrics]
            log.warning("node_command_ignored", gateway=self._gateway_id, metrics=labels)

    def _acknowledge(self, epoch: int, ranges: Sequence[tuple[int, int]]) -> None:
        # After the loss of its disk a gateway counts positions from 1 again, under another epoch.
        if epoch != self._outbox.epoch:
            log.warning("acknowledgement_of_another_epoch", gateway=self._gateway_id, epoch=epoch)
            return
        known = [(first, min(last, _LAST_POSITION)) for first, last in ranges if first <= _LAST_POSITION]
        self._delivery.acknowledge(known, asyncio.get_running_loop().time())
        self._outbox.acknowledge(known)
        self._sender.wake()
