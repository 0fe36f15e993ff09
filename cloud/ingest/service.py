"""The ingester: from the broker into the stores, and only then an acknowledgement to the gateway."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from cloud.commands.downlink import acknowledgements
from cloud.ingest import heartbeat as pulse
from cloud.ingest.batch import Batch, Collector, DataEvent
from cloud.ingest.commit import Committer
from cloud.ingest.gateway_presence import GatewayPresence
from cloud.ingest.host_client import HostClient
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.leader_lock import (
    LeaderLockLostError,
    acquire_leader_lock,
    hold_leader_lock,
    leader_lock_for,
)
from cloud.ingest.metrics import ACKNOWLEDGED, COMMIT_SECONDS, DROPPED, MALFORMED, PENDING, RETRIES
from cloud.ingest.plan_sync import PlanKeeper
from cloud.live.model import LiveUpdate
from cloud.live.publisher import LivePublisher
from cloud.mqtt import BrokerAddress
from cloud.plans.active import PlanInForce
from cloud.plans.store import PlanStore
from cloud.telemetry.store import StoreUnavailable, TelemetryStore
from protocols.clock import Clock
from protocols.inventory.model import Inventory
from protocols.mapping import InvalidMetrics
from protocols.sparkplug.host_events import (
    DeviceData,
    HostEvent,
    MalformedMessage,
    NodeBorn,
    NodeData,
    NodeDied,
    RebirthNeeded,
    StateContested,
)
from runtime.cancellation import raise_if_cancelled

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """How much, how long; seconds are wall time."""

    records_per_batch: int = 500
    linger_s: float = 0.1
    """How long a first record waits for company."""
    max_pending: int = 20_000
    """Records received and not stored; past it more are dropped, to be sent again."""
    gateway_patience_s: float = 10.0
    """How long a gateway may be gone before that is an alarm: it may just have been restarted."""
    gateway_return_s: float = 60.0
    """How long gateways may take to come back after we were away."""
    first_birth_s: float = 900.0
    """How long a gateway of the inventory may take to be heard for the first time: crews drive there."""
    inventory_refresh_s: float = 60.0
    longest_retry_s: float = 10.0


@dataclass(frozen=True, slots=True)
class IngestComponents:
    """What an ingester works with; `load_inventory` blocks."""

    engine: sa.Engine
    telemetry: TelemetryStore
    broker: BrokerAddress
    load_inventory: Callable[[], Inventory]
    clock: Clock
    limits: IngestLimits = field(default_factory=IngestLimits)


async def run_ingest(parts: IngestComponents) -> None:
    """Ingest until cancelled, or stand by while another ingester of the same database does.

    Whatever ends it, what is not stored is not acknowledged and comes again.
    """
    seat = leader_lock_for(parts.engine)
    while True:
        try:
            await acquire_leader_lock(seat)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(hold_leader_lock(seat), name="seat")
                tasks.create_task(Ingester(parts).run(), name="ingest")
        except* LeaderLockLostError:
            log.warning("another ingester took over")
        finally:
            seat.leave()
        raise_if_cancelled()


class Ingester:
    """Gathers records while the batch before is being stored."""

    def __init__(self, parts: IngestComponents) -> None:
        self._limits = parts.limits
        self._directory = InventoryCache(parts.load_inventory)
        self._committer = Committer(parts.engine, parts.telemetry, self._directory, parts.clock)
        self._link = HostClient(
            parts.broker, _wall_ms, self._take, self._connected, parts.clock, is_ours=self._is_ours
        )
        in_force = PlanInForce(PlanStore(parts.engine), parts.load_inventory)
        self._plans = PlanKeeper(in_force, self._link.publish)
        self._live = LivePublisher(self._publish_live)
        self._clock = parts.clock
        self._pulse = pulse.Heartbeat()
        self._collector = Collector(self._directory.owner)
        self._watch = GatewayPresence(parts.limits.gateway_patience_s)
        self._pending = Batch()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._dropping = False

    async def run(self) -> None:
        """Take up where the one before left off, then ingest until cancelled."""
        await self._until_available(self._committer.resume, "what was stored before")
        self._pulse.stored(self._committer.data_as_of())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run(), name="broker")
            tasks.create_task(self._store_batches(), name="store")
            tasks.create_task(self._live.run(), name="live")
            tasks.create_task(self._plans.run(), name="plans")
            tasks.create_task(self._beat(), name="heartbeat")
            tasks.create_task(self._watch_gateways(), name="watch")
            tasks.create_task(self._refresh_directory(), name="inventory")

    def _connected(self) -> None:
        self._plans.forget()
        now_s = time.monotonic()
        self._watch.expect(self._committer.gateways_expected(), now_s + self._limits.gateway_return_s)
        self._expect_unheard()
        self._tell_pulse()

    def _expect_unheard(self) -> None:
        until_s = time.monotonic() + self._limits.first_birth_s
        self._watch.expect_first(self._committer.gateways_unheard(), until_s)

    def _take(self, event: HostEvent) -> None:
        """Add to the batch being gathered; called on the event loop for each message, so it must be quick."""
        if isinstance(event, RebirthNeeded | MalformedMessage | StateContested):
            return
        told_plan = self._plans.hear(event)  # that has no place in an outbox, so it does not come again
        if isinstance(event, DeviceData | NodeData) and not told_plan and self._has_no_room():
            DROPPED.inc()
            return
        node = (event.group, event.node)
        if isinstance(event, NodeBorn | NodeDied) and not self._collector.is_impostor(node):
            if isinstance(event, NodeBorn):
                self._watch.born(node)
            else:
                self._watch.died(node, time.monotonic())
        self._add(event)
        self._announce()

    def _is_ours(self, group: str, node: str) -> bool:
        return self._directory.owner(node) == (group, node)

    def _add(self, event: DataEvent) -> None:
        try:
            self._collector.add(self._pending, event)
        except InvalidMetrics as error:
            log.warning("record not understood", gateway=event.node, error=str(error))
            MALFORMED.inc()

    def _announce(self) -> None:
        self._arrived.set()
        if self._pending.size >= self._limits.records_per_batch:
            self._full.set()

    def _has_no_room(self) -> bool:
        full = self._pending.size >= self._limits.max_pending
        if full is not self._dropping:
            self._dropping = full
            if full:
                log.warning("stores are too slow: dropping, to be sent again", pending=self._pending.size)
            else:
                log.info("stores have caught up")
        return full

    async def _store_batches(self) -> None:
        while True:
            await self._arrived.wait()
            try:
                async with asyncio.timeout(self._limits.linger_s):
                    await self._full.wait()
            except TimeoutError:
                pass
            batch, self._pending = self._pending, Batch()
            self._arrived.clear()
            self._full.clear()
            PENDING.set(batch.size)
            await self._store(batch)

    async def _store(self, batch: Batch) -> None:
        outcome: list[LiveUpdate] = []
        with COMMIT_SECONDS.time(), self._pulse.storing():
            await self._until_available(lambda: outcome.append(self._committer.commit(batch)), "a batch")
        if batch.readings or batch.cabinets:
            self._pulse.stored(self._clock.now())
        for outbox, positions in batch.positions.items():
            for message in acknowledgements(*outbox.node, outbox.epoch, positions, _wall_ms()):
                await self._link.publish(message)
            ACKNOWLEDGED.inc(len(positions))
        for update in outcome:
            self._live.add(update)

    async def _until_available(self, work: Callable[[], None], what: str) -> None:
        """Do blocking work in a thread, again and again while a store is unavailable."""
        retry_s, failing = 0.25, False
        while True:
            try:
                await asyncio.to_thread(work)
            except StoreUnavailable as error:
                if not failing:
                    log.warning("store unavailable, trying on", what=what, error=str(error))
                failing = True
                RETRIES.inc()
                await asyncio.sleep(retry_s)
                retry_s = min(self._limits.longest_retry_s, retry_s * 2)
            else:
                if failing:
                    log.info("store available again", what=what)
                return

    async def _watch_gateways(self) -> None:
        while True:
            await asyncio.sleep(1)
            lost = self._watch.overdue(time.monotonic())
            if lost:
                self._pending.lost += lost
                self._announce()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(pulse.INTERVAL_S)
            self._tell_pulse()

    def _tell_pulse(self) -> None:
        self._live.add(LiveUpdate(ingest=self._pulse.beat()))

    async def _refresh_directory(self) -> None:
        while True:
            await asyncio.sleep(self._limits.inventory_refresh_s)
            await self._until_available(self._committer.refresh_directory, "the inventory")
            self._expect_unheard()

    async def _publish_live(self, topic: str, payload: bytes) -> None:
        await self._link.send(topic, payload)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
