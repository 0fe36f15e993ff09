"""The simulator's HTTP API for cabinets: the physical state and the faults of a gateway's cabinet."""

from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from firmware_sim.devices.cabinet import PHASE_FAULTS, CabinetFault, CabinetModel
from firmware_sim.world import World

Phase = Annotated[int, Field(ge=1, le=3)]


class NotFoundError(LookupError):
    """An id that is not simulated; answered with 404."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"{kind} {identifier!r} is not simulated here")
        self.kind = kind
        self.identifier = identifier


class CabinetFaultRequest(BaseModel):
    """A fault of a cabinet; breaker and supply need the phase that loses power."""

    model_config = ConfigDict(extra="forbid")

    type: CabinetFault
    phase: Phase | None = None

    @model_validator(mode="after")
    def _has_a_phase_where_one_is_needed(self) -> Self:
        if (self.phase is not None) != (self.type in PHASE_FAULTS):
            expected = "1, 2 or 3" if self.type in PHASE_FAULTS else "none"
            raise ValueError(f"phase is {self.phase}, expected {expected} for {self.type.value}")
        return self


def cabinet_routes(world: World) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/sim/v1/gateways/{gateway_id}")

    @router.get("/cabinet")
    async def get_cabinet(gateway_id: str) -> dict[str, object]:
        return _truth(world, gateway_id)

    @router.post("/faults", status_code=201)
    async def inject(gateway_id: str, request: CabinetFaultRequest) -> dict[str, object]:
        _cabinet(world, gateway_id).set_fault(request.type, request.phase or 0, True, world.now_s())
        return _truth(world, gateway_id)

    @router.delete("/faults", status_code=204)
    async def mend(
        gateway_id: str,
        type: CabinetFault | None = None,  # noqa: A002 - the query's name
        phase: Annotated[int | None, Query(ge=1, le=3)] = None,
    ) -> Response:
        cabinet = _cabinet(world, gateway_id)
        for fault, on in cabinet.faults:
            if type in (None, fault) and phase in (None, on):
                cabinet.set_fault(fault, on, False, world.now_s())
        return Response(status_code=204)

    return router


def _cabinet(world: World, gateway_id: str) -> CabinetModel:
    if gateway_id not in world.cabinets:
        raise NotFoundError("cabinet of gateway", gateway_id)
    return world.cabinets[gateway_id].cabinet


def _truth(world: World, gateway_id: str) -> dict[str, object]:
    cabinet = _cabinet(world, gateway_id)
    truth = cabinet.measure(world.now_s())
    return {
        "id": world.cabinets[gateway_id].id,
        "gatewayId": gateway_id,
        "totalPower": round(truth.power_w / 1000, 5),
        "totalActiveEnergy": round(truth.energy_wh / 1000, 5),
        "doorOpen": truth.door_open,
        "breakerTripped": truth.breaker_tripped,
        "contactorClosed": truth.contactor_closed,
        "contactorTarget": truth.contactor_target,
        "photocellOutputOn": truth.photocell_on,
        "phases": [
            {
                "voltage": round(phase.voltage_v, 2),
                "current": round(phase.current_a, 4),
                "activePower": round(phase.power_w / 1000, 5),
                "activeEnergy": round(phase.energy_wh / 1000, 5),
            }
            for phase in truth.phases
        ],
        "faults": [
            {"type": fault.value, **({"phase": phase} if phase else {})} for fault, phase in cabinet.faults
        ],
    }
