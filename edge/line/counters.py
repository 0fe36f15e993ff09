"""Counts of what happened on a line."""

from dataclasses import dataclass


@dataclass(slots=True)
class LineCounters:
    """Counts since the start of a line; a unicast request ends as one of answers, no_answers or corrupt."""

    requests: int = 0
    answers: int = 0
    no_answers: int = 0
    corrupt: int = 0
    late: int = 0
    foreign: int = 0
    refused: int = 0
    reopened: int = 0
