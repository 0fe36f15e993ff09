"""The simulator's HTTP API: the physical state, faults, lines and uplinks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from firmware_sim.api.cabinet_routes import NotFoundError, cabinet_routes
from firmware_sim.faults import FaultType
from firmware_sim.wire.line import SimulatedLine
from firmware_sim.wire.network import Network
from firmware_sim.world import SimulatedLamp, World

OnNetwork = Callable[[str, Network], Awaitable[None]]

_LAMPS_PER_TURN = 20  # the wire waits while lamps are measured: well under 1 ms each turn


class FaultRequest(BaseModel):
    """A fault to inject; `probability` is the share of responses that a fault of the wire affects."""

    model_config = ConfigDict(extra="forbid")

    type: FaultType
    probability: float = Field(default=1.0, gt=0, le=1)


class NetworkRequest(BaseModel):
    """The state of a gateway's uplink: cut, slow, or a black hole that accepts bytes and delivers none."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    up: bool
    latency_ms: int = Field(default=0, ge=0, le=60_000)
    bytes_per_second: int | None = Field(default=None, gt=0)
    blackhole: bool = False


def create_app(world: World, ports: dict[str, int], on_network: OnNetwork | None) -> FastAPI:
    """Return the application; `ports` are the lines' TCP ports by line name."""
    app = FastAPI(title="Lentera simulator", docs_url="/sim/docs", openapi_url="/sim/openapi.json")
    app.include_router(_lamp_routes(world))
    app.include_router(_network_routes(world, ports, on_network))
    app.include_router(cabinet_routes(world))
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(NotFoundError, _on_missing)
    return app


def _lamp_routes(world: World) -> APIRouter:
    router = APIRouter(prefix="/sim/v1")

    @router.get("/lamps")
    async def list_lamps() -> StreamingResponse:
        return StreamingResponse(_all_lamps(world), media_type="application/json")

    @router.get("/lamps/{lamp_id}")
    async def get_lamp(lamp_id: str) -> dict[str, object]:
        return _detail(world, _lamp(world, lamp_id))

    @router.post("/lamps/{lamp_id}/faults", status_code=201)
    async def inject(lamp_id: str, request: FaultRequest) -> dict[str, object]:
        simulated = _lamp(world, lamp_id)
        world.inject(lamp_id, request.type, request.probability)
        return _detail(world, simulated)

    @router.delete("/lamps/{lamp_id}/faults", status_code=204)
    async def mend(lamp_id: str, type: FaultType | None = None) -> Response:  # noqa: A002 - the query's name
        _lamp(world, lamp_id)
        world.mend(lamp_id, type)
        return Response(status_code=204)

    @router.get("/log")
    async def answered_polls(
        lamp_id: Annotated[str | None, Query(alias="lampId")] = None,
    ) -> StreamingResponse:
        lamp_ids = list(world.lamps) if lamp_id is None else [_lamp(world, lamp_id).lamp.id]
        return StreamingResponse(_polls(world, lamp_ids), media_type="application/json")

    return router


def _network_routes(world: World, ports: dict[str, int], on_network: OnNetwork | None) -> APIRouter:
    router = APIRouter(prefix="/sim/v1")

    @router.get("/lines")
    async def list_lines() -> list[dict[str, object]]:
        return [_line(line, ports) for line in world.lines]

    @router.get("/gateways/{gateway_id}/network")
    async def get_network(gateway_id: str) -> dict[str, object]:
        return _network(gateway_id, _uplink(world, gateway_id))

    @router.post("/gateways/{gateway_id}/network")
    async def set_network(gateway_id: str, request: NetworkRequest) -> dict[str, object]:
        _uplink(world, gateway_id)
        network = Network(request.up, request.latency_ms, request.bytes_per_second, request.blackhole)
        world.uplinks[gateway_id] = network
        if on_network is not None:
            await on_network(gateway_id, network)
        return _network(gateway_id, network)

    @router.get("/gateways")
    async def list_gateways() -> list[dict[str, object]]:
        return [_network(gateway_id, network) for gateway_id, network in world.uplinks.items()]

    @router.get("/clock")
    async def get_clock() -> dict[str, object]:
        return {"time": world.clock.now().isoformat().replace("+00:00", "Z"), "speed": world.clock.speed}

    return router


def _lamp(world: World, lamp_id: str) -> SimulatedLamp:
    if lamp_id not in world.lamps:
        raise NotFoundError("lamp", lamp_id)
    return world.lamps[lamp_id]


