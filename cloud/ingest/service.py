"""The ingester: from the broker into the stores, and only then an acknowledgement to the gateway."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
import structlog

from cloud.ingest.acknowledge import acknowledgements
from cloud.ingest.batch import Batch
from cloud.ingest.collector import Collector
from cloud.ingest.commit import Committer
from cloud.ingest.foreign import ForeignReporter
from cloud.ingest.gateway_presence import GatewayPresence
from cloud.ingest.heartbeat import INTERVAL_S, Heartbeat
from cloud.ingest.host_client import HostClient
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.leader_lock import (
    LeaderLockLostError,
    acquire_leader_lock,
    hold_leader_lock,
    leader_lock_for,
)
from cloud.ingest.metrics import ACKNOWLEDGED, COMMIT_SECONDS, DROPPED, MALFORMED, PENDING, RETRIES
from cloud.ingest.plan_sync import PlanSync
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
from runtime.backoff import Backoff
from runtime.cancellation import raise_if_cancelled
from runtime.failure_reporter import FailureReporter

log = structlog.get_logger(__name__)

_FIRST_RETRY_S = 0.25

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """Sizes and times of ingestion; seconds are wall time."""

    records_per_batch: int = 500
    linger_s: float = 0.1
    """How long the first record of a batch waits for more."""
    max_pending: int = 20_000
    """Records received and not stored; more are dropped unacknowledged, and sent again by the gateway."""
    gateway_patience_s: float = 10.0
    """How long a gateway may be offline before that is an alarm: it may only be restarting."""
    gateway_return_s: float = 60.0
    """How long gateways may take to be born again after this process lost the broker."""
    first_birth_s: float = 900.0
    """How long a gateway of the inventory may take to its first birth: crews install it by then."""
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

    Whatever ends it, what is not stored is not acknowledged, and gateways send it again.
    """
    lock = leader_lock_for(parts.engine)
    while True:
        try:
            await acquire_leader_lock(lock)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(hold_leader_lock(lock), name="leader lock")
                tasks.create_task(Ingester(parts).run(), name="ingest")
        except* LeaderLockLostError:
            log.warning("leader_lock_lost")
        finally:
            lock.release()
        raise_if_cancelled()


