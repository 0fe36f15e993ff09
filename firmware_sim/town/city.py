"""Inventories: of a simulated regency, or of a list of real lamps assigned to gateways."""

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from firmware_sim.town.grouping import Located, compact_groups, middle, wiring_order
from firmware_sim.town.kecamatan import KECAMATAN, SOREANG, TIME_ZONE, Kecamatan
from firmware_sim.town.streets import METRES_PER_DEGREE, grow_town
from protocols.inventory.lamp_list import LampSite
from protocols.inventory.model import Area, Cabinet, Gateway, Inventory, InventoryError, Lamp, Road

LAMPS_PER_GATEWAY = 100
LAMPS_PER_LINE = 50
LAMPS_PER_AREA = 1000
METER_UNIT, CONTACTS_UNIT = 201, 202
_NEIGHBOUR_M = 60.0
_AREA_REACH_M = 10_000.0


@dataclass(frozen=True, slots=True)
class _Site:
    """A lamp that has no gateway yet."""

    id: str
    latitude: float
    longitude: float
    road: str
    rated_power_w: float


def generate_city(lamps: int, seed: int, areas: Sequence[str] | None = None) -> Inventory:
    """Make a regency of exactly `lamps` lamps, in `areas` (names or codes) or in as many as suit the number.

    Up to 1,000 lamps are Soreang and its neighbours. The same arguments give the same city.

    Raises:
        InventoryError: there are no lamps, or no such area.
    """
    if lamps < 1:
        raise InventoryError([f"lamps is {lamps}, expected at least 1"])
    chosen = _chosen(areas, lamps)
    inventory = Inventory([], [], [], [])
    for kecamatan, count in _shares(chosen, lamps):
        rng = random.Random(f"{seed}:{kecamatan.code}")
        place = (kecamatan.latitude, kecamatan.longitude)
        town = grow_town(kecamatan.name, place, count, _towards_neighbour(kecamatan), rng)
        area = _area(kecamatan)
        inventory.areas.append(area)
        inventory.roads.extend(Road(street.name, area.id, street.points) for street in town.streets)
        sites = [
            _Site(
                f"{kecamatan.short}-{number:05}", pole.latitude, pole.longitude, pole.road, pole.rated_power_w
            )
            for number, pole in enumerate(town.poles, 1)
        ]
        _connect(inventory, area, sites, TIME_ZONE)
    return inventory


def city_from_lamps(
    lamps: Sequence[LampSite], source: str = "lamps", time_zone: str = TIME_ZONE, rated_power_w: float = 90.0
) -> Inventory:
    """Put real lamps onto gateways of up to 100 near ones; `rated_power_w` is used where a lamp has none.

    Areas are the list's own, else the kecamatan around the lamps, else compact parts named after `source`.

    Raises:
        InventoryError: there are no lamps.
    """
    if not lamps:
        raise InventoryError([f"{source}: contains no lamps, expected at least one"])
    inventory = Inventory([], [], [], [])
    for area, sites in _areas_of(lamps, source):
        placed = [
            _Site(site.id, site.latitude, site.longitude, site.road, site.rated_power_w or rated_power_w)
            for site in sites
        ]
        inventory.areas.append(area)
        inventory.roads.extend(_roads(area, placed))
        _connect(inventory, area, placed, time_zone)
    return inventory


