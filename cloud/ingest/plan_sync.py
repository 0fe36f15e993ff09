"""Sends gateways the lighting plan that is wanted of them, until they say they follow it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import DBAPIError

from cloud.ingest.batch import Node
from cloud.ingest.metrics import PLANS_SENT, PLANS_WAITING
from cloud.ingest.plan_reconciler import Reconciler
from cloud.plans.active import PlanInForce
from cloud.plans.resolved import ResolvedPlan
from cloud.plans.store import PlanUnreadableError
from protocols.mapping import InvalidMetrics, plan_metrics, plan_state_from
from protocols.sparkplug.host_events import HostEvent, NodeBorn, NodeData, NodeDied
from protocols.sparkplug.messages import Outgoing, node_command

log = structlog.get_logger(__name__)

_LOOK_S = 1.0

Publish = Callable[[Outgoing], Awaitable[bool]]


class PlanKeeper:
    """Runs beside the ingester, of which there is one at a time."""

    def __init__(self, in_force: PlanInForce, publish: Publish) -> None:
        self._in_force = in_force
        self._publish = publish
        self._reconciler = Reconciler()
        self._town: ResolvedPlan | None = None
        self._told = asyncio.Event()
        self._failing = False

    def hear(self, event: HostEvent) -> bool:
        """Note what a gateway says of its plan; whether it says anything. Quick: called for each message."""
        if isinstance(event, NodeBorn | NodeData):
            return self._hear((event.group, event.node), event)
        if isinstance(event, NodeDied):
            self._reconciler.gone((event.group, event.node))
        return False

    def forget(self) -> None:
        """The broker was out of sight: who is still there is born again."""
        self._reconciler.forget()

    def _hear(self, node: Node, event: NodeBorn | NodeData) -> bool:
        try:
            state = plan_state_from(event.metrics)
        except InvalidMetrics as error:
            log.warning("plan state not understood", gateway=event.node, error=str(error))
            return False
        if state is not None and state.problem:
            log.warning("gateway refuses its plan", gateway=event.node, problem=state.problem)
        if isinstance(event, NodeBorn):
            self._reconciler.born(node, state)
        elif state is not None:
            self._reconciler.told(node, state)
        else:
            return False
        self._told.set()
        return state is not None

    async def run(self) -> None:
        """Look every second, and at once when a gateway was born, until cancelled."""
        while True:
            await self._look()
            self._told.clear()
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._told.wait()
            except TimeoutError:
                pass

    async def _look(self) -> None:
        try:
            town = await asyncio.to_thread(self._in_force.current)
        except (DBAPIError, PlanUnreadableError) as error:
            if not self._failing:
                log.warning("the wanted plan can't be read, trying on", error=str(error))
            self._failing = True
            return
        if self._failing:
            log.info("the wanted plan can be read again")
            self._failing = False
        if town is not self._town:
            documents = await asyncio.to_thread(lambda: list(town.documents()))
            self._reconciler.want(
                ((gateway.area_id, gateway.id), document) for gateway, document in documents
            )
            self._town = town
        await self._send()

    async def _send(self) -> None:
        for node, document in self._reconciler.due(time.monotonic()):
            now_ms = time.time_ns() // 1_000_000
            if not await self._publish(node_command(*node, plan_metrics(document, now_ms), now_ms)):
                break  # the broker is out of reach; all are born again when it is back
            self._reconciler.sent(node, time.monotonic())
            PLANS_SENT.inc()
        PLANS_WAITING.set(self._reconciler.waiting())
