"""Whose turn it is on a line: the living by when they are due, the dead by when it is worth a try."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from operator import attrgetter

from edge.device import Device

FIRST_PROBE_S = 2.0
LAST_PROBE_S = 40.0
"""A lamp that is whole again is asked within that time, so it is back well within a minute."""

_PROBE_AT = attrgetter("probe_at")


@dataclass(slots=True)
class Turn:
    """When a device is asked next: in domain time while it answers, by the loop's clock when it is dead."""

    device: Device
    due: datetime
    slow_due: datetime
    probe_at: float = 0.0
    probe_pause_s: float = field(default=FIRST_PROBE_S)

    @property
    def is_dead(self) -> bool:
        """Whether the device is known not to answer; others than the poller may have found out."""
        return self.device.answering is False

    def missed_probe(self, wall: float) -> None:
        """Wait twice as long before the next try."""
        self.probe_at = wall + self.probe_pause_s
        self.probe_pause_s = min(self.probe_pause_s * 2, LAST_PROBE_S)

    def expect(self, wall: float) -> None:
        """Try at once, and often from then on."""
        self.probe_at = min(self.probe_at, wall)
        self.probe_pause_s = FIRST_PROBE_S


class Turns:
    """The turns that wait. Asked at every poll, so cheap however many there are."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._order = count()
        self._living: list[tuple[datetime, int, Turn]] = []
        self._dead: list[Turn] = []
        for turn in turns:
            self.put(turn)

    def put(self, turn: Turn) -> None:
        """Let a turn wait."""
        if turn.is_dead:
            self._dead.append(turn)
        else:
            heapq.heappush(self._living, (turn.due, next(self._order), turn))

    def remove(self, turn: Turn) -> None:
        """Take out a turn that `first_living` or `first_dead` has just named."""
        if self._living and self._living[0][2] is turn:
            heapq.heappop(self._living)
        else:
            self._dead.remove(turn)

    def first_living(self) -> Turn | None:
        """The living device that is due first."""
        if any(not turn.is_dead for turn in self._dead):
            waiting, self._dead = self._dead, []
            for turn in waiting:
                self.put(turn)
        while self._living and self._living[0][2].is_dead:
            self._dead.append(heapq.heappop(self._living)[2])
        return self._living[0][2] if self._living else None

    def first_dead(self) -> Turn | None:
        """The dead device that is to be tried first."""
        return min(self._dead, key=_PROBE_AT, default=None)

    def expect_all(self, wall: float) -> None:
        """One device is back: whatever silenced it may be over for the others."""
        for turn in self._dead:
            turn.expect(wall)
