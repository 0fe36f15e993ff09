"""Streets of a simulated town, built from its centre outwards, with a lamp every 35 m."""

import heapq
import math
import random
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
    """The shape and the lamps of a class of road."""

    prefix: str
    rated_power_w: float
    lamps: tuple[int, int]
    bend_rad: float
    branch_every: tuple[int, int]


ARTERIAL = StreetKind("Jl. Raya", 120.0, (50, 80), 0.03, (2, 4))
COLLECTOR = StreetKind("Jl.", 90.0, (10, 24), 0.06, (2, 4))
LOCAL = StreetKind("Jl.", 60.0, (5, 14), 0.10, (3, 5))
ALLEY = StreetKind("Gg.", 40.0, (2, 5), 0.18, (3, 7))

_SMALLER = {"Jl. Raya": (COLLECTOR, LOCAL), "Jl.": (LOCAL, ALLEY), "Gg.": (ALLEY,)}


@dataclass(frozen=True, slots=True)
class Pole:
    """The position of one lamp."""

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
    most: int = 1000


@dataclass(slots=True)
class _Ground:
    """The occupied positions, in cells of 25 m, so that streets do not overlap."""

    taken: dict[tuple[int, int], list[tuple[float, float, int]]] = field(default_factory=dict)

    def in_the_way(self, x: float, y: float, street: int) -> tuple[float, float] | None:
        """Return the nearest position of another street within 24 m; None where there is none."""
        cell_x, cell_y = int(x // 25), int(y // 25)
        around = ((cell_x + i, cell_y + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        others = (spot for cell in around for spot in self.taken.get(cell, ()) if spot[2] != street)
        nearest = min(others, key=lambda spot: math.hypot(x - spot[0], y - spot[1]), default=None)
        if nearest is None or math.hypot(x - nearest[0], y - nearest[1]) > 24.0:
            return None
        return nearest[:2]

    def take(self, x: float, y: float, street: int) -> None:
        """Mark a position as occupied by a lamp of a street."""
        self.taken.setdefault((int(x // 25), int(y // 25)), []).append((x, y, street))


@dataclass(slots=True)
class _Walk:
    """A street as built: its lamps, and where it meets another street at its end."""

    lamps: list[tuple[float, float]] = field(default_factory=list)
    meets: tuple[float, float] | None = None


def grow_town(name: str, place: tuple[float, float], lamps: int, heading: float, rng: random.Random) -> Town:
    """Build a town of exactly `lamps` lamps around (latitude, longitude), its main road along `heading`.

    `heading` is in radians from east, counter-clockwise. The same `rng` state gives the same town.
    """
    town, builder = Town(), _Builder(rng, heading, lamps)
    latitude, longitude = place
    east = METRES_PER_DEGREE * math.cos(math.radians(latitude))
    names = {prefix: _numbered(prefix, rng) for prefix in ("Jl.", "Gg.")}
    while len(town.poles) < lamps:
        stub = builder.next_stub()
        walk = builder.build(stub, len(town.streets), lamps - len(town.poles))
        if not walk.lamps:
            continue
        street_name = f"Jl. Raya {name}" if stub.kind is ARTERIAL else next(names[stub.kind.prefix])
        line = [(stub.x, stub.y), *walk.lamps, *([walk.meets] if walk.meets else [])]
        points = [
            (round(longitude + x / east, 6), round(latitude + y / METRES_PER_DEGREE, 6)) for x, y in line
        ]
        town.streets.append(Street(street_name, points))
        power = stub.kind.rated_power_w
        poles = points[1 : 1 + len(walk.lamps)]
        town.poles.extend(Pole(lat, lon, street_name, power) for lon, lat in poles)
    return town


class _Builder:
    """Builds one street after another, from the centre outwards, and keeps where others may begin."""

    def __init__(self, rng: random.Random, heading: float, lamps: int) -> None:
        """Begin in the centre: the main road both ways and a road across, as long as suits the town."""
        self._rng = rng
        self._ground = _Ground()
        self._stubs: list[tuple[float, int, _Stub]] = []
        self._left = 0
        self._built: list[tuple[float, float]] = [(0.0, 0.0)]
        size = math.sqrt(lamps)
        for quarter, kind in enumerate((ARTERIAL, COLLECTOR, ARTERIAL, COLLECTOR)):
            arm = max(6, int(size * (2.0 if kind is ARTERIAL else 1.2)))
            self._leave(_Stub(0.0, 0.0, heading + quarter * math.pi / 2, kind, arm))

    def next_stub(self) -> _Stub:
        """Return where the next street begins; a new side street where none is left to build."""
        if self._stubs:
            return heapq.heappop(self._stubs)[2]
        x, y = self._rng.choice(self._built)
        return _Stub(x, y, self._rng.uniform(0, 2 * math.pi), LOCAL)

    def build(self, stub: _Stub, street: int, most: int) -> _Walk:
        """Build a street lamp by lamp, until it is long enough or meets another; plan its side streets."""
        rng, x, y, heading, walk = self._rng, stub.x, stub.y, stub.heading, _Walk()
        next_branch = rng.randint(*stub.kind.branch_every)
        side = rng.choice((-1, 1))
        for number in range(1, min(rng.randint(*stub.kind.lamps), stub.most, most) + 1):
            heading += rng.gauss(0, stub.kind.bend_rad)
            step = SPACING_M + rng.uniform(-2.0, 2.0)
            x, y = x + step * math.cos(heading), y + step * math.sin(heading)
            walk.meets = self._ground.in_the_way(x, y, street)
            if walk.meets:
                break
            self._ground.take(x, y, street)
            self._built.append((x, y))
            walk.lamps.append((x, y))
            if number == next_branch:
                turn = side * (math.pi / 2 + rng.gauss(0, 0.10))
                self._leave(_Stub(x, y, heading + turn, rng.choice(_SMALLER[stub.kind.prefix])))
                next_branch, side = number + rng.randint(*stub.kind.branch_every), -side
        return walk

    def _leave(self, stub: _Stub) -> None:
        """Plan a street; those near the centre tend to be built first."""
        distance = math.hypot(stub.x, stub.y) * self._rng.uniform(0.6, 1.4)
        self._left += 1
        heapq.heappush(self._stubs, (distance, self._left, stub))


def _numbered(prefix: str, rng: random.Random) -> Iterator[str]:
    order = rng.sample(_NAMES, len(_NAMES))
    round_number = 1
    while True:
        suffix = "" if round_number == 1 else f" {round_number}"
        yield from (f"{prefix} {name}{suffix}" for name in order)
        round_number += 1
