"""Converts readings, commands, events, results, acknowledgements and plans to and from Sparkplug metrics."""

from typing import Final

from protocols.mapping.commands import (
    COMMANDED_METRICS,
    DEFAULT_OVERRIDE,
    DEFAULT_PATIENCE,
    command_from,
    command_metrics,
)
from protocols.mapping.plans import (
    PlanState,
    plan_from,
    plan_issued_ms,
    plan_metrics,
    plan_state_from,
    plan_state_metrics,
)
from protocols.mapping.readings import (
    cabinet_from,
    device_birth,
    gateway_birth,
    is_cabinet_data,
    reading_from,
    reading_metrics,
)
from protocols.mapping.records import (
    ack_from,
    ack_metrics,
    epoch_from,
    event_from,
    event_metrics,
    position_from,
    position_metric,
    result_from,
    result_metrics,
    time_from,
    time_metrics,
)
from protocols.mapping.values import (
    InvalidCommand,
    InvalidMetrics,
    InvalidReading,
    InvalidRecord,
)

PRIMARY_HOST: Final = "lentera"
"""The host application that a gateway waits for before it publishes its births."""

__all__ = [
    "COMMANDED_METRICS",
    "DEFAULT_OVERRIDE",
    "DEFAULT_PATIENCE",
    "PRIMARY_HOST",
    "InvalidCommand",
    "InvalidMetrics",
    "InvalidReading",
    "InvalidRecord",
    "PlanState",
    "ack_from",
    "ack_metrics",
    "cabinet_from",
    "command_from",
    "command_metrics",
    "device_birth",
    "epoch_from",
    "event_from",
    "event_metrics",
    "gateway_birth",
    "is_cabinet_data",
    "plan_from",
    "plan_issued_ms",
    "plan_metrics",
    "plan_state_from",
    "plan_state_metrics",
    "position_from",
    "position_metric",
    "reading_from",
    "reading_metrics",
    "result_from",
    "result_metrics",
    "time_from",
    "time_metrics",
]
