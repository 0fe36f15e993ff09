"""Raises storms over a town: faults in bursts, traffic all the while, and an audit when each is over."""

import heapq
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from random import Random

from tests.chaos.audit import Verdict
from tests.chaos.faults import KINDS, NEED_A_SMALL_DISK, Fault, draw
from tests.chaos.town import ChaosTown

SECONDS_PER_FAULT = 0.6
DRAIN_S = 90.0
"""How long the cloud may take to have everything once all is whole again."""

_TRAFFIC_EVERY_S = 0.7
_CALM_S = 3.0
"""Traffic goes on so long after the last fault has begun, that commands get through too."""
_SILENCE_S = 4.0
_STEP_S = 0.02

Action = tuple[float, int, Callable[[], object]]


@dataclass(slots=True)
class Toll:
    """What a run has done and found so far."""

    faults: Counter[str] = field(default_factory=Counter)
    prevented: Counter[str] = field(default_factory=Counter)
    """Those that another fault left no room for: no file can be changed that is locked or on a full disk."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Kinds of fault that cannot be made here, and why."""
    records: Counter[str] = field(default_factory=Counter)
    answered_polls: int = 0
    """Those that became no record were in the memory of a gateway that was killed, or came too late."""
    drained_s: list[float] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    spoiled: int = 0
    """Records that had a bit flipped before the cloud had acknowledged them."""
    crashes: dict[str, int] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, doubled or altered, and no outbox was given up."""
        return self.verdict.holds and not self.set_aside

    def lines(self) -> list[str]:
        """The result for people."""
        faults = ", ".join(f"{number} × {kind}" for kind, number in sorted(self.faults.items()))
        records = ", ".join(f"{number} × {kind}" for kind, number in sorted(self.records.items()))
        return [
            f"{self.faults.total()} faults: {faults}",
            f"prevented by other faults: {dict(self.prevented) or 'none'}; records spoiled: {self.spoiled}",
            *(f"not tried: {kind}: {why}" for kind, why in self.left_out.items()),
            f"taken by outboxes: {records}; polls answered: {self.answered_polls}",
            self.verdict.summary(),
            f"after a burst all was stored within {max(self.drained_s, default=0):.1f} s at most",
            f"ended by themselves: {self.crashes or 'none'}; outboxes set aside: {self.set_aside or 'none'}",
        ]


class Storm:
    """Bursts of faults from one seed."""

    def __init__(self, town: ChaosTown, seed: int) -> None:
        self.toll = Toll()
        self._town = town
        self._random = Random(seed)
        self._order = count()
        self._actions: list[Action] = []
        for name, disk in town.disks.items():
            if disk.why_not is not None:
                self.toll.left_out |= dict.fromkeys(NEED_A_SMALL_DISK, f"{name}: {disk.why_not}")

    def burst(self, faults: int) -> Verdict:
        """Let `faults` happen, wait until all is stored, and audit."""
        kinds = [name for name in KINDS if name not in self.toll.left_out]
        longest = faults * SECONDS_PER_FAULT
        for fault in draw(self._random, faults, longest, kinds):
            kind = KINDS[fault.kind]
            self._at(fault.begins_s, partial(self._do, "begin", kind.begin, fault))
            self._at(fault.ends_s, partial(self._do, "end", kind.end, fault))
            self.toll.faults[fault.kind] += 1
        self._plan_traffic(longest + _CALM_S)
        self._play()
        began = time.monotonic()
        self._town.drain(DRAIN_S)
        self.toll.drained_s.append(time.monotonic() - began)
        return self.audit()

    def audit(self) -> Verdict:
        """Hold the outboxes against the store, now."""
        self.toll.answered_polls = self._town.answered_polls()
        self.toll.verdict = self._town.audit()
        taken = (each.record for view in self._town.look() for each in view.taken)
        self.toll.records = Counter(type(record).__name__ for record in taken)
        self.toll.spoiled = sum(map(len, self._town.spoiled.values()))
        self.toll.crashes = self._town.crashes()
        self.toll.set_aside = [path.name for path in self._town.set_aside()]
        return self.toll.verdict

    def _do(self, what: str, act: Callable[[ChaosTown, Fault], None], fault: Fault) -> None:
        with (self._town.folder / "faults.log").open("a") as log:
            log.write(f"{datetime.now(UTC).isoformat()} {what} {fault.kind} of {fault.target}\n")
        try:
            act(self._town, fault)
        except sqlite3.OperationalError:
            self.toll.prevented[fault.kind] += 1

    def _plan_traffic(self, until_s: float) -> None:
        """Commands (results), restarts (events) and silences (events at both ends) beside the readings."""
        at = 0.0
        while (at := at + _TRAFFIC_EVERY_S) < until_s:
            lamps = self._random.sample(self._town.lamps, 3)
            level = self._random.randrange(0, 101, 10)
            self._at(at, partial(self._town.command, lamps, level))
            lamp = self._random.choice(self._town.lamps)
            if self._random.random() < 0.2:
                self._at(at, partial(self._town.break_lamp, lamp, "silent"))
                self._at(at + _SILENCE_S, partial(self._town.mend_lamp, lamp))
            else:
                self._at(at, partial(self._town.break_lamp, lamp, "reboot"))

    def _at(self, seconds: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._actions, (seconds, next(self._order), action))

    def _play(self) -> None:
        began = time.monotonic()
        while self._actions:
            seconds, _, action = heapq.heappop(self._actions)
            while (left := began + seconds - time.monotonic()) > 0:
                self._town.revive()
                time.sleep(min(left, _STEP_S))
            action()
