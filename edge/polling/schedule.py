"""Which device of a line is polled next: responsive ones when due, quarantined ones by back-off."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from operator import attrgetter
from typing import Final

from edge.devices.device import Device
from edge.polling.presence import Presence

FIRST_PROBE_S = 2.0
LAST_PROBE_S = 40.0
"""The longest pause between probes. Our choice: a repaired lamp is found well within a minute."""

LEAST_SHARE: Final = 0.03
MOST_SHARE: Final = 0.05
"""Bounds of the share of a busy line's time that probes may take: our choice, as is `ROUND_S`."""

ROUND_S: Final = 50.0
"""With many quarantined devices the share grows, up to its bound, until each is probed once in this time."""

_LONGEST_PROBE_S = 1.0
_PROBE_AT = attrgetter("probe_at")


@dataclass(slots=True)
class PollSlot:
    """When a device is polled next: `due` in domain time; quarantined, at `probe_at` of the loop's clock."""

    device: Device
    presence: Presence
    due: datetime
    slow_due: datetime
    probe_at: float = 0.0
    probe_pause_s: float = field(default=FIRST_PROBE_S)

    @property
    def is_quarantined(self) -> bool:
        """Whether the device is unresponsive; a read-back may have found that as well as a poll."""
        return self.presence.is_unresponsive

    def back_off(self, wall_s: float) -> None:
        """Probe again after a pause that doubles each time, from `wall_s` of the loop's clock."""
        self.probe_at = wall_s + self.probe_pause_s
        self.probe_pause_s = min(self.probe_pause_s * 2, LAST_PROBE_S)


class PollSchedule:
    """The waiting slots of one line. Consulted at every poll, so each call is cheap for any number."""

    def __init__(self, slots: Iterable[PollSlot]) -> None:
        self._order = count()
        self._probes_from = 0.0
        self._responsive: list[tuple[datetime, int, PollSlot]] = []
        self._quarantined: list[PollSlot] = []
        for slot in slots:
            self.put(slot)

    def next(self, now: datetime, wall_s: float) -> PollSlot | None:
        """Return the slot to poll now: the longest due, or a quarantined one within its share of the line.

        Args:
            now: domain time, which `due` is compared with.
            wall_s: the loop's clock, which `probe_at` is compared with.
        """
        responsive, quarantined = self.first_responsive(), self.first_quarantined()
        if responsive is not None and responsive.due > now:
            responsive = None
        if quarantined is None or quarantined.probe_at > wall_s:
            return responsive
        # The share matters only while a responsive device is due: an idle line may probe freely.
        if responsive is not None and wall_s < self._probes_from:
            return responsive
        return quarantined

    def probe_failed(self, began: float, ended: float) -> None:
        """Pause probing after a probe without response, so that probes stay within their share of the line.

        Successful probes cost no pause: a street that regains power would come back one lamp at a time.
        """
        # Time beyond that was spent waiting for commands, which have priority.
        took_s, quarantined = min(ended - began, _LONGEST_PROBE_S), len(self._quarantined) + 1
        share = min(max(quarantined * took_s / ROUND_S, LEAST_SHARE), MOST_SHARE)
        self._probes_from = ended + took_s * (1 / share - 1)

    def put(self, slot: PollSlot) -> None:
        """Add a slot that is not being polled."""
        if slot.is_quarantined:
            self._quarantined.append(slot)
        else:
            # The count breaks ties, for slots cannot be compared.
            heapq.heappush(self._responsive, (slot.due, next(self._order), slot))

    def remove(self, slot: PollSlot) -> None:
        """Take out a slot that `next`, `first_responsive` or `first_quarantined` has just returned."""
        if self._responsive and self._responsive[0][2] is slot:
            heapq.heappop(self._responsive)
        else:
            self._quarantined.remove(slot)

    def first_responsive(self) -> PollSlot | None:
        """Return the slot of a device not quarantined that is due first."""
        # Read-backs change the presence of devices while their slots wait here: move those first.
        if any(not slot.is_quarantined for slot in self._quarantined):
            waiting, self._quarantined = self._quarantined, []
            for slot in waiting:
                self.put(slot)
        while self._responsive and self._responsive[0][2].is_quarantined:
            self._quarantined.append(heapq.heappop(self._responsive)[2])
        return self._responsive[0][2] if self._responsive else None

    def first_quarantined(self) -> PollSlot | None:
        """Return the quarantined slot that is to be probed first."""
        return min(self._quarantined, key=_PROBE_AT, default=None)

    def probe_all_soon(self, wall_s: float) -> None:
        """Probe all quarantined devices at once, and with short pauses from then on.

        One of them is back, so the common cause may be over.
        """
        for slot in self._quarantined:
            slot.probe_at = min(slot.probe_at, wall_s)
            slot.probe_pause_s = FIRST_PROBE_S
