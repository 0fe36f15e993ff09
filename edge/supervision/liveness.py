"""Whether what must go on does: each line while its port is there, and the thread of each disk file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from edge.components import GatewayComponents, LineComponents
from edge.config.settings import GatewayConfig
from edge.storage.sqlite_file import SqliteFile

LINE_PATIENCE_S: Final = 30.0
"""A transaction takes a second or two at most, whoever is at the other end: this one will never end."""

POLL_PATIENCE_S: Final = 120.0
"""Beyond two poll intervals in which nobody asked anything on a line."""

DISK_PATIENCE_S: Final = 120.0
"""Worn flash memory stalls for many seconds and goes on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a part has finished by now; `patience_s` is how long it may stand still, None for ever."""

    part: str
    beats: int
    patience_s: float | None


class StallDetector:
    """Remembers since when each part stands still. Times are wall seconds of any one clock."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Progress, float]] = {}

    def stuck(self, pulses: Iterable[Progress], now: float) -> tuple[str, ...]:
        """The parts that have stood still for longer than they may."""
        self._seen = {pulse.part: self._since(pulse, now) for pulse in pulses}
        return tuple(
            part
            for part, (pulse, since) in self._seen.items()
            if pulse.patience_s is not None and now - since >= pulse.patience_s
        )

    def _since(self, pulse: Progress, now: float) -> tuple[Progress, float]:
        known = self._seen.get(pulse.part)
        return known if known is not None and known[0] == pulse else (pulse, now)


def pulses_of(config: GatewayConfig, parts: GatewayComponents) -> Iterator[Progress]:
    """The pulses of one gateway."""
    name, interval_s = config.gateway.id, config.gateway.poll_interval_s / parts.keeper.speed
    for each in parts.lines:
        yield _pulse_of_line(name, each, interval_s)
    yield _pulse_of_disk(f"{name}: thread of the outbox", parts.outbox.disk)
    yield _pulse_of_disk(f"{name}: thread of the memory", parts.memory.disk)


def _pulse_of_line(gateway: str, parts: LineComponents, interval_s: float) -> Progress:
    """A request that goes out shows that the one before has ended. Silence of lamps is an end too."""
    line, counters = parts.line, parts.line.counters
    beats = counters.requests + counters.answers + counters.no_answers + counters.corrupt
    patience_s = LINE_PATIENCE_S if parts.poller.is_asking else 2 * interval_s + POLL_PATIENCE_S
    # A restart brings back no port that is gone.
    return Progress(f"{gateway}: line {line.name}", beats, patience_s if line.problem is None else None)


def _pulse_of_disk(name: str, disk: SqliteFile) -> Progress:
    """A disk that is full or broken says so, which is an answer."""
    return Progress(name, disk.answered, DISK_PATIENCE_S if disk.asked > disk.answered else None)
