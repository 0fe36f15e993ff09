"""Making a batch durable: readings first, then states, alarms, events and results in one transaction.

After a failure the batch can be committed again as it is; only what is stored is remembered.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from cloud.alarms.evaluator import AlarmChanges, AlarmEvaluator, Device, Transition, record
from cloud.alarms.events import Condition, record_events
from cloud.alarms.views import AlarmView
from cloud.commands.model import StoredOverride
from cloud.commands.store import commands_of, overrides_in_force, record_results
from cloud.commands.views import CommandView, command_view, override_view
from cloud.database import writing
from cloud.ingest.batch import Batch, Node
from cloud.ingest.dead_letters import (
    DeadLetter,
    dead_letter,
    dead_letters_of,
    halves,
    save_dead_letters,
)
from cloud.ingest.gateway_changes import gateways_after
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.metrics import AHEAD, ALARMS, EVENTS, GATEWAYS, READINGS, REJECTED, RESULTS
from cloud.live.model import LiveUpdate
from cloud.state.cabinets import cabinets_after, load_cabinet_states, save_cabinet_states
from cloud.state.model import CabinetState, GatewayState, LampState
from cloud.state.store import (
    forget_future,
    lamp_times_ms,
    load_gateway_states,
    load_lamp_states,
    save_carried_plan,
    save_gateway_states,
    save_lamp_states,
)
from cloud.state.views import LampView, gateway_view, lamp_view
from cloud.telemetry.store import StoreRejected, StoreUnavailable, TelemetryStore
from protocols.cabinet import CabinetReading, DeviceReading
from protocols.clock import Clock, from_unix_ms, to_unix_ms
from protocols.events import EventType
from protocols.lamp import LampReading, Reason
from protocols.sparkplug.host_events import NodeBorn

log = structlog.get_logger(__name__)

_FOREIGN = "sent by a gateway the device is not of"
_AHEAD_MS = 300_000  # clocks differ; what is further ahead says nothing about now
_MAX_IN_LIST = 500  # longer lists meet the databases' limits; then all overrides are read


class _RefusedError(Exception):
    """Permanent: something in a batch can't be stored as it is."""


@dataclass(slots=True)
class _Change:
    """What a batch does to what is known; it takes effect when it is stored."""

    lamps: dict[str, LampState] = field(default_factory=dict)
    cabinets: dict[str, CabinetState] = field(default_factory=dict)
    gateways: dict[str, GatewayState] = field(default_factory=dict)
    judgement: AlarmChanges = field(default_factory=AlarmChanges)
    alarms: list[AlarmView] = field(default_factory=list)
    commands: list[CommandView] = field(default_factory=list)
    overrides: dict[str, StoredOverride] = field(default_factory=dict)


