"""The inventory: areas, roads, gateways, lamps and cabinets, as one typed JSON document."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from protocols.decoding import UndecodableError, decode_json
from protocols.identifiers import LONGEST_IDENTIFIER, PATTERN

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
_MOST_BYTES = 2**30
"""Of a document: a million lamps take about 200 MB."""

Identifier = Annotated[str, msgspec.Meta(pattern=PATTERN, max_length=LONGEST_IDENTIFIER)]


class InventoryError(ValueError):
    """An inventory that is refused; `problems` name file, line or field, value and what was expected."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Area:
    """A kecamatan, or another part of a place; also the Sparkplug group."""

    id: Identifier
    name: str
    latitude: Latitude
    longitude: Longitude


@dataclass(frozen=True, slots=True)
class Road:
    """A street as a line of (longitude, latitude) points."""

    name: str
    area_id: Identifier
    points: list[tuple[Longitude, Latitude]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """One edge node: a cabinet with one or more RS-485 lines."""

    id: Identifier
    area_id: Identifier
    latitude: Latitude
    longitude: Longitude
    time_zone: str


@dataclass(frozen=True, slots=True)
class Lamp:
    """One luminaire with its controller, at Modbus address `unit` on line `line` (from 1) of its gateway."""

    id: Identifier
    area_id: Identifier
    gateway_id: Identifier
    line: Annotated[int, msgspec.Meta(ge=1, le=32)]
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)]
    latitude: Latitude
    longitude: Longitude
    road: str = ""
    rated_power_w: Annotated[float, msgspec.Meta(gt=0, le=2000)] = 90.0
    profile: str = "lentera-lamp"


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The meter and contacts of a feeding point: the meter at Modbus address `unit` on a gateway's line.

    Its contacts (door, breakers, contactor) are read at `contacts_unit`; None where there are none.
    """

    id: Identifier
    gateway_id: Identifier
    line: Annotated[int, msgspec.Meta(ge=1, le=32)]
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)]
    contacts_unit: Annotated[int, msgspec.Meta(ge=1, le=247)] | None = None
    profile: str = "sdm630"
    contacts_profile: str = "cabinet-contacts"


@dataclass(frozen=True, slots=True)
class Inventory:
    """A whole place. Identifiers are unique, references resolve: see `decode`."""

    areas: list[Area]
    gateways: list[Gateway]
    lamps: list[Lamp]
    roads: list[Road] = field(default_factory=list)
    cabinets: list[Cabinet] = field(default_factory=list)


def encode(inventory: Inventory) -> bytes:
    """Return the document that `decode` reads."""
    return msgspec.json.encode(inventory)


def decode(document: bytes, source: str) -> Inventory:
    """Read an inventory document.

    Raises:
        InventoryError: it has another shape, ids or addresses that occur twice, or references to what is not
            in it; every problem begins with `source`.
    """
    try:
        inventory = decode_json(document, Inventory, most_bytes=_MOST_BYTES)
    except UndecodableError as error:
        raise InventoryError([f"{source}: {error}"]) from error
    problems = [*_duplicates(inventory), *_dangling(inventory)]
    if problems:
        raise InventoryError(f"{source}: {problem}" for problem in problems)
    return inventory


def _duplicates(inventory: Inventory) -> Iterable[str]:
    for kind, ids in (
        ("areas", [area.id for area in inventory.areas]),
        ("gateways", [gateway.id for gateway in inventory.gateways]),
        ("lamps", [lamp.id for lamp in inventory.lamps]),
        ("cabinets", [cabinet.id for cabinet in inventory.cabinets]),
    ):
        for identifier, count in Counter(ids).items():
            if count > 1:
                yield f"{kind}: id {identifier!r} occurs {count} times, expected once"
    addresses = Counter((lamp.gateway_id, lamp.line, lamp.unit) for lamp in inventory.lamps)
    for (gateway_id, line, unit), count in addresses.items():
        if count > 1:
            yield f"lamps: {count} lamps share gateway {gateway_id!r} line {line} unit {unit}, expected one"
    yield from _cabinet_duplicates(inventory)


def _cabinet_duplicates(inventory: Inventory) -> Iterable[str]:
    taken = {(lamp.gateway_id, lamp.line, lamp.unit) for lamp in inventory.lamps}
    lamps = {lamp.id for lamp in inventory.lamps}
    for cabinet in inventory.cabinets:
        if cabinet.id in lamps:
            yield f"cabinets: id {cabinet.id!r} is that of a lamp, expected another"
        units = [unit for unit in (cabinet.unit, cabinet.contacts_unit) if unit is not None]
        for address in [(cabinet.gateway_id, cabinet.line, unit) for unit in units]:
            if address in taken:
                yield (
                    f"cabinets: {cabinet.id!r} is at line {address[1]} unit {address[2]}, "
                    "which is in use, expected another unit"
                )
            taken.add(address)


def _dangling(inventory: Inventory) -> Iterable[str]:
    areas = {area.id for area in inventory.areas}
    gateways = {gateway.id for gateway in inventory.gateways}
    for gateway in inventory.gateways:
        if gateway.area_id not in areas:
            yield f"gateways: {gateway.id!r} names area {gateway.area_id!r}, expected one in areas"
    for lamp in inventory.lamps:
        if lamp.area_id not in areas:
            yield f"lamps: {lamp.id!r} names area {lamp.area_id!r}, expected one in areas"
        if lamp.gateway_id not in gateways:
            yield f"lamps: {lamp.id!r} names gateway {lamp.gateway_id!r}, expected one in gateways"
    for cabinet in inventory.cabinets:
        if cabinet.gateway_id not in gateways:
            yield f"cabinets: {cabinet.id!r} names gateway {cabinet.gateway_id!r}, expected one in gateways"
