"""Compact groups of places: the lamps of a gateway, and those of a line in wiring order."""

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Located(Protocol):
    """Anything with a position."""

    @property
    def latitude(self) -> float:
        """Degrees north."""
        ...

    @property
    def longitude(self) -> float:
        """Degrees east."""
        ...


_Place = TypeVar("_Place", bound=Located)


def compact_groups(places: Sequence[_Place], most: int) -> list[list[_Place]]:
    """Return the fewest groups of at most `most` near places, all of about the same size."""
    return _split(list(places), math.ceil(len(places) / most)) if places else []


def _split(places: list[_Place], groups: int) -> list[list[_Place]]:
    if groups == 1:
        return [places]
    east = math.cos(math.radians(places[0].latitude))
    width = east * (max(place.longitude for place in places) - min(place.longitude for place in places))
    height = max(place.latitude for place in places) - min(place.latitude for place in places)
    if width > height:
        places.sort(key=lambda place: (place.longitude, place.latitude))
    else:
        places.sort(key=lambda place: (place.latitude, place.longitude))
    left = groups // 2
    cut = round(len(places) * left / groups)
    return _split(places[:cut], left) + _split(places[cut:], groups - left)


def middle(places: Sequence[Located]) -> tuple[float, float]:
    """Return latitude and longitude of the mean position, in degrees."""
    latitude = sum(place.latitude for place in places) / len(places)
    longitude = sum(place.longitude for place in places) / len(places)
    return round(latitude, 6), round(longitude, 6)


def wiring_order(places: Sequence[_Place], latitude: float, longitude: float) -> list[_Place]:
    """Return places in the order of a cable from (latitude, longitude): always to the nearest one left."""
    rest, order = list(places), []
    east = math.cos(math.radians(latitude))
    while rest:
        nearest = min(
            rest,
            key=lambda place: math.hypot(place.latitude - latitude, (place.longitude - longitude) * east),
        )
        rest.remove(nearest)
        order.append(nearest)
        latitude, longitude = nearest.latitude, nearest.longitude
    return order
