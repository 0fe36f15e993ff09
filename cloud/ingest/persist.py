"""Second step of a commit: a batch and what it changes made durable; a failure leaves no trace in memory.

Readings go to the telemetry store first, everything else into one transaction of the relational store.
Storing twice changes nothing, so a failure between the two is repaired by storing the batch again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from cloud.alarms.events import record_events
from cloud.alarms.model import Transition
from cloud.alarms.store import store_transitions
from cloud.commands.model import StoredOverride
from cloud.commands.store import commands_of, overrides_in_force, record_results
from cloud.commands.views import command_view
from cloud.ingest.assess import CLOCK_TOLERANCE_MS
from cloud.ingest.batch import Batch
from cloud.ingest.dead_letters import DeadLetter, dead_letter, malformed_letter, save_dead_letters
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.metrics import REJECTED
from cloud.ingest.model import Changes, KnownState, StoredBatch
from cloud.state.cabinets import save_cabinet_states
from cloud.state.store import save_gateway_states, save_lamp_states
from cloud.telemetry.store import StoreRejected, StoreUnavailable, TelemetryStore
from protocols.cabinet import DeviceReading
from protocols.clock import from_unix_ms
from protocols.lamp import Reason

log = structlog.get_logger(__name__)

_FOREIGN = "sent by a gateway the device does not belong to"
_MAX_IN_LIST = 500  # longer lists meet the databases' limits; then all overrides are read


class RefusedError(Exception):
    """Permanent: something in a batch can't be stored as it is."""


def persist_readings(telemetry: TelemetryStore, batch: Batch) -> list[DeadLetter]:
    """Store the readings of a batch, durable on return; return those the store will never take.

    Raises:
        StoreUnavailable: trying again may help.
    """
    readings: list[DeviceReading] = [*batch.readings, *batch.cabinets]
    refused: list[DeadLetter] = []
    try:
        telemetry.write(readings)
    except StoreRejected:
        # The store does not name the reading that it refuses, so each is written alone.
        for reading in readings:
            try:
                telemetry.write([reading])
            except StoreRejected as error:
                log.warning("reading_rejected_by_store", device=reading.device_id, error=str(error))
                REJECTED.inc()
                refused.append(dead_letter(reading, batch.sources[reading.device_id][1], str(error)))
    return refused


def persist(
    connection: sa.Connection,
    batch: Batch,
    changes: Changes,
    known: KnownState,
    inventory: InventoryCache,
    *,
    refused: list[DeadLetter],
    now_ms: int,
) -> StoredBatch:
    """Store the rest of a batch in the caller's transaction; `refused` are its readings without a place.

    Adds to `changes` the alarms that reported events start or end: which event is the newest, and so counts,
    is read from the table of events.
    """
    # An event has an outbox position, and with it the area of its gateway.
    areas = {outbox.node[1]: outbox.node[0] for outbox in batch.positions}
    for one in record_events(connection, batch.events, now_ms + CLOCK_TOLERANCE_MS):
        device = inventory.device(one.device_id, (areas[one.gateway_id], one.gateway_id))
        known.alarms.report(changes.alarms, Transition(device, one.type, one.active, one.time_ms, one.info))
    alarms = store_transitions(connection, changes.alarms.transitions)
    touched = record_results(connection, batch.results) if batch.results else set()
    found = commands_of(connection, sorted(touched)) if touched else {}
    commands = [command_view(*one, now=from_unix_ms(now_ms)) for _, one in sorted(found.items())]
    save_lamp_states(connection, list(changes.lamps.values()))
    save_cabinet_states(connection, list(changes.cabinets.values()))
    save_gateway_states(connection, list(changes.gateways.values()))
    foreign = [dead_letter(record, sender, _FOREIGN) for record, sender in batch.foreign]
    malformed = [malformed_letter(record) for record in batch.malformed]
    save_dead_letters(connection, [*refused, *foreign, *malformed], now_ms)

    # An alarm or a confirmed command changes what is shown of a lamp that has no new reading.
    shown = {alarm.lamp_id for alarm in alarms} | {result.device_id for result in batch.results}
    lamps = {lamp_id: known.lamps[lamp_id] for lamp_id in shown if lamp_id in known.lamps} | changes.lamps
    overridden = [lamp_id for lamp_id, one in lamps.items() if one.reading.reason is Reason.OVERRIDE]
    overrides: dict[str, StoredOverride] = {}
    if overridden:
        # Only lamps that report to follow an override are looked up: usually none.
        wanted = overridden if len(overridden) <= _MAX_IN_LIST else None
        overrides = overrides_in_force(connection, wanted, now_ms)
    return StoredBatch(alarms, commands, lamps, overrides)


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what a database raises into this package's error.

    Raises:
        StoreUnavailable: the database fails whatever is in the batch; an operator can repair that.
    """
    try:
        yield
    except DBAPIError as error:
        raise StoreUnavailable(str(error.orig)) from error


@contextmanager
def content_errors() -> Iterator[None]:
    """Turn what only the content of a batch can cause into one error.

    Raises:
        RefusedError: trying again would not help.
    """
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise RefusedError(str(error.orig)) from error
    except DBAPIError:
        raise  # SQLAlchemy derives it from StatementError, which blames the content
    except (StatementError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise RefusedError(f"{type(error).__name__}: {error}") from error
