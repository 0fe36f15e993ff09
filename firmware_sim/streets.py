"""Grows a town's streets from its centre, a lamp every 35 m: no map, but laid out like one."""

import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

METRES_PER_DEGREE = 111_320.0
SPACING_M = 35.0

_NAMES = (
    *(
        "Melati",
        "Mawar",
        "Kenanga",
        "Cempaka",
        "Anggrek",
        "Dahlia",
        "Flamboyan",
        "Kamboja",
        "Teratai",
        "Seruni",
    ),
    *("Merpati", "Rajawali", "Kutilang", "Cendrawasih", "Merak", "Gelatik", "Mangga", "Rambutan", "Jambu"),
    *("Manggis", "Salak", "Nangka", "Pahlawan", "Merdeka", "Pemuda", "Veteran", "Pasar", "Stasiun", "Masjid"),
    *("Sekolah", "Puskesmas", "Balai Desa", "Lapang", "Cikaret", "Cibeureum", "Ciburial", "Pasirhuni"),
    *("Sukamaju", "Sukasari", "Sindangsari", "Margamulya", "Karangtengah", "Babakan", "Kebonjati"),
)


@dataclass(frozen=True, slots=True)
class StreetKind:
    """How a class of road runs and what lights it."""

    prefix: str
    rated_power_w: float
    lamps: tuple[int, int]
    bend_rad: float
    branch_every: tuple[int, int]


ARTERIAL = StreetKind("Jl. Raya", 120.0, (40, 70), 0.03, (4, 7))
COLLECTOR = StreetKind("Jl.", 90.0, (12, 30), 0.07, (3, 5))
LOCAL = StreetKind("Jl.", 60.0, (5, 14), 0.12, (3, 5))
ALLEY = StreetKind("Gg.", 40.0, (3, 6), 0.18, (4, 7))

_SMALLER = {"Jl. Raya": (COLLECTOR, LOCAL), "Jl.": (LOCAL, ALLEY), "Gg.": (ALLEY,)}


@dataclass(frozen=True, slots=True)
class Pole:
    """Where one lamp stands."""

    latitude: float
    longitude: float
    road: str
    rated_power_w: float


@dataclass(frozen=True, slots=True)
class Street:
    """A road by its name and its line of (longitude, latitude)."""

    name: str
    points: list[tuple[float, float]]


@dataclass(slots=True)
class Town:
    """Streets and poles of one town."""

    poles: list[Pole] = field(default_factory=list)
    streets: list[Street] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Stub:
    """A street that has yet to be built: metres east and north of the centre, and a heading."""

    x: float
    y: float
    heading: float
    kind: StreetKind


class _Ground:
    """Which spots are taken, in cells of 25 m, so that streets do not run into one another."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, int], list[tuple[float, float, int]]] = {}

    def free(self, x: float, y: float, street: int) -> bool:
        cell_x, cell_y = int(x // 25), int(y // 25)
        around = ((cell_x + i, cell_y + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        others = (spot for cell in around for spot in self._taken.get(cell, ()))
        return all(owner == street or math.hypot(x - px, y - py) > 24.0 for px, py, owner in others)

    def take(self, x: float, y: float, street: int) -> None:
        self._taken.setdefault((int(x // 25), int(y // 25)), []).append((x, y, street))


def grow_town(name: str, latitude: float, longitude: float, lamps: int, rng: random.Random) -> Town:
    """A town of exactly `lamps` lamps around a centre; the same `rng` state gives the same town."""
    town, builder = Town(), _Builder(rng)
    east = METRES_PER_DEGREE * math.cos(math.radians(latitude))
    names = _street_names(name, rng)
    builder.cross_roads(rng.uniform(0, math.pi))
    while len(town.poles) < lamps:
        stub = builder.next_stub()
        spots = list(builder.walk(stub, len(town.streets), lamps - len(town.poles)))
        if not spots:
            continue
        street_name = f"Jl. Raya {name}" if stub.kind is ARTERIAL else next(names[stub.kind.prefix])
        line = [
            (longitude + x / east, latitude + y / METRES_PER_DEGREE) for x, y in [(stub.x, stub.y), *spots]
        ]
        points = [(round(lon, 6), round(lat, 6)) for lon, lat in line]
        town.streets.append(Street(street_name, points))
        power = stub.kind.rated_power_w
        town.poles.extend(Pole(lat, lon, street_name, power) for lon, lat in points[1:])
    return town


class _Builder:
    """Lays one street after another and remembers where others may branch off."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ground = _Ground()
        self._stubs: deque[_Stub] = deque()
        self._built: list[tuple[float, float]] = [(0.0, 0.0)]

    def cross_roads(self, heading: float) -> None:
        """Begin in the centre: the main road both ways and a road across."""
        self._stubs.append(_Stub(0.0, 0.0, heading, ARTERIAL))
        self._stubs.append(_Stub(0.0, 0.0, heading + math.pi, ARTERIAL))
        self._stubs.append(_Stub(0.0, 0.0, heading + math.pi / 2, COLLECTOR))

    def next_stub(self) -> _Stub:
        """Where the next street begins; a new side street where none is left to build."""
        if self._stubs:
            return self._stubs.popleft()
        x, y = self._rng.choice(self._built)
        return _Stub(x, y, self._rng.uniform(0, 2 * math.pi), LOCAL)

    def walk(self, stub: _Stub, street: int, most: int) -> Iterator[tuple[float, float]]:
        """The street's lamps one by one, until it is long enough or meets another; leaves side streets."""
        rng, x, y, heading = self._rng, stub.x, stub.y, stub.heading
        next_branch = rng.randint(*stub.kind.branch_every)
        side = rng.choice((-1, 1))
        for number in range(1, min(rng.randint(*stub.kind.lamps), most) + 1):
            heading += rng.gauss(0, stub.kind.bend_rad)
            step = SPACING_M + rng.uniform(-2.0, 2.0)
            x, y = x + step * math.cos(heading), y + step * math.sin(heading)
            if not self._ground.free(x, y, street):
                return
            self._ground.take(x, y, street)
            self._built.append((x, y))
            yield x, y
            if number == next_branch:
                turn = side * (math.pi / 2 + rng.gauss(0, 0.12))
                self._stubs.append(_Stub(x, y, heading + turn, rng.choice(_SMALLER[stub.kind.prefix])))
                next_branch, side = number + rng.randint(*stub.kind.branch_every), -side


def _street_names(town: str, rng: random.Random) -> dict[str, Iterator[str]]:
    return {prefix: _numbered(prefix, rng) for prefix in ("Jl.", "Gg.")} | {"Jl. Raya": iter([town])}


def _numbered(prefix: str, rng: random.Random) -> Iterator[str]:
    order = rng.sample(_NAMES, len(_NAMES))
    round_number = 1
    while True:
        suffix = "" if round_number == 1 else f" {round_number}"
        yield from (f"{prefix} {name}{suffix}" for name in order)
        round_number += 1
