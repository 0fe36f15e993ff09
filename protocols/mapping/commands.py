"""Converts light commands to and from the metrics of a DCMD."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lamp import LightCommand
from protocols.mapping.values import LAST_MS, InvalidCommand, integer, single
from protocols.metrics import (
    CLOUD_TIME,
    COMMAND_DEADLINE,
    COMMAND_EXPIRATION,
    COMMAND_ID,
    COMMAND_RAMP_S,
    COMMAND_START,
    OUTBOX_ACKNOWLEDGED,
    OUTBOX_EPOCH,
    PLAN_DOCUMENT,
    TARGET_LIGHT_COMMAND,
)
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MetricValue
from protocols.sparkplug.values import Value

DEFAULT_OVERRIDE: Final = timedelta(hours=2)
"""How long an override without an expiration lasts. Our choice: a visit to a street, not a whole night."""

DEFAULT_PATIENCE: Final = timedelta(minutes=10)
"""From start to deadline of a command without one. Our choice: several polls of a slow line."""

COMMANDED_METRICS: Final = frozenset(
    {
        TARGET_LIGHT_COMMAND,
        COMMAND_ID,
        COMMAND_START,
        COMMAND_DEADLINE,
        COMMAND_EXPIRATION,
        COMMAND_RAMP_S,
        OUTBOX_EPOCH,
        OUTBOX_ACKNOWLEDGED,
        CLOUD_TIME,
        PLAN_DOCUMENT,
    }
)
"""Metrics that hosts write. They are sent by name, so that a host can command before it has the birth."""


def command_metrics(command: LightCommand) -> list[MetricValue]:
    """Return the metrics of a DCMD; a null target ends the override in force."""
    start_ms = to_unix_ms(command.start)
    expiration_ms = None if command.expiration is None else to_unix_ms(command.expiration)
    return [
        MetricValue(name, None, datatype, value, start_ms)
        for name, datatype, value in (
            (TARGET_LIGHT_COMMAND, DataType.INT32, command.level_percent),
            (COMMAND_ID, DataType.STRING, command.command_id),
            (COMMAND_START, DataType.DATETIME, start_ms),
            (COMMAND_DEADLINE, DataType.DATETIME, to_unix_ms(command.deadline)),
            (COMMAND_EXPIRATION, DataType.DATETIME, expiration_ms),
            (COMMAND_RAMP_S, DataType.FLOAT, command.ramp_s),
        )
    ]


def command_from(
    device_id: str,
    metrics: Sequence[MetricValue],
    now: datetime,
    default_duration: timedelta = DEFAULT_OVERRIDE,
) -> LightCommand:
    """Return the command in a DCMD.

    One without Command/id comes from a general Sparkplug client: without an expiration it is an override
    that lasts for `default_duration`, from `now` unless it has a start.

    Raises:
        InvalidCommand: a metric is missing or has a wrong value.
    """
    given = {metric.name: metric.value for metric in metrics}
    if TARGET_LIGHT_COMMAND not in given:
        raise InvalidCommand(f"{TARGET_LIGHT_COMMAND}: missing, expected 0..100 or null")
    command_id = given.get(COMMAND_ID)
    if command_id is not None and not isinstance(command_id, str):
        raise InvalidCommand(f"{COMMAND_ID}: {command_id!r}, expected a text")
    start = _instant(given, COMMAND_START) or now
    expiration = _instant(given, COMMAND_EXPIRATION)
    if not command_id and expiration is None:
        expiration = start + default_duration
    if expiration is not None and expiration <= start:
        raise InvalidCommand(f"{COMMAND_EXPIRATION}: {expiration}, expected after {start}")
    return LightCommand(
        command_id=command_id or f"dcmd-{device_id}-{to_unix_ms(now)}",
        device_id=device_id,
        level_percent=_level(given[TARGET_LIGHT_COMMAND]),
        start=start,
        deadline=_instant(given, COMMAND_DEADLINE) or start + DEFAULT_PATIENCE,
        expiration=expiration,
        ramp_s=_ramp_s(given.get(COMMAND_RAMP_S)),
    )


def _level(value: Value) -> int | None:
    if value is None:
        return None
    try:
        level = integer(value)
    except ValueError as error:
        raise InvalidCommand(f"{TARGET_LIGHT_COMMAND}: {value!r}, expected 0..100 or null") from error
    if not 0 <= level <= 100:
        raise InvalidCommand(f"{TARGET_LIGHT_COMMAND}: {level}, expected 0..100 or null")
    return level


def _ramp_s(value: Value) -> float:
    if value is None:
        return 0.0
    try:
        ramp_s = single(value)
    except ValueError as error:
        raise InvalidCommand(f"{COMMAND_RAMP_S}: {value!r}, expected seconds") from error
    if not 0 <= ramp_s <= 86_400:
        raise InvalidCommand(f"{COMMAND_RAMP_S}: {ramp_s}, expected 0..86400 seconds")
    return ramp_s


def _instant(given: dict[str | None, Value], name: str) -> datetime | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAST_MS:
        raise InvalidCommand(f"{name}: {value!r}, expected Unix milliseconds")
    return from_unix_ms(value)