def _chosen(areas: Sequence[str] | None, lamps: int) -> list[Kecamatan]:
    if areas is None:
        nearest = sorted(KECAMATAN, key=lambda each: _metres(each, SOREANG))
        if lamps <= LAMPS_PER_AREA:
            return nearest[: 1 if lamps <= 2 * LAMPS_PER_GATEWAY else 3]
        return nearest[: 3 + lamps // 750]
    known = {key.casefold(): each for each in KECAMATAN for key in (each.code, each.name)}
    unknown = [name for name in areas if name.casefold() not in known]
    if unknown or not areas:
        names = ", ".join(each.name for each in KECAMATAN)
        raise InventoryError(f"area is {name!r}, expected one of {names}" for name in unknown or [""])
    return list({each.code: each for each in (known[name.casefold()] for name in areas)}.values())


def _shares(chosen: Sequence[Kecamatan], lamps: int) -> Iterable[tuple[Kecamatan, int]]:
    """Yield the lamps of each kecamatan by weight; of few lamps the first gets three times its share."""
    weights = [each.weight for each in chosen]
    if len(chosen) > 1 and lamps <= LAMPS_PER_AREA:
        weights[0] *= 3
    bounds = [round(lamps * sum(weights[:index]) / sum(weights)) for index in range(len(weights) + 1)]
    shares = (high - low for low, high in pairwise(bounds))
    return [(each, share) for each, share in zip(chosen, shares, strict=True) if share]


def _towards_neighbour(kecamatan: Kecamatan) -> float:
    """Return the heading of the road to the nearest other town, in radians from east."""
    others = [each for each in KECAMATAN if each.code != kecamatan.code]
    nearest = min(others, key=lambda each: _metres(kecamatan, each))
    return math.atan2(nearest.latitude - kecamatan.latitude, nearest.longitude - kecamatan.longitude)


def _area(kecamatan: Kecamatan) -> Area:
    return Area(kecamatan.code, kecamatan.name, kecamatan.latitude, kecamatan.longitude)


def _connect(inventory: Inventory, area: Area, sites: Sequence[_Site], time_zone: str) -> None:
    """Add gateways for an area's lamps, the lamps with line and unit, and a cabinet on each first line."""
    slug = _slug(area.name)
    for number, group in enumerate(compact_groups(sites, LAMPS_PER_GATEWAY), 1):
        latitude, longitude = middle(group)
        gateway = Gateway(f"{slug}-{number:02}", area.id, latitude, longitude, time_zone)
        inventory.gateways.append(gateway)
        inventory.cabinets.append(Cabinet(f"{gateway.id}-cabinet", gateway.id, 1, METER_UNIT, CONTACTS_UNIT))
        for line, wired in enumerate(compact_groups(group, LAMPS_PER_LINE), 1):
            for unit, site in enumerate(wiring_order(wired, latitude, longitude), 1):
                inventory.lamps.append(_lamp(site, gateway, line, unit))


def _lamp(site: _Site, gateway: Gateway, line: int, unit: int) -> Lamp:
    return Lamp(
        id=site.id,
        area_id=gateway.area_id,
        gateway_id=gateway.id,
        line=line,
        unit=unit,
        latitude=site.latitude,
        longitude=site.longitude,
        road=site.road,
        rated_power_w=site.rated_power_w,
    )


def _areas_of(lamps: Sequence[LampSite], source: str) -> list[tuple[Area, list[LampSite]]]:
    named: dict[str, list[LampSite]] = defaultdict(list)
    unnamed: list[LampSite] = []
    for site in lamps:
        (named[site.area] if site.area else unnamed).append(site)
    known = {key.casefold(): each for each in KECAMATAN for key in (each.code, each.name)}
    found: list[tuple[Area, list[LampSite]]] = []
    for name, sites in named.items():
        kecamatan = known.get(name.casefold())
        found.append((_area(kecamatan) if kecamatan else Area(_slug(name), name, *middle(sites)), sites))
    if unnamed and all(min(_metres(site, each) for each in KECAMATAN) < _AREA_REACH_M for site in unnamed):
        nearest: dict[Kecamatan, list[LampSite]] = defaultdict(list)
        for site in unnamed:
            nearest[min(KECAMATAN, key=lambda each: _metres(site, each))].append(site)
        found.extend((_area(kecamatan), group) for kecamatan, group in nearest.items())
    elif unnamed:
        found.extend(_compact_areas(unnamed, source))
    return _merged(found)


def _merged(found: Iterable[tuple[Area, list[LampSite]]]) -> list[tuple[Area, list[LampSite]]]:
    """Merge areas of one id; number those of one slug but other ids: gateways are named by the slug."""
    areas: dict[str, tuple[Area, list[LampSite]]] = {}
    for area, sites in found:
        areas.setdefault(area.id, (area, []))[1].extend(sites)
    slugs: Counter[str] = Counter()
    merged = []
    for area, sites in areas.values():
        slugs[_slug(area.name)] += 1
        seen = slugs[_slug(area.name)]
        name = area.name if seen == 1 else f"{area.name} {seen}"
        merged.append((Area(area.id, name, area.latitude, area.longitude), sites))
    return merged


def _compact_areas(sites: Sequence[LampSite], source: str) -> Iterable[tuple[Area, list[LampSite]]]:
    title = re.sub(r"[^\w]+|_+", " ", source.rpartition("/")[2].partition(".")[0]).strip().title() or "Area"
    gateways = compact_groups(sites, LAMPS_PER_GATEWAY)
    per_area = LAMPS_PER_AREA // LAMPS_PER_GATEWAY
    for number, first in enumerate(range(0, len(gateways), per_area), 1):
        group = [site for gateway in gateways[first : first + per_area] for site in gateway]
        name = title if len(gateways) <= per_area else f"{title} {number}"
        yield Area(_slug(name), name, *middle(group)), group


def _roads(area: Area, sites: Sequence[_Site]) -> Iterable[Road]:
    """Yield a line along lamps that are less than 60 m apart, so that a map shows their streets."""
    by_road: dict[str, list[_Site]] = defaultdict(list)
    for site in sites:
        by_road[site.road].append(site)
    for name, group in by_road.items():
        for part in compact_groups(group, 200):
            yield from _chains(area, name, wiring_order(part, part[0].latitude, part[0].longitude))


def _chains(area: Area, name: str, order: Sequence[_Site]) -> Iterable[Road]:
    points: list[tuple[float, float]] = []
    for previous, site in zip([None, *order], order, strict=False):
        if previous is not None and _metres(previous, site) > _NEIGHBOUR_M:
            if len(points) > 1:
                yield Road(name, area.id, points)
            points = []
        points.append((site.longitude, site.latitude))
    if len(points) > 1:
        yield Road(name, area.id, points)


def _metres(one: Located, other: Located) -> float:
    east = (one.longitude - other.longitude) * math.cos(math.radians(one.latitude))
    return METRES_PER_DEGREE * math.hypot(one.latitude - other.latitude, east)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:48] or "area"
