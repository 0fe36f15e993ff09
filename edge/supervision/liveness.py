"""Stall detection: whether each line and each disk thread still completes work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from edge.components import GatewayComponents, LineComponents
from edge.config.settings import GatewayConfig
from edge.storage.sqlite_file import SqliteFile

LINE_STALL_S: Final = 30.0
"""A transaction takes two seconds at most, its retries included, whatever the device does."""

POLL_STALL_S: Final = 120.0
"""Beyond two poll intervals without a request on a line."""

DISK_STALL_S: Final = 120.0
"""Worn flash memory pauses for many seconds and then goes on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much work a component has completed; without more of it in `stall_after_s` it has stalled.

    `stall_after_s` is None while the component has nothing to do or cannot do it.
    """

    component: str
    completed: int
    stall_after_s: float | None


class StallDetector:
    """Remembers since when each component has made no progress; times are wall seconds of any one clock."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Progress, float]] = {}

    def stalled(self, progress: Iterable[Progress], now: float) -> tuple[str, ...]:
        """Return the names of the components that have stalled; those not reported are forgotten."""
        seen: dict[str, tuple[Progress, float]] = {}
        for each in progress:
            before = self._seen.get(each.component)
            # A changed `stall_after_s` restarts the time too: idle time before a request does not count.
            seen[each.component] = before if before is not None and before[0] == each else (each, now)
        self._seen = seen
        return tuple(
            component
            for component, (each, since) in seen.items()
            if each.stall_after_s is not None and now - since >= each.stall_after_s
        )


def progress_of(config: GatewayConfig, components: GatewayComponents) -> Iterator[Progress]:
    """Return the progress of one gateway's lines and disk threads."""
    name, interval_s = config.gateway.id, config.gateway.poll_interval_s / components.timekeeper.speed
    for each in components.lines:
        yield _line_progress(name, each, interval_s)
    yield _disk_progress(f"{name}: thread of the outbox", components.outbox.disk)
    yield _disk_progress(f"{name}: thread of the state file", components.state.disk)


def _line_progress(gateway: str, components: LineComponents, interval_s: float) -> Progress:
    line, counters = components.line, components.line.counters
    # Timeouts count as completed: a street without power is no reason to restart the gateway.
    completed = counters.requests + counters.answers + counters.no_answers + counters.corrupt
    stall_after_s = LINE_STALL_S if components.poller.is_polling else 2 * interval_s + POLL_STALL_S
    # A restart brings back no port that is gone.
    return Progress(
        f"{gateway}: line {line.name}", completed, stall_after_s if line.problem is None else None
    )


def _disk_progress(name: str, disk: SqliteFile) -> Progress:
    # A full or broken disk raises an error, which completes the work as well.
    return Progress(name, disk.completed, DISK_STALL_S if disk.submitted > disk.completed else None)
