"""First step of a commit: what a batch changes, given what is known. Pure.

Readings come in batches and leave as changes by device, so that this step can work on whole columns later.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from cloud.alarms.cabinet import evaluate_cabinet
from cloud.alarms.evaluator import AlarmChanges
from cloud.alarms.lamp import evaluate_lamp
from cloud.alarms.model import Transition
from cloud.ingest.batch import Batch
from cloud.ingest.gateway_changes import gateways_after
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.model import Changes, KnownState
from cloud.state.model import CabinetState, LampState
from protocols.cabinet import CabinetReading, DeviceReading
from protocols.clock import from_unix_ms
from protocols.events import EventType
from protocols.lamp import LampReading
from protocols.sparkplug.host_events import NodeBorn

CLOCK_TOLERANCE_MS = 300_000
"""How far ahead of ours a gateway's clock may be: a later reading is no evidence of the present state."""

StateT = TypeVar("StateT", LampState, CabinetState)
ReadingT = TypeVar("ReadingT", LampReading, CabinetReading)


def assess(batch: Batch, known: KnownState, inventory: InventoryCache, now_ms: int) -> Changes:
    """Return what `batch` changes in `known` at `now_ms` (Unix ms of domain time); `known` stays as it is.

    A reading of the future changes nothing, or no later one could ever replace it. Alarms follow from the
    newest readings only: what is sent again, or late, is no evidence of the present.
    """
    latest = from_unix_ms(now_ms + CLOCK_TOLERANCE_MS)
    readings = [one for one in batch.readings if one.time <= latest]
    cabinet_readings = [one for one in batch.cabinets if one.time <= latest]
    received: list[DeviceReading] = [*batch.readings, *batch.cabinets]
    future = [one.device_id for one in received if one.time > latest]
    changes = Changes(
        lamps=_states_after(batch, readings, known.lamps, LampState),
        cabinets=_states_after(batch, cabinet_readings, known.cabinets, CabinetState),
        gateways=gateways_after(batch, known.gateways, now_ms),
        alarms=AlarmChanges(),
        ahead=Counter(batch.sources[device_id][1] for device_id in future),
        heard={gateway_id for _, gateway_id in batch.sources.values()},
    )
    # After a restart alarms have no evidence, so the state shows which readings have been judged before.
    new = [
        one
        for one in readings
        if one.device_id not in known.lamps or one.time > known.lamps[one.device_id].reading.time
    ]
    sources = batch.sources
    known.alarms.judge(
        changes.alarms,
        new,
        lambda state, one: evaluate_lamp(state, one, inventory.rated_power_w(one.device_id)),
        lambda lamp_id: inventory.device(lamp_id, sources[lamp_id]),
    )
    known.alarms.judge(
        changes.alarms,
        cabinet_readings,
        evaluate_cabinet,
        lambda cabinet_id: inventory.cabinet(cabinet_id, sources[cabinet_id]),
    )
    for transition in _reachability(batch, changes, inventory, now_ms):
        known.alarms.report(changes.alarms, transition)
    return changes


def _states_after(
    batch: Batch,
    readings: Sequence[ReadingT],
    known: Mapping[str, StateT],
    state_of: Callable[[ReadingT, str, bool], StateT],
) -> dict[str, StateT]:
    """Return the states of one kind of device that the batch changes."""
    # A gateway that is born or dies leaves its devices unknown: each is offline until its own birth.
    turned = {node[1] for node in (*batch.nodes, *batch.lost)}
    after = {
        device_id: replace(state, online=False)
        for device_id, state in (known.items() if turned else ())
        if state.online and state.gateway_id in turned
    }
    for reading in readings:
        device_id = reading.device_id
        state = after.get(device_id) or known.get(device_id)
        if state is None or reading.time > state.reading.time:
            online = state.online if state else True
            after[device_id] = state_of(reading, batch.sources[device_id][1], online)
    for device_id, seen in batch.devices.items():
        state = after.get(device_id) or known.get(device_id)
        if state is not None and (state.online != seen.online or state.gateway_id != seen.node[1]):
            after[device_id] = replace(state, gateway_id=seen.node[1], online=seen.online)
    return after


def _reachability(
    batch: Batch, changes: Changes, inventory: InventoryCache, now_ms: int
) -> Iterable[Transition]:
    """Yield the communication failures of gateways that the batch starts and ends."""
    for node in batch.lost:
        since = from_unix_ms(changes.gateways[node[1]].since_ms)
        info = f"gateway out of reach since {since:%Y-%m-%dT%H:%M:%SZ}"
        device = inventory.device(node[1], node)
        yield Transition(device, EventType.COMMUNICATION_FAILURE, raised=True, time_ms=now_ms, info=info)
    # A death is no alarm yet: only `lost`, once the gateway has had time to come back.
    for node, event in batch.nodes.items():
        if isinstance(event, NodeBorn):
            device = inventory.device(node[1], node)
            yield Transition(device, EventType.COMMUNICATION_FAILURE, raised=False, time_ms=now_ms)
