"""Stall detection: whether each line and each disk thread still completes work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from edge.components import GatewayComponents, LineComponents
from edge.config.settings import GatewayConfig

LINE_STALL_S: Final = 30.0
"""Our choice, far above the two seconds that a transaction takes at most, its retries included."""

POLL_STALL_S: Final = 120.0
"""Added to two poll intervals while no poll runs. Our choice: a busy event loop is no stall."""

DISK_STALL_S: Final = 120.0
"""Our choice, well above the many seconds for which worn flash memory can pause."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much work a component has completed.

    It has stalled if `completed` does not change for `stall_after_s`, which is None while the component has
    nothing to do or cannot do it.
    """

    component: str
    completed: int
    stall_after_s: float | None


class StallDetector:
    """Stores since when each component has made no progress; all times are seconds of the same clock."""

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
    disks = {"the outbox": components.outbox.disk, "the state file": components.state.disk}
    for file, disk in disks.items():
        # A full or broken disk raises an error, which completes the work as well.
        stall_after_s = DISK_STALL_S if disk.submitted > disk.completed else None
        yield Progress(f"{name}: thread of {file}", disk.completed, stall_after_s)


def _line_progress(gateway: str, components: LineComponents, interval_s: float) -> Progress:
    line, counters = components.line, components.line.counters
    # Timeouts count as completed: a street without power is no reason to restart the gateway.
    completed = counters.requests + counters.answers + counters.no_answers + counters.corrupt
    stall_after_s = LINE_STALL_S if components.poller.is_polling else 2 * interval_s + POLL_STALL_S
    # A restart would not bring back a port that is missing.
    return Progress(
        f"{gateway}: line {line.name}", completed, stall_after_s if line.problem is None else None
    )