def _network(gateway_id: str, network: Network) -> dict[str, object]:
    return {
        "gatewayId": gateway_id,
        "up": network.up,
        "latencyMs": network.latency_ms,
        "bytesPerSecond": network.bytes_per_second,
        "blackhole": network.blackhole,
    }


def _uplink(world: World, gateway_id: str) -> Network:
    if gateway_id not in world.uplinks:
        raise NotFoundError("gateway", gateway_id)
    return world.uplinks[gateway_id]


async def _polls(world: World, lamp_ids: Sequence[str]) -> AsyncIterator[bytes]:
    yield b'{"items":['
    comma = b""
    for lamp_id in lamp_ids:
        rows = [
            {"lampId": lamp_id, "time": time_ms, "level": level, "activePower": power}
            for time_ms, level, power in world.journal.polls(lamp_id)
        ]
        if rows:
            yield comma + msgspec.json.encode(rows)[1:-1]
            comma = b","
        await asyncio.sleep(0)
    yield b"]}"


async def _all_lamps(world: World) -> AsyncIterator[bytes]:
    lamps = list(world.lamps.values())
    yield b"["
    for start in range(0, len(lamps), _LAMPS_PER_TURN):
        rows = [_row(world, each) for each in lamps[start : start + _LAMPS_PER_TURN]]
        yield (b"," if start else b"") + msgspec.json.encode(rows)[1:-1]
        await asyncio.sleep(0)
    yield b"]"


def _row(world: World, simulated: SimulatedLamp) -> dict[str, object]:
    lamp, truth = simulated.lamp, simulated.controller.measure(world.now_s())
    return {
        "id": lamp.id,
        "gatewayId": lamp.gateway_id,
        "line": lamp.line,
        "unit": lamp.unit,
        "latitude": lamp.latitude,
        "longitude": lamp.longitude,
        "trueLevel": round(truth.level_percent, 2),
        "lit": truth.lit,
        "activePower": round(truth.active_power_w, 2),
        "supplyVoltage": round(truth.supply_voltage_v, 2),
        "light": round(truth.light, 4),
        "faults": [fault.value for fault in simulated.faults],
    }


def _detail(world: World, simulated: SimulatedLamp) -> dict[str, object]:
    truth = simulated.controller.measure(world.now_s())
    return _row(world, simulated) | {
        "areaId": simulated.lamp.area_id,
        "road": simulated.lamp.road,
        "ratedPower": simulated.lamp.rated_power_w,
        "feedbackLevel": simulated.controller.feedback_percent,
        "supplyCurrent": round(truth.supply_current_a, 4),
        "powerFactor": round(truth.power_factor, 3),
        "temperature": round(truth.temperature_c, 1),
        "activeEnergy": round(truth.energy_wh / 1000, 4),
        "operatingHours": round(truth.lit_s / 3600, 4),
        "switchOnCounter": truth.switch_ons,
    }


def _line(line: SimulatedLine, ports: dict[str, int]) -> dict[str, object]:
    counts = line.statistics
    return {
        "name": line.name,
        "lamps": sum(station.lamp_id is not None for station in line.stations.values()),
        "tcpPort": ports.get(line.name),
        "frames": counts.frames,
        "answers": counts.answers,
        "exceptions": counts.exceptions,
        "broadcasts": counts.broadcasts,
        "unanswered": counts.unanswered,
        "silenceViolations": counts.silence_violations,
        "crcErrors": counts.crc_errors,
        "collisions": counts.collisions,
        "meanTurnaround": round(counts.turnaround_ms_total / max(1, counts.answers), 4),
        "meanLateness": round(counts.late_ms_total / max(1, counts.answers), 3),
        "maxLateness": round(counts.late_ms_max, 3),
        "wrongBaud": counts.wrong_baud,
    }


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [
        {
            "field": ".".join(str(part) for part in detail["loc"][1:]) or str(detail["loc"][0]),
            "value": None if detail["type"] == "missing" else detail["input"],
            "expected": detail["msg"],
        }
        for detail in details
    ]
    text = "; ".join(f"{each['field']} is {each['value']!r}: {each['expected']}" for each in errors)
    return _problem(422, "Invalid request", text, errors)


async def _on_missing(_: Request, error: Exception) -> JSONResponse:
    return _problem(404, "Not found", str(error), [])


def _problem(status: int, title: str, detail: str, errors: list[dict[str, object]]) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "errors": errors}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
