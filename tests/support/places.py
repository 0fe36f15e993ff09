"""Inventories in other parts of the world."""

from dataclasses import replace

from protocols.inventory.model import Inventory


def moved(inventory: Inventory, latitude: float, longitude: float, time_zone: str) -> Inventory:
    """Return the inventory shifted so that its first gateway stands at this position, in degrees."""
    first = inventory.gateways[0]
    north, east = latitude - first.latitude, longitude - first.longitude
    return Inventory(
        areas=[
            replace(area, latitude=area.latitude + north, longitude=area.longitude + east)
            for area in inventory.areas
        ],
        gateways=[
            replace(
                gateway,
                latitude=gateway.latitude + north,
                longitude=gateway.longitude + east,
                time_zone=time_zone,
            )
            for gateway in inventory.gateways
        ],
        lamps=[
            replace(lamp, latitude=lamp.latitude + north, longitude=lamp.longitude + east)
            for lamp in inventory.lamps
        ],
        roads=[
            replace(road, points=[(x + east, y + north) for x, y in road.points]) for road in inventory.roads
        ],
        cabinets=inventory.cabinets,
    )
