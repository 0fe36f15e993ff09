"""The notice board of a gateway process: reads the state of its parts when somebody asks."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from edge.components import GatewayComponents
from edge.config.settings import GatewayConfig
from edge.devices.device import Device
from edge.line import Line
from edge.status.model import (
    ClockStatus,
    CountersStatus,
    DeviceStatus,
    GatewayStatus,
    LineStatus,
    OutboxStatus,
    OverrideStatus,
    PlanStatus,
    ProcessStatus,
    UplinkStatus,
    ValueStatus,
)
from edge.supervision.liveness import Progress, pulses_of
from protocols.cabinet import DeviceReading
from protocols.clock import Clock
from protocols.device_kinds import kind_of
from protocols.lamp import Reason
from protocols.lighting.priority import Override

_DECIDED = frozenset({"target_level_percent", "reason"})
"""Fields of a lamp's reading that the gateway itself decides: shown beside the values, as of now."""


@dataclasses.dataclass(frozen=True, slots=True)
class Watched:
    """A gateway that runs now."""

    config: GatewayConfig
    parts: GatewayComponents


class StatusSnapshot:
    """The gateways that run now, by id; those between two attempts are missing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.now()
        self._watched: dict[str, Watched] = {}

    @contextmanager
    def watching(self, config: GatewayConfig, parts: GatewayComponents) -> Iterator[None]:
        """Show this gateway for as long as it runs."""
        self._watched[config.gateway.id] = Watched(config, parts)
        try:
            yield
        finally:
            del self._watched[config.gateway.id]

    def pulses(self) -> Iterator[Progress]:
        """What must go on in all gateways that run now."""
        for each in list(self._watched.values()):
            yield from pulses_of(each.config, each.parts)

    def status(self, gateway_id: str | None = None, *, devices: bool = True) -> ProcessStatus:
        """What is true now of all gateways, or of the one with this id."""
        shown = [each for name, each in sorted(self._watched.items()) if gateway_id in (None, name)]
        return ProcessStatus(
            time=self._clock.now(),
            started=self._started,
            gateways=[_gateway(each, devices=devices) for each in shown],
        )


def _gateway(watched: Watched, *, devices: bool) -> GatewayStatus:
    config, parts = watched.config, watched.parts
    now = parts.keeper.now()
    all_devices = parts.devices
    return GatewayStatus(
        id=config.gateway.id,
        area=config.gateway.area,
        clock=ClockStatus(time=now, time_zone=config.gateway.time_zone, trusted=parts.keeper.is_known),
        plan=_plan(parts, now if devices else None),
        uplink=UplinkStatus(
            state=parts.uplink.state.value,
            problem=parts.uplink.problem,
            broker=f"{config.mqtt.host}:{config.mqtt.port}",
            in_flight=parts.uplink.in_flight,
        ),
        outbox=_outbox(parts),
        lines=[_line(each.line, each.devices) for each in parts.lines],
        lamps=sum(device.dimmable for device in all_devices),
        silent=sum(device.answering is False for device in all_devices),
        devices=[_device(device, each.line, parts, now) for each in parts.lines for device in each.devices]
        if devices
        else [],
    )


def _plan(parts: GatewayComponents, now: datetime | None) -> PlanStatus:
    """The plan in force, with its next change after `now`."""
    state = parts.plan.state
    until, level = (None, None) if now is None else _next_change(parts, now)
    return PlanStatus(hash=state.hash, problem=state.problem, next_change=until, next_level=level)


def _next_change(parts: GatewayComponents, now: datetime) -> tuple[datetime | None, int | None]:
    levels = {device.id: parts.levels.at(device.id, now) for device in parts.devices if device.dimmable}
    changes = [
        (each.until, lamp_id)
        for lamp_id, each in levels.items()
        if each.reason is Reason.PROGRAM and each.until is not None
    ]
    if not changes:
        return None, None
    until, lamp_id = min(changes)
    return until, parts.levels.at(lamp_id, until).level_percent


def _outbox(parts: GatewayComponents) -> OutboxStatus:
    held = parts.outbox.holding
    return OutboxStatus(
        depth=held.waiting + parts.outbox.unwritten,
        size_bytes=held.size_bytes,
        thinned=held.thinned,
        unwritten=parts.outbox.unwritten,
        failing=parts.outbox.is_failing,
    )


def _line(line: Line, devices: tuple[Device, ...]) -> LineStatus:
    return LineStatus(
        port=line.name,
        up=line.problem is None,
        problem=line.problem,
        devices=len(devices),
        silent=sum(device.answering is False for device in devices),
        counters=CountersStatus(**dataclasses.asdict(line.counters)),
    )


def _device(device: Device, line: Line, parts: GatewayComponents, now: datetime) -> DeviceStatus:
    reading = device.last_reading
    level = parts.levels.at(device.id, now) if device.dimmable else None
    reason = device.reason if level is None else level.reason  # a contactor's, which is told no level
    return DeviceStatus(
        id=device.id,
        kind=device.profile.kind.value,
        unit=device.unit,
        line=line.name,
        profile=device.profile.id,
        state={True: "answering", False: "silent", None: "unasked"}[device.answering],
        failures=device.failures,
        last_answer=None if reading is None else reading.time,
        age_seconds=None if reading is None else round((now - reading.time).total_seconds(), 1),
        target_level=device.target_level_percent if level is None else level.level_percent,
        reason=None if reason is None else reason.value,
        until=None if level is None else level.until,
        override=_override(parts.levels.override(device.id), now),
        values=[] if reading is None else _values(reading),
    )


def _values(reading: DeviceReading) -> list[ValueStatus]:
    metrics = kind_of(reading).metrics
    read = ((metric, getattr(reading, metric.field)) for metric in metrics if metric.field not in _DECIDED)
    return [
        ValueStatus(attribute=metric.attribute, value=value, unit=metric.unit)
        for metric, value in read
        if value is not None
    ]


def _override(override: Override | None, now: datetime) -> OverrideStatus | None:
    if override is None or (override.expiration is not None and override.expiration <= now):
        return None
    return OverrideStatus(
        command_id=override.command_id,
        level=override.level_percent,
        start=override.start,
        expiration=override.expiration,
        active=override.is_active(now),
    )
