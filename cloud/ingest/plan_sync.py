"""Sends each gateway its lighting plan until it reports that it follows it."""

import asyncio
import time
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from cloud.ingest.metrics import PLANS_SENT, PLANS_WAITING
from cloud.ingest.plan_reconciler import PlanReconciler
from cloud.plans.active import PlanInForce
from cloud.plans.resolved import ResolvedPlan
from cloud.plans.store import PlanUnreadableError
from protocols.mapping import InvalidMetrics, plan_metrics, plan_state_from
from protocols.sparkplug.host_events import HostEvent, NodeBorn, NodeData, NodeDied
from protocols.sparkplug.messages import Outgoing, node_command
from runtime.failure_reporter import FailureReporter

log = structlog.get_logger(__name__)

_CHECK_S = 1.0


class Publisher(Protocol):
    """Sends messages to the broker."""

    async def publish(self, message: Outgoing) -> bool:
        """Send a message; return False while the broker is unreachable."""
        ...


class PlanSync:
    """Runs beside the ingester, of which there is one at a time; `reconciler` decides what is sent."""

    def __init__(self, in_force: PlanInForce, publisher: Publisher) -> None:
        self._in_force = in_force
        self._publisher = publisher
        self.reconciler = PlanReconciler()
        self._plan: ResolvedPlan | None = None
        self._reported = asyncio.Event()
        self._plan_store = FailureReporter(log, "plan_unreadable", "plan_readable", level="warning")

    def receive(self, event: HostEvent) -> bool:
        """Note what a gateway reports of its plan; return whether the event is such a report.

        Called for each message, so it must be quick.
        """
        if isinstance(event, NodeDied):
            self.reconciler.died((event.group, event.node))
        if not isinstance(event, NodeBorn | NodeData):
            return False
        node = (event.group, event.node)
        try:
            state = plan_state_from(event.metrics)
        except InvalidMetrics as error:
            log.warning("plan_state_malformed", gateway=event.node, error=str(error))
            return False
        if state is not None and state.problem:
            log.warning("plan_rejected_by_gateway", gateway=event.node, error=state.problem)
        if isinstance(event, NodeBorn):
            self.reconciler.born(node, state)
        elif state is not None:
            self.reconciler.reported(node, state)
        else:
            return False
        self._reported.set()
        return state is not None

    async def run(self) -> None:
        """Reconcile every second, and at once when a gateway was born, until cancelled."""
        while True:
            await self._reconcile()
            self._reported.clear()
            try:
                async with asyncio.timeout(_CHECK_S):
                    await self._reported.wait()
            except TimeoutError:
                pass

    async def _reconcile(self) -> None:
        try:
            plan = await asyncio.to_thread(self._in_force.current)
        except (DBAPIError, PlanUnreadableError) as error:
            self._plan_store.failed(error)
            return
        self._plan_store.recovered()
        if plan is not self._plan:
            # Making the documents of a large city takes a while: not on the event loop.
            documents = await asyncio.to_thread(lambda: list(plan.documents()))
            self.reconciler.want(((gateway.area_id, gateway.id), document) for gateway, document in documents)
            self._plan = plan
        for node, document in self.reconciler.due(time.monotonic()):
            now_ms = time.time_ns() // 1_000_000
            message = node_command(*node, plan_metrics(document, now_ms), now_ms)
            if not await self._publisher.publish(message):
                break  # the broker is unreachable; all gateways are born again when it is back
            self.reconciler.sent(node, time.monotonic())
            PLANS_SENT.inc()
        PLANS_WAITING.set(self.reconciler.waiting())
