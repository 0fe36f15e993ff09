"""Which faults a storm is made of: drawn from a seed, so that a storm can be raised again."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

from tests.chaos.town import GATEWAYS, ChaosTown

LONGEST_STEP_S = 300.0
"""How far a gateway's domain clock is stepped at most: five wall seconds of the town's time."""

SHORTEST_LEAP_DAYS, LONGEST_LEAP_DAYS = 410.0, 1100.0
"""How far it leaps, to either side: a start more than 400 days ahead is what a gateway can see through."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks `begins_s` after the storm's start, and is whole again at `ends_s`."""

    kind: str
    target: str
    begins_s: float
    ends_s: float
    amount: float
    """From 0 to 1: how bad it is, where that can be chosen."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: how often, to whom, for how long, and how it is done and undone."""

    weight: float
    targets: tuple[str, ...]
    longest_s: float
    begin: Callable[[ChaosTown, Fault], None]
    end: Callable[[ChaosTown, Fault], None]
    touches: Callable[[str], str]
    """What only one fault at a time can befall."""


def _kill(town: ChaosTown, fault: Fault) -> None:
    town.children[fault.target].kill()


def _start(town: ChaosTown, fault: Fault) -> None:
    town.children[fault.target].start()


def _cut(town: ChaosTown, fault: Fault) -> None:
    town.set_network(fault.target, up=False)


def _swallow(town: ChaosTown, fault: Fault) -> None:
    town.set_network(fault.target, blackhole=True)


def _mend(town: ChaosTown, fault: Fault) -> None:
    town.set_network(fault.target)


def _slow(town: ChaosTown, fault: Fault) -> None:
    latency_ms, rate = round(50 + 2000 * fault.amount), round(20_000 - 19_800 * fault.amount)
    town.set_network(fault.target, latencyMs=latency_ms, bytesPerSecond=rate)


def _fill(town: ChaosTown, fault: Fault) -> None:
    town.disks[fault.target].fill()


def _free(town: ChaosTown, fault: Fault) -> None:
    town.disks[fault.target].free()


def _hold(town: ChaosTown, fault: Fault) -> None:  # noqa: ARG001 - there is one store
    town.hold_store()


def _release(town: ChaosTown, fault: Fault) -> None:  # noqa: ARG001
    town.release_store()


def _step(town: ChaosTown, fault: Fault) -> None:
    town.set_clock(fault.target, LONGEST_STEP_S * (2 * fault.amount - 1))


def _leap(town: ChaosTown, fault: Fault) -> None:
    side, how_far = (1, 2 * fault.amount) if fault.amount < 0.5 else (-1, 2 * fault.amount - 1)
    days = SHORTEST_LEAP_DAYS + (LONGEST_LEAP_DAYS - SHORTEST_LEAP_DAYS) * how_far
    town.set_clock(fault.target, side * 86_400 * days)


def _leap_back(town: ChaosTown, fault: Fault) -> None:
    town.set_clock(fault.target, 0.0)


def _lock(town: ChaosTown, fault: Fault) -> None:
    """Longer than SQLite waits for a lock, now and then."""
    town.lock(town.outbox(fault.target) if fault.amount < 0.5 else town.memory(fault.target))


def _unlock(town: ChaosTown, fault: Fault) -> None:
    town.unlock(town.outbox(fault.target) if fault.amount < 0.5 else town.memory(fault.target))


def _spoil(town: ChaosTown, fault: Fault) -> None:
    """A medium that forgets a bit while the power is away."""
    name = fault.target
    town.children[f"edge-{name}"].kill()
    town.spoil(name, fault.amount)


def _start_edge(town: ChaosTown, fault: Fault) -> None:
    town.children[f"edge-{fault.target}"].start()


def _restart_full(town: ChaosTown, fault: Fault) -> None:
    edge = town.children[f"edge-{fault.target}"]
    town.disks[fault.target].fill()
    edge.kill()
    edge.start()


def _leave(town: ChaosTown, fault: Fault) -> None:
    """A clock stays as it was set until its next step."""


def _process(name: str) -> str:
    return f"process {name}"


def _uplink(name: str) -> str:
    return f"uplink {name}"


def _disk(name: str) -> str:
    return f"disk {name}"


def _edge(name: str) -> str:
    return _process(f"edge-{name}")


def _store(name: str) -> str:
    return f"store {name}"


def _clock(name: str) -> str:
    return f"clock {name}"


NEED_A_SMALL_DISK = ("disk full", "restart on a full disk")

KINDS: Mapping[str, Kind] = {
    "kill edge": Kind(4, tuple(f"edge-{name}" for name in GATEWAYS), 1.0, _kill, _start, _process),
    "kill broker": Kind(2, ("broker",), 1.0, _kill, _start, _process),
    "kill ingester": Kind(2, ("ingest",), 1.0, _kill, _start, _process),
    "cut": Kind(3, GATEWAYS, 2.0, _cut, _mend, _uplink),
    "half-open": Kind(3, GATEWAYS, 8.0, _swallow, _mend, _uplink),
    "slow": Kind(3, GATEWAYS, 4.0, _slow, _mend, _uplink),
    "disk full": Kind(3, GATEWAYS, 3.0, _fill, _free, _disk),
    "restart on a full disk": Kind(2, GATEWAYS, 8.0, _restart_full, _free, _disk),
    "file locked": Kind(2, GATEWAYS, 12.0, _lock, _unlock, _disk),
    "bit flipped": Kind(2, GATEWAYS, 1.0, _spoil, _start_edge, _edge),
    "store held": Kind(3, ("telemetry",), 3.0, _hold, _release, _store),
    "clock step": Kind(2, GATEWAYS, 0.0, _step, _leave, _clock),
    "clock leap": Kind(2, GATEWAYS, 16.0, _leap, _leap_back, _clock),
}


def draw(random: Random, count: int, over_s: float, kinds: Iterable[str]) -> list[Fault]:
    """`count` faults that begin within about `over_s`; those of different targets overlap freely."""
    names = [name for name in KINDS if name in set(kinds)]
    weights = [KINDS[name].weight for name in names]
    free_from: dict[str, float] = defaultdict(float)
    faults = []
    for begins_s in sorted(random.uniform(0, over_s) for _ in range(count)):
        name = random.choices(names, weights)[0]
        kind = KINDS[name]
        target = random.choice(kind.targets)
        touched = kind.touches(target)
        begins_s = max(begins_s, free_from[touched])  # noqa: PLW2901
        # Short ones are many: what a fault interrupts differs most in its first moments.
        ends_s = begins_s + kind.longest_s * random.random() ** 2
        free_from[touched] = ends_s + 0.05
        faults.append(Fault(name, target, begins_s, ends_s, random.random()))
    return faults
