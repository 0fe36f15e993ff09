"""Batches made durable: assess, persist, publish. What is in memory is only what is stored.

After a failure the same batch can be committed again.
"""

import threading

import sqlalchemy as sa
import structlog

from cloud.alarms.store import open_alarms
from cloud.database import writing
from cloud.ingest.assess import CLOCK_TOLERANCE_MS, assess
from cloud.ingest.batch import Batch, Node, halves
from cloud.ingest.dead_letters import dead_letters_of, save_dead_letters
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.metrics import AHEAD, ALARMS, EVENTS, GATEWAYS, READINGS, REJECTED, RESULTS
from cloud.ingest.model import Changes, KnownState, StoredBatch
from cloud.ingest.persist import (
    RefusedError,
    content_errors,
    database_errors,
    persist,
    persist_readings,
)
from cloud.ingest.publish import joined, live_update
from cloud.live.model import LiveUpdate
from cloud.state.cabinets import load_cabinet_states
from cloud.state.model import GatewayState
from cloud.state.store import (
    forget_future,
    lamp_times_ms,
    load_gateway_states,
    load_lamp_states,
    save_carried_plan,
)
from cloud.telemetry.store import TelemetryStore
from protocols.clock import Clock, to_unix_ms
from runtime.failure_reporter import KeyedFailureReporter

log = structlog.get_logger(__name__)


class Committer:
    """Stores batches, one at a time. Calls block; they raise StoreUnavailable when trying again may help.

    Commits and refreshes may come from different threads.
    """

    def __init__(
        self, engine: sa.Engine, telemetry: TelemetryStore, inventory: InventoryCache, clock: Clock
    ) -> None:
        self._engine = engine
        self._telemetry = telemetry
        self._inventory = inventory
        self._clock = clock
        self._changing = threading.RLock()  # of `known`; reentrant, as a refused batch is committed in halves
        self.known = KnownState()
        """The state that is stored, to be read only: the calls below keep it up to date."""
        self._clocks = KeyedFailureReporter(
            log, "gateway_clock_ahead", "gateway_clock_correct", key="gateway", level="warning"
        )

    def resume(self) -> None:
        """Load what an earlier ingester has stored; must come before the first commit."""
        with database_errors(), writing(self._engine) as connection:
            # Nothing could follow a state of the future; one may be left from when our own clock was ahead.
            forget_future(connection, to_unix_ms(self._clock.now()) + CLOCK_TOLERANCE_MS)
            self._inventory.refresh()
            self.known.lamps = load_lamp_states(connection)
            self.known.cabinets = load_cabinet_states(connection)
            self.known.gateways = load_gateway_states(connection)
            self.known.alarms.resume(open_alarms(connection))

    def refresh_inventory(self) -> None:
        """Load the inventory as it is now, and what `lentera admin import` stored meanwhile."""
        with self._changing, database_errors(), self._engine.connect() as connection:
            self.known.forget(self._inventory.refresh())
            # While a gateway is connected only this process writes its devices' states; while it is not,
            # what changes them is an offline transfer in another process.
            online = self.known.online_gateways()
            known = {lamp_id: to_unix_ms(one.reading.time) for lamp_id, one in self.known.lamps.items()}
            imported = {
                lamp_id
                for lamp_id, gateway_id, time_ms in lamp_times_ms(connection)
                if gateway_id not in online and time_ms > known.get(lamp_id, -1)
            }
            if imported:
                states = load_lamp_states(connection)
                self.known.lamps |= {lamp_id: states[lamp_id] for lamp_id in imported}
                self.known.alarms.resume(open_alarms(connection), imported)
            gateways = load_gateway_states(connection)
            self.known.gateways |= {name: one for name, one in gateways.items() if name not in online}

    def save_carried_plan(self, node: Node, plan_hash: str, problem: str) -> None:
        """Store which plan an offline gateway follows, as its transferred bundle reports."""
        now_ms = to_unix_ms(self._clock.now())
        state = GatewayState(node[1], node[0], False, now_ms, None, plan_hash, problem)
        with database_errors(), writing(self._engine) as connection:
            save_carried_plan(connection, state)

    def commit(self, batch: Batch) -> LiveUpdate:
        """Store a batch, durable on return, and return what open maps should show.

        Records that no store takes become dead letters, found by halving the batch; the others are stored.
        """
        with self._changing:
            known, inventory, now_ms = self.known, self._inventory, to_unix_ms(self._clock.now())
            try:
                with database_errors(), content_errors():
                    changes = assess(batch, known, inventory, now_ms)
                    refused = persist_readings(self._telemetry, batch)
                    with writing(self._engine) as connection:
                        stored = persist(
                            connection, batch, changes, known, inventory, refused=refused, now_ms=now_ms
                        )
            except RefusedError as error:
                parts = halves(batch)
                if parts is not None:
                    return joined(self.commit(parts[0]), self.commit(parts[1]))
                # It must be acknowledged all the same, or it would block its gateway's outbox for ever.
                letters = dead_letters_of(batch, str(error))
                nodes = [gateway_id for _, gateway_id in batch.nodes]
                log.warning("record_rejected", error=str(error), records=letters, gateways=nodes)
                with database_errors(), writing(self._engine) as connection:
                    save_dead_letters(connection, letters, now_ms)
                REJECTED.inc()
                return LiveUpdate()
            known.accept(changes)
            self._report(batch, changes, stored)
            return live_update(changes, stored, known, inventory)

    def _report(self, batch: Batch, changes: Changes, stored: StoredBatch) -> None:
        for gateway_id, readings in changes.ahead.items():
            self._clocks.failed(gateway_id, "readings of the future", readings=readings)
        for gateway_id in changes.heard.difference(changes.ahead):
            self._clocks.recovered(gateway_id)
        AHEAD.inc(changes.ahead.total())
        READINGS.inc(len(batch.readings) + len(batch.cabinets))
        EVENTS.inc(len(batch.events))
        RESULTS.inc(len(batch.results))
        GATEWAYS.set(len(self.known.online_gateways()))
        for alarm in stored.alarms:
            ALARMS.labels(alarm.type, "ended" if alarm.cleared_at else "started").inc()