class Committer:
    """Stores batches, one at a time. Calls block; they raise StoreUnavailable when trying again may help."""

    def __init__(
        self, engine: sa.Engine, telemetry: TelemetryStore, directory: InventoryCache, clock: Clock
    ) -> None:
        self._engine = engine
        self._telemetry = telemetry
        self._directory = directory
        self._clock = clock
        self._alarms = AlarmEvaluator()
        self._lamps: dict[str, LampState] = {}
        self._cabinets: dict[str, CabinetState] = {}
        self._gateways: dict[str, GatewayState] = {}
        self._ahead: frozenset[str] = frozenset()

    def resume(self) -> None:
        """Take up what an ingester before this one has stored."""
        with _translated(), writing(self._engine) as connection:
            forget_future(connection, to_unix_ms(self._clock.now()) + _AHEAD_MS)
            self._directory.refresh()
            self._lamps = load_lamp_states(connection)
            self._cabinets = load_cabinet_states(connection)
            self._gateways = load_gateway_states(connection)
            self._alarms.resume(connection)

    def refresh_directory(self) -> None:
        """Take up the inventory as it is now, and what was imported by hand."""
        with _translated(), self._engine.connect() as connection:
            gone = self._directory.refresh()
            self._alarms.forget(gone)
            for device_id in gone:
                for known in (self._lamps, self._cabinets, self._gateways):
                    known.pop(device_id, None)
            self._take_up_imports(connection)

    def _take_up_imports(self, connection: sa.Connection) -> None:
        """What changes the lamps of a gateway that is not connected is an import, done by another process."""
        online = {gateway_id for gateway_id, state in self._gateways.items() if state.online}
        known = {lamp_id: to_unix_ms(state.reading.time) for lamp_id, state in self._lamps.items()}
        imported = {
            lamp_id
            for lamp_id, gateway_id, time_ms in lamp_times_ms(connection)
            if gateway_id not in online and time_ms > known.get(lamp_id, -1)
        }
        if imported:
            states = load_lamp_states(connection)
            self._lamps |= {lamp_id: states[lamp_id] for lamp_id in imported}
            self._alarms.take_up(connection, imported)
        carried = load_gateway_states(connection)
        self._gateways |= {name: state for name, state in carried.items() if name not in online}

    def data_as_of(self) -> datetime | None:
        """The instant of the newest reading believed."""
        return max((state.reading.time for state in self._lamps.values()), default=None)

    def newest_reading_by(self, gateway_id: str) -> datetime | None:
        """The instant of the newest reading believed that came from this gateway."""
        states: Iterable[LampState | CabinetState] = (*self._lamps.values(), *self._cabinets.values())
        return max((one.reading.time for one in states if one.gateway_id == gateway_id), default=None)

    def keep_carried_plan(self, node: Node, plan_hash: str, problem: str) -> None:
        """Keep which plan a gateway followed, as a file says that was carried here."""
        now_ms = to_unix_ms(self._clock.now())
        with _translated(), writing(self._engine) as connection:
            save_carried_plan(
                connection, GatewayState(node[1], node[0], False, now_ms, None, plan_hash, problem)
            )

    def gateways_expected(self) -> list[Node]:
        """The gateways of the inventory that were ever born: they should be there."""
        known = list(self._gateways.values())
        return [
            (one.area_id, one.gateway_id) for one in known if self._directory.knows_gateway(one.gateway_id)
        ]

    def gateways_unheard(self) -> list[Node]:
        """The gateways of the inventory that were never born: installed, they should be there soon."""
        return [node for node in self._directory.gateways() if node[1] not in self._gateways]

    def commit(self, batch: Batch) -> LiveUpdate:
        """Store the batch; what open maps should be told. A record that can't be stored is kept aside."""
        try:
            return self._commit(batch)
        except _RefusedError as error:
            parts = halves(batch)
            if parts is None:
                self._put_aside(batch, str(error))
                return LiveUpdate()
            return _joined(self.commit(parts[0]), self.commit(parts[1]))

    def _commit(self, batch: Batch) -> LiveUpdate:
        now_ms = to_unix_ms(self._clock.now())
        with _translated(), _faults_of_content():
            refused = self._store_readings(batch)
            past = self._without_future(batch, now_ms)
            change = self._assess(past, now_ms)
            with writing(self._engine) as connection:
                self._store(connection, past, change, now_ms)
                foreign = [dead_letter(one, sender, _FOREIGN) for one, sender in batch.foreign]
                save_dead_letters(connection, [*refused, *foreign], now_ms)
        self._remember(batch, change)
        return self._live(change)

    def _without_future(self, batch: Batch, now_ms: int) -> Batch:
        """The batch without readings by clocks that are ahead: stored they are, believed they are not."""
        latest = from_unix_ms(now_ms + _AHEAD_MS)
        readings: list[DeviceReading] = [*batch.readings, *batch.cabinets]
        future = [one.device_id for one in readings if one.time > latest]
        AHEAD.inc(len(future))
        ahead = {batch.sources[device_id][1] for device_id in future}
        heard = {gateway_id for _, gateway_id in batch.sources.values()}
        for gateway_id in ahead - self._ahead:
            log.warning("readings from the future: stored, not believed", gateway=gateway_id)
        for gateway_id in (heard - ahead) & self._ahead:
            log.info("readings are of the present again", gateway=gateway_id)
        self._ahead = self._ahead - heard | ahead
        if not future:
            return batch
        return replace(
            batch,
            readings=[one for one in batch.readings if one.time <= latest],
            cabinets=[one for one in batch.cabinets if one.time <= latest],
        )

    def _put_aside(self, batch: Batch, why: str) -> None:
        """Keep the one thing left of a batch where it can be looked at; the stores won't take it."""
        records = dead_letters_of(batch, why)
        log.warning("refused for good, kept aside", why=why, records=records, nodes=list(batch.nodes))
        with _translated(), writing(self._engine) as connection:
            save_dead_letters(connection, records, to_unix_ms(self._clock.now()))
        REJECTED.inc()

    def _store_readings(self, batch: Batch) -> list[DeadLetter]:
        readings: list[LampReading | CabinetReading] = [*batch.readings, *batch.cabinets]
        refused: list[DeadLetter] = []
        try:
            self._telemetry.write(readings)
        except StoreRejected:
            for reading in readings:
                try:
                    self._telemetry.write([reading])
                except StoreRejected as error:
                    device_id = reading.device_id
                    log.warning("reading_refused_by_store", device=device_id, error=str(error))
                    REJECTED.inc()
                    refused.append(dead_letter(reading, batch.sources[device_id][1], str(error)))
        return refused

    def _assess(self, batch: Batch, now_ms: int) -> _Change:
        """What the batch means, before the store has been asked."""
        change = _Change()
        change.gateways = gateways_after(batch, self._gateways, now_ms)
        self._assess_lamps(batch, change)
        change.cabinets = cabinets_after(batch, self._cabinets)
        change.judgement = self._alarms.judge(
            self._news(batch.readings),
            lambda lamp_id: self._directory.device(lamp_id, batch.sources[lamp_id]),
            self._directory.rated_power_w,
        )
        self._alarms.judge_cabinets(
            change.judgement,
            batch.cabinets,
            lambda cabinet_id: self._directory.cabinet(cabinet_id, batch.sources[cabinet_id]),
        )
        for node in batch.lost:
            self._assess_silence(node, change, now_ms)
        for node, event in batch.nodes.items():
            if isinstance(event, NodeBorn):
                device = self._directory.device(node[1], node)
                back = Transition(device, EventType.COMMUNICATION_FAILURE, raised=False, time_ms=now_ms)
                self._alarms.report(change.judgement, back)
        return change

    def _news(self, readings: Iterable[LampReading]) -> list[LampReading]:
        """Readings newer than the lamp's state: one sent again after a restart says nothing about now."""
        known = self._lamps
        return [
            reading
            for reading in readings
            if reading.device_id not in known or reading.time > known[reading.device_id].reading.time
        ]

    def _assess_silence(self, node: Node, change: _Change, now_ms: int) -> None:
        device = self._directory.device(node[1], node)
        since_ms = change.gateways[node[1]].since_ms
        info = f"gateway out of reach since {from_unix_ms(since_ms):%Y-%m-%dT%H:%M:%SZ}"
        silence = Transition(device, EventType.COMMUNICATION_FAILURE, raised=True, time_ms=now_ms, info=info)
        self._alarms.report(change.judgement, silence)

    def _assess_lamps(self, batch: Batch, change: _Change) -> None:
        turned = {node[1] for node in (*batch.nodes, *batch.lost)}
        if turned:
            for lamp_id, state in self._lamps.items():
                if state.online and state.gateway_id in turned:
                    change.lamps[lamp_id] = replace(state, online=False)
        for reading in batch.readings:
            lamp_id = reading.device_id
            known = change.lamps.get(lamp_id) or self._lamps.get(lamp_id)
            if known is None or reading.time > known.reading.time:
                online = known.online if known else True
                change.lamps[lamp_id] = LampState(reading, batch.sources[lamp_id][1], online)
        for lamp_id, seen in batch.devices.items():
            known = change.lamps.get(lamp_id) or self._lamps.get(lamp_id)
            if known is not None and (known.online != seen.online or known.gateway_id != seen.node[1]):
                change.lamps[lamp_id] = LampState(known.reading, seen.node[1], seen.online)

    def _store(self, connection: sa.Connection, batch: Batch, change: _Change, now_ms: int) -> None:
        areas = {outbox.node[1]: outbox.node[0] for outbox in batch.positions}
        for condition in record_events(connection, batch.events, now_ms + _AHEAD_MS):
            node = (areas[condition.gateway_id], condition.gateway_id)
            self._alarms.report(
                change.judgement, _reported(condition, self._directory.device(condition.device_id, node))
            )
        change.alarms = record(connection, change.judgement.transitions)
        touched = record_results(connection, batch.results) if batch.results else set()
        found = commands_of(connection, sorted(touched)) if touched else {}
        change.commands = [
            command_view(*command, now=from_unix_ms(now_ms)) for _, command in sorted(found.items())
        ]
        for lamp_id in self._also_shown(batch, change):
            change.lamps.setdefault(lamp_id, self._lamps[lamp_id])
        overridden = [
            lamp_id for lamp_id, state in change.lamps.items() if state.reading.reason is Reason.OVERRIDE
        ]
        if overridden:
            wanted = overridden if len(overridden) <= _MAX_IN_LIST else None
            change.overrides = overrides_in_force(connection, wanted, now_ms)
        save_lamp_states(connection, list(change.lamps.values()))
        save_cabinet_states(connection, list(change.cabinets.values()))
        save_gateway_states(connection, list(change.gateways.values()))

    def _also_shown(self, batch: Batch, change: _Change) -> set[str]:
        """Lamps that look different on the map though they have no new reading."""
        alarmed = {alarm.lamp_id for alarm in change.alarms if alarm.lamp_id is not None}
        answered = {result.device_id for result in batch.results}
        return {lamp_id for lamp_id in alarmed | answered if lamp_id in self._lamps}

    def _remember(self, batch: Batch, change: _Change) -> None:
        self._lamps |= change.lamps
        self._cabinets |= change.cabinets
        self._gateways |= change.gateways
        self._alarms.accept(change.judgement)
        READINGS.inc(len(batch.readings) + len(batch.cabinets))
        EVENTS.inc(len(batch.events))
        RESULTS.inc(len(batch.results))
        GATEWAYS.set(sum(state.online for state in self._gateways.values()))
        for alarm in change.alarms:
            ALARMS.labels(alarm.type, "ended" if alarm.cleared_at else "started").inc()

    def _live(self, change: _Change) -> LiveUpdate:
        lamps = (self._view(lamp_id, state, change) for lamp_id, state in change.lamps.items())
        return LiveUpdate(
            lamps=tuple(view for view in lamps if view is not None),
            alarms=tuple(change.alarms),
            commands=tuple(change.commands),
            gateways=tuple(gateway_view(state) for state in change.gateways.values()),
        )

    def _view(self, lamp_id: str, state: LampState, change: _Change) -> LampView | None:
        lamp = self._directory.lamp(lamp_id)
        if lamp is None:
            return None
        override = override_view(change.overrides.get(lamp_id))
        alarms = self._alarms.active(lamp_id)
        return lamp_view(lamp, state.reading, online=state.online, alarms=alarms, override=override)


@contextmanager
def _translated() -> Iterator[None]:
    """A database that refuses work whatever is in it is waited for: an operator can put that right."""
    try:
        yield
    except DBAPIError as error:
        raise StoreUnavailable(str(error.orig)) from error


@contextmanager
def _faults_of_content() -> Iterator[None]:
    """What only the content of a batch can cause: trying again would not help."""
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise _RefusedError(str(error.orig)) from error
    except DBAPIError:
        raise
    except (StatementError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise _RefusedError(f"{type(error).__name__}: {error}") from error


def _joined(first: LiveUpdate, second: LiveUpdate) -> LiveUpdate:
    return LiveUpdate(
        lamps=first.lamps + second.lamps,
        alarms=first.alarms + second.alarms,
        commands=first.commands + second.commands,
        gateways=first.gateways + second.gateways,
    )


def _reported(condition: Condition, device: Device) -> Transition:
    return Transition(device, condition.type, condition.active, condition.time_ms, condition.info)
