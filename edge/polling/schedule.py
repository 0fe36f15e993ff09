"""Whose turn it is on a line: the living by when they are due, the dead by when it is worth a try."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from operator import attrgetter
from typing import Final

from edge.devices.device import Device

FIRST_PROBE_S = 2.0
LAST_PROBE_S = 40.0
"""A lamp that is whole again is asked within that time, so it is back well within a minute."""

LEAST_SHARE: Final = 0.03
MOST_SHARE: Final = 0.05
"""Between these lies the share of a busy line's time that goes to devices that do not answer."""

ROUND_S: Final = 50.0
"""With many dead, as much of that share is used as lets each be asked once in that time."""

_LONGEST_PROBE_S = 1.0
_PROBE_AT = attrgetter("probe_at")


@dataclass(slots=True)
class PollSlot:
    """When a device is asked next: in domain time while it answers, by the loop's clock when it is dead."""

    device: Device
    due: datetime
    slow_due: datetime
    probe_at: float = 0.0
    probe_pause_s: float = field(default=FIRST_PROBE_S)

    @property
    def is_quarantined(self) -> bool:
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


class PollSchedule:
    """The turns that wait. Asked at every poll, so cheap however many there are."""

    def __init__(self, turns: Iterable[PollSlot]) -> None:
        self._order = count()
        self._probes_from = 0.0
        self._responsive: list[tuple[datetime, int, PollSlot]] = []
        self._quarantined: list[PollSlot] = []
        for turn in turns:
            self.put(turn)

    def next(self, now: datetime, wall: float) -> PollSlot | None:
        """The one to ask now: the longest due, or a dead one when the living leave time for it."""
        living, dead = self.first_responsive(), self.first_quarantined()
        if living is not None and living.due > now:
            living = None
        if dead is None or dead.probe_at > wall or (living is not None and wall < self._probes_from):
            return living
        return dead

    def probe_missed(self, began: float, ended: float) -> None:
        """A dead device was asked in vain: leave the line to the living for as long as that is worth.

        What finds a device alive is not paid for, or a street whose power is back would return one by one.
        """
        # What is longer was spent on commands that went before it.
        took_s, dead = min(ended - began, _LONGEST_PROBE_S), len(self._quarantined) + 1
        share = min(max(dead * took_s / ROUND_S, LEAST_SHARE), MOST_SHARE)
        self._probes_from = ended + took_s * (1 / share - 1)

    def put(self, turn: PollSlot) -> None:
        """Let a turn wait."""
        if turn.is_quarantined:
            self._quarantined.append(turn)
        else:
            heapq.heappush(self._responsive, (turn.due, next(self._order), turn))

    def remove(self, turn: PollSlot) -> None:
        """Take out a turn that `first_living` or `first_dead` has just named."""
        if self._responsive and self._responsive[0][2] is turn:
            heapq.heappop(self._responsive)
        else:
            self._quarantined.remove(turn)

    def first_responsive(self) -> PollSlot | None:
        """The living device that is due first."""
        if any(not turn.is_quarantined for turn in self._quarantined):
            waiting, self._quarantined = self._quarantined, []
            for turn in waiting:
                self.put(turn)
        while self._responsive and self._responsive[0][2].is_quarantined:
            self._quarantined.append(heapq.heappop(self._responsive)[2])
        return self._responsive[0][2] if self._responsive else None

    def first_quarantined(self) -> PollSlot | None:
        """The dead device that is to be tried first."""
        return min(self._quarantined, key=_PROBE_AT, default=None)

    def expect_all(self, wall: float) -> None:
        """One device is back: whatever silenced it may be over for the others."""
        for turn in self._quarantined:
            turn.expect(wall)
