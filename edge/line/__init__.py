"""The one owner of an RS-485 line: who may speak, when, and whose answer it was."""

from edge.line.errors import (
    CorruptAnswerError,
    LineError,
    NoAnswerError,
    PortUnavailableError,
    RequestRefusedError,
    TransientLineError,
)
from edge.line.lanes import Lane
from edge.line.opening import LineSettings, open_line
from edge.line.owner import Line, LineCounters

__all__ = [
    "CorruptAnswerError",
    "Lane",
    "Line",
    "LineCounters",
    "LineError",
    "LineSettings",
    "NoAnswerError",
    "PortUnavailableError",
    "RequestRefusedError",
    "TransientLineError",
    "open_line",
]