class Ingester:
    """Gathers records while the batch before is being stored; listens to the host client."""

    def __init__(self, parts: IngestComponents) -> None:
        self._limits = parts.limits
        self._clock = parts.clock
        self._inventory = InventoryCache(parts.load_inventory)
        self._committer = Committer(parts.engine, parts.telemetry, self._inventory, parts.clock)
        self._host = HostClient(parts.broker, _wall_ms, self, parts.clock)
        self._plans = PlanSync(PlanInForce(PlanStore(parts.engine), parts.load_inventory), self._host)
        self._live = LivePublisher(self._host.send)
        self._heartbeat = Heartbeat()
        self._collector = Collector(self._inventory.owner, ForeignReporter().foreign_message)
        self._presence = GatewayPresence(parts.limits.gateway_patience_s)
        self._pending = Batch()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._room = FailureReporter(log, "records_dropped", "records_accepted_again", level="warning")

    async def run(self) -> None:
        """Resume from what is stored, then ingest until cancelled."""
        # Before the broker is connected: what a birth or a reading changes depends on what is known.
        await self._until_available(self._committer.resume, "resume")
        self._heartbeat.data_as_of = self._committer.known.newest_reading()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._host.run(), name="host client")
            tasks.create_task(self._store_batches(), name="store")
            tasks.create_task(self._live.run(), name="live")
            tasks.create_task(self._plans.run(), name="plans")
            tasks.create_task(self._beat(), name="heartbeat")
            tasks.create_task(self._watch_gateways(), name="gateway presence")
            tasks.create_task(self._refresh_inventory(), name="inventory")

    def connected(self) -> None:
        """Expect every gateway to be born again, and publish a heartbeat."""
        # Deaths may have been missed meanwhile: no gateway counts as online until it is born again.
        self._plans.reconciler.forget()
        until_s = time.monotonic() + self._limits.gateway_return_s
        # Copied at once: a commit in its thread may add a gateway while this one is iterated over.
        states = list(self._committer.known.gateways.values())
        listed = [one for one in states if one.gateway_id in self._inventory.areas]
        self._presence.expect_again([(one.area_id, one.gateway_id) for one in listed], until_s)
        self._expect_first_births()
        self._live.add(LiveUpdate(ingest=self._heartbeat.beat()))

    def is_own_gateway(self, group: str, node: str) -> bool:
        """Return whether the inventory has this gateway in this area."""
        return self._inventory.owner(node) == (group, node)

    def receive(self, event: HostEvent) -> None:
        """Add an event to the batch being gathered."""
        if isinstance(event, RebirthNeeded | MalformedMessage | StateContested):
            return
        # Plan state is not an outbox record and is never resent, so it is taken however many are pending.
        has_plan_state = self._plans.receive(event)
        if isinstance(event, DeviceData | NodeData) and not has_plan_state:
            if self._pending.size >= self._limits.max_pending:
                self._room.failed("stores are too slow", pending=self._pending.size)
                DROPPED.inc()
                return
            self._room.recovered()
        node = (event.group, event.node)
        # An impostor with the id of another area's gateway must not end the alarm of the real one.
        if isinstance(event, NodeBorn | NodeDied) and not self._collector.is_impostor(node):
            if isinstance(event, NodeBorn):
                self._presence.born(node)
            else:
                self._presence.died(node, time.monotonic())
        try:
            self._collector.add(self._pending, event)
        except InvalidMetrics as error:
            log.warning("record_malformed", gateway=event.node, error=str(error))
            MALFORMED.inc()
        self._wake_store()

    def _wake_store(self) -> None:
        self._arrived.set()
        if self._pending.size >= self._limits.records_per_batch:
            self._full.set()

    async def _store_batches(self) -> None:
        while True:
            await self._arrived.wait()
            try:
                # A short wait makes large batches under load, and costs a single reading a tenth of a second.
                async with asyncio.timeout(self._limits.linger_s):
                    await self._full.wait()
            except TimeoutError:
                pass
            # What arrives while this batch is being stored gathers in the next one.
            batch, self._pending = self._pending, Batch()
            self._arrived.clear()
            self._full.clear()
            PENDING.set(batch.size)
            await self._store(batch)

    async def _store(self, batch: Batch) -> None:
        commit = partial(self._committer.commit, batch)
        with COMMIT_SECONDS.time(), self._heartbeat.storing():
            update = await self._until_available(commit, "commit")
        if batch.readings or batch.cabinets:
            self._heartbeat.data_as_of = self._clock.now()
        # Only now: a gateway deletes what is acknowledged.
        for outbox, positions in batch.positions.items():
            for message in acknowledgements(*outbox.node, outbox.epoch, positions, _wall_ms()):
                await self._host.publish(message)
            ACKNOWLEDGED.inc(len(positions))
        self._live.add(update)

    async def _until_available(self, work: Callable[[], ResultT], task: str) -> ResultT:
        """Return the result of blocking work; repeat it with growing pauses while a store is unavailable."""
        store = FailureReporter(log, "store_unavailable", "store_available", level="warning", task=task)
        backoff = Backoff(_FIRST_RETRY_S, self._limits.longest_retry_s)
        while True:
            try:
                result = await asyncio.to_thread(work)
            except StoreUnavailable as error:
                store.failed(error)
                RETRIES.inc()
                await asyncio.sleep(backoff.pause_s())
            else:
                store.recovered()
                return result

    async def _watch_gateways(self) -> None:
        while True:
            await asyncio.sleep(1)
            lost = self._presence.overdue(time.monotonic())
            if lost:
                self._pending.lost += lost
                self._wake_store()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            # Also when nothing was stored: the API takes a missing heartbeat for a missing ingester.
            self._live.add(LiveUpdate(ingest=self._heartbeat.beat()))

    async def _refresh_inventory(self) -> None:
        while True:
            # Imports are made by other processes, which have no way to call this one.
            await asyncio.sleep(self._limits.inventory_refresh_s)
            await self._until_available(self._committer.refresh_inventory, "inventory")
            self._expect_first_births()

    def _expect_first_births(self) -> None:
        until_s = time.monotonic() + self._limits.first_birth_s
        born = self._committer.known.gateways
        never_born = [
            (area, gateway) for gateway, area in self._inventory.areas.items() if gateway not in born
        ]
        self._presence.expect_first(never_born, until_s)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
