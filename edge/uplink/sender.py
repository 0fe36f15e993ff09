"""Sends what the gateway has to report on one Sparkplug session: births, plan state, records and deaths."""

import asyncio
from collections.abc import Sequence

import structlog

from edge.outbox import Outbox, StoredRecord
from edge.uplink.delivery import Delivery
from edge.uplink.messages import MessageWriter
from edge.uplink.mqtt import BatchClient
from protocols.cabinet import CabinetReading
from protocols.lamp import LampReading
from protocols.sparkplug.edge_node import EdgeNodeSession
from protocols.sparkplug.messages import Outgoing
from protocols.sparkplug.values import WrongValue

log = structlog.get_logger(__name__)

_RECORDS_AT_ONCE = 50
"""Our choice: few enough that a live record never waits long behind a batch of the backlog."""

_TICK_S = 1.0
_LINGER_S = 0.1
"""How long readings are gathered to be sent in one system call. Events and results are sent at once."""


class Sender:
    """Sends the most urgent first: birth, plan state, live records, overdue ones, backlog."""

    def __init__(
        self,
        gateway_id: str,
        session: EdgeNodeSession,
        writer: MessageWriter,
        delivery: Delivery,
        outbox: Outbox,
    ) -> None:
        self._gateway_id = gateway_id
        self._session = session
        self._writer = writer
        self._delivery = delivery
        self._outbox = outbox
        self._has_work = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None
        self._birth_requested = False
        self._plan_requested = False

    def connected(self) -> None:
        """Forget what was requested on an earlier connection; a birth is due when the host is online."""
        self._birth_requested = False

    def wake(self) -> None:
        """Look for work: there may be records to send, or more of them may be in flight."""
        self._has_work.set()

    def request_birth(self) -> None:
        """Publish the births of the node and its devices as soon as the session allows it."""
        self._birth_requested = True
        self.wake()

    def request_plan_state(self) -> None:
        """Publish which lighting plan is in force."""
        self._plan_requested = True
        self.wake()

    def offer(self, records: Sequence[StoredRecord]) -> None:
        """Take records that have just become durable."""
        if not self._session.is_born:
            return  # they become part of the backlog of the next session
        self._delivery.offer(records)
        loop = asyncio.get_running_loop()
        if not all(isinstance(stored.record, LampReading | CabinetReading) for stored in records):
            self.wake()
        elif self._linger is None or self._linger.when() < loop.time():
            self._linger = loop.call_later(_LINGER_S, self.wake)

    async def run(self, client: BatchClient) -> None:
        """Send until cancelled.

        Raises:
            aiomqtt.MqttError: the connection is lost.
        """
        while True:
            self._has_work.clear()
            if self._birth_requested and self._session.may_birth:
                await self._publish_births(client)
            if self._plan_requested and self._session.is_born:
                self._plan_requested = False
                await client.publish_all(self._writer.plan_state())
            if self._session.is_born and await self._send_records(client):
                continue
            await self._has_work.wait()

    async def tick(self, client: BatchClient) -> None:
        """Once a second look for overdue records, and publish the deaths of unresponsive devices.

        Raises:
            aiomqtt.MqttError: the connection is lost.
        """
        while True:
            await asyncio.sleep(_TICK_S)
            self.wake()
            # Late readings in a backlog are preceded by births, so deaths would alternate with births.
            if self._session.is_born and not self._delivery.has_backlog:
                await client.publish_all(self._writer.deaths())

    async def _publish_births(self, client: BatchClient) -> None:
        self._birth_requested = False
        if not self._session.is_born:
            self._delivery.restart(asyncio.get_running_loop().time())
        self._plan_requested = False  # births carry the plan state
        births = self._writer.births(self._outbox.epoch)
        log.info("birth_published", gateway=self._gateway_id, devices=len(births) - 1)
        await client.publish_all(births)

    async def _send_records(self, client: BatchClient) -> bool:
        """Send the most urgent records; returns whether there were any."""
        if live := self._delivery.take_live(_RECORDS_AT_ONCE):
            await self._publish_records(client, live, late=False)
            return True
        late = self._delivery.take_overdue(asyncio.get_running_loop().time(), _RECORDS_AT_ONCE)
        query = None if late else self._delivery.backlog_query()
        if query is not None:
            late = self._delivery.take_backlog(query, await self._outbox.backlog(query.after, query.limit))
        for start in range(0, len(late), _RECORDS_AT_ONCE):
            await self._publish_records(client, late[start : start + _RECORDS_AT_ONCE], late=True)
        return bool(late)

    async def _publish_records(
        self, client: BatchClient, records: Sequence[StoredRecord], *, late: bool
    ) -> None:
        messages: list[Outgoing] = []
        for stored in records:
            try:
                messages += self._writer.record(stored, is_historical=late)
            except WrongValue as error:
                # No retry can send it, and without this it would block the backlog for ever.
                self._outbox.acknowledge([(stored.position, stored.position)])
                log.error("record_not_sendable", gateway=self._gateway_id, record=stored, error=str(error))  # noqa: TRY400
        self._delivery.sent(records, asyncio.get_running_loop().time())
        await client.publish_all(messages)
