"""The one owner of a line: which request is sent, when, and which request a response belongs to."""

from edge.line.bus import Line
from edge.line.counters import LineCounters
from edge.line.errors import (
    CorruptResponseError,
    LineError,
    NoResponseError,
    PortUnavailableError,
    RequestRefusedError,
    TransientLineError,
)
from edge.line.factory import LineSettings, open_line
from edge.line.lanes import Lane
from edge.line.timing import OFF_WIRE, WireTiming, serial_timing

__all__ = [
    "OFF_WIRE",
    "CorruptResponseError",
    "Lane",
    "Line",
    "LineCounters",
    "LineError",
    "LineSettings",
    "NoResponseError",
    "PortUnavailableError",
    "RequestRefusedError",
    "TransientLineError",
    "WireTiming",
    "open_line",
    "serial_timing",
]
