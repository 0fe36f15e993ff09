"""The status document of a gateway process. JSON is camelCase, times are UTC."""

from datetime import datetime

import msgspec


class _Document(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A JSON object with camelCase names."""


class OverrideStatus(_Document, frozen=True, kw_only=True):
    """An override of the plan; with `expiration` None it lasts until it is cancelled."""

    command_id: str
    level: int
    start: datetime
    expiration: datetime | None
    active: bool


class ValueStatus(_Document, frozen=True, kw_only=True):
    """One measured value, by its TALQ attribute."""

    attribute: str
    value: float | int | bool | str
    unit: str


class DeviceStatus(_Document, frozen=True, kw_only=True):
    """One device of a line; `state` is responsive, unresponsive or unknown, `values` were read last."""

    id: str
    kind: str
    unit: int
    line: str
    profile: str
    state: str
    failures: int
    last_answer: datetime | None
    age_seconds: float | None
    target_level: int | None
    reason: str | None
    until: datetime | None
    override: OverrideStatus | None
    values: list[ValueStatus]


class CountersStatus(_Document, frozen=True, kw_only=True):
    """Counts of a line since the start."""

    requests: int
    answers: int
    no_answers: int
    corrupt: int
    late: int
    foreign: int
    refused: int
    reopened: int


class LineStatus(_Document, frozen=True, kw_only=True):
    """One line: whether its port can be used, and if not the `problem`."""

    port: str
    up: bool
    problem: str | None
    devices: int
    silent: int
    counters: CountersStatus


class OutboxStatus(_Document, frozen=True, kw_only=True):
    """Records that wait for the cloud (`depth`); `unwritten` are in memory only, while the disk fails."""

    depth: int
    size_bytes: int
    decimated: int
    unwritten: int
    failing: bool


class UplinkStatus(_Document, frozen=True, kw_only=True):
    """`state` is online, waiting (the broker is reached, the cloud is offline) or down, for `problem`."""

    state: str
    problem: str | None
    broker: str
    in_flight: int


class ClockStatus(_Document, frozen=True, kw_only=True):
    """The gateway's time, and whether it is trusted to run the plan."""

    time: datetime
    time_zone: str
    trusted: bool


class PlanStatus(_Document, frozen=True, kw_only=True):
    """The lighting plan in force by its hash, "" for the built-in one; `problem` is why one was refused.

    At `next_change` the level of some lamp changes to `next_level`; both are missing in the short form.
    """

    hash: str
    problem: str
    next_change: datetime | None
    next_level: int | None


class GatewayStatus(_Document, frozen=True, kw_only=True):
    """One gateway; `devices` is empty in the short form."""

    id: str
    area: str
    clock: ClockStatus
    plan: PlanStatus
    uplink: UplinkStatus
    outbox: OutboxStatus
    lines: list[LineStatus]
    lamps: int
    silent: int
    devices: list[DeviceStatus]


class ProcessStatus(_Document, frozen=True, kw_only=True):
    """All gateways of a process."""

    time: datetime
    started: datetime
    gateways: list[GatewayStatus]


ENCODER = msgspec.json.Encoder()
