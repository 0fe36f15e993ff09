"""What a batch changes in the states of gateways: births, deaths, and the plan each follows. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from cloud.ingest.batch import Batch
from cloud.state.model import GatewayState
from protocols.mapping import epoch_from
from protocols.sparkplug.host_events import NodeBorn


def gateways_after(batch: Batch, known: Mapping[str, GatewayState], now_ms: int) -> dict[str, GatewayState]:
    """Return the states of the gateways that the batch changes."""
    changed: dict[str, GatewayState] = {}
    for (area_id, gateway_id), event in batch.nodes.items():
        before = known.get(gateway_id) or GatewayState(gateway_id, area_id, False, now_ms, None)
        online = isinstance(event, NodeBorn)
        epoch = epoch_from(event.metrics) if isinstance(event, NodeBorn) else before.epoch
        # A birth while online, after a rebirth request, does not reset since when it is online.
        since_ms = before.since_ms if before.online == online else now_ms
        changed[gateway_id] = replace(before, area_id=area_id, online=online, since_ms=since_ms, epoch=epoch)
    for area_id, gateway_id in batch.lost:
        state = changed.get(gateway_id) or known.get(gateway_id)
        state = state or GatewayState(gateway_id, area_id, False, now_ms, None)
        # Silent without a death: the broker may have lost the will, or was away with the gateway.
        since_ms = now_ms if state.online else state.since_ms
        changed[gateway_id] = replace(state, area_id=area_id, online=False, since_ms=since_ms)
    for (_, gateway_id), plan in batch.plans.items():
        # A gateway that was never born has no state; it reports its plan again at its birth.
        present = changed.get(gateway_id) or known.get(gateway_id)
        if present is not None:
            changed[gateway_id] = replace(present, plan_hash=plan.hash, plan_problem=plan.problem)
    return changed
