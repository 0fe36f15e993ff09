"""Reads the status of all gateways of a process from their components, at the moment of the request."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from edge.components import GatewayComponents, LineComponents
from edge.config.settings import GatewayConfig
from edge.devices.device import Device
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
from edge.supervision.liveness import Progress, progress_of
from protocols.cabinet import DeviceReading
from protocols.clock import Clock
from protocols.device_kinds import kind_of
from protocols.lamp import Reason
from protocols.lighting.priority import Override

_DECIDED = frozenset({"target_level_percent", "reason"})
"""Fields of a lamp's reading that the gateway decides: shown as they are now, not as in the last reading."""


@dataclasses.dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway's settings and its running components."""

    config: GatewayConfig
    components: GatewayComponents


class StatusSnapshot:
    """The gateways that run now; one that waits to be restarted is missing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.now()
        self._running: dict[str, RunningGateway] = {}

    @contextmanager
    def registered(self, config: GatewayConfig, components: GatewayComponents) -> Iterator[None]:
        """Include this gateway while the context lasts."""
        self._running[config.gateway.id] = RunningGateway(config, components)
        try:
            yield
        finally:
            del self._running[config.gateway.id]

    def progress(self) -> Iterator[Progress]:
        """Return the progress of lines and disk threads of all gateways, for stall detection."""
        for each in list(self._running.values()):
            yield from progress_of(each.config, each.components)

    def status(self, gateway_id: str | None = None, *, devices: bool = True) -> ProcessStatus:
        """Return the status of all gateways, or of the one with this id; `devices` can be left out."""
        shown = [each for name, each in sorted(self._running.items()) if gateway_id in (None, name)]
        return ProcessStatus(
            time=self._clock.now(),
            started=self._started,
            gateways=[_gateway(each, devices=devices) for each in shown],
        )


def _gateway(running: RunningGateway, *, devices: bool) -> GatewayStatus:
    config, components = running.config, running.components
    now = components.timekeeper.now()
    lines = [_line(each) for each in components.lines]
    return GatewayStatus(
        id=config.gateway.id,
        area=config.gateway.area,
        clock=ClockStatus(
            time=now, time_zone=config.gateway.time_zone, trusted=components.timekeeper.is_known
        ),
        plan=_plan(components, now if devices else None),
        uplink=UplinkStatus(
            state=components.uplink.state.value,
            problem=components.uplink.problem,
            broker=f"{config.mqtt.host}:{config.mqtt.port}",
            in_flight=components.uplink.delivery.in_flight,
        ),
        outbox=_outbox(components),
        lines=lines,
        lamps=sum(device.dimmable for device in components.devices),
        silent=sum(line.silent for line in lines),
        devices=[
            _device(device, each, components, now) for each in components.lines for device in each.devices
        ]
        if devices
        else [],
    )


def _plan(components: GatewayComponents, now: datetime | None) -> PlanStatus:
    """Return the plan in force and its next change after `now`; without `now` the change is left out."""
    changes: list[tuple[datetime, str]] = []
    for device in components.devices if now is not None else ():
        if now is not None and device.dimmable:
            level = components.levels.at(device.id, now)
            if level.reason is Reason.PROGRAM and level.until is not None:
                changes.append((level.until, device.id))
    next_change, next_level = None, None
    if changes:
        next_change, lamp_id = min(changes)
        next_level = components.levels.at(lamp_id, next_change).level_percent
    state = components.plan.state
    return PlanStatus(hash=state.hash, problem=state.problem, next_change=next_change, next_level=next_level)


def _outbox(components: GatewayComponents) -> OutboxStatus:
    held = components.outbox.holding
    return OutboxStatus(
        depth=held.waiting + components.outbox.unwritten,
        size_bytes=held.size_bytes,
        decimated=held.decimated,
        unwritten=components.outbox.unwritten,
        failing=components.outbox.is_failing,
    )


def _line(components: LineComponents) -> LineStatus:
    line = components.line
    return LineStatus(
        port=line.name,
        up=line.problem is None,
        problem=line.problem,
        devices=len(components.devices),
        silent=sum(presence.is_unresponsive for _, presence in components.presences()),
        counters=CountersStatus(**dataclasses.asdict(line.counters)),
    )


def _device(
    device: Device, line: LineComponents, components: GatewayComponents, now: datetime
) -> DeviceStatus:
    presence = line.reader.presences[device]
    reading = presence.last_reading
    level = components.levels.at(device.id, now) if device.dimmable else None
    # A contactor's target is not the level of the plan: it may have to stay closed.
    contactor = next((each for each in line.contactors if each.device is device), None)
    target = level if contactor is None else contactor.target
    return DeviceStatus(
        id=device.id,
        kind=device.profile.kind.value,
        unit=device.unit,
        line=line.line.name,
        profile=device.profile.id,
        state=presence.state,
        failures=presence.failures,
        last_answer=None if reading is None else reading.time,
        age_seconds=None if reading is None else round((now - reading.time).total_seconds(), 1),
        target_level=None if target is None else target.level_percent,
        reason=None if target is None else target.reason.value,
        until=None if level is None else level.until,
        override=_override(components.levels.override(device.id), now),
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
