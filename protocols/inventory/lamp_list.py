"""Reads a list of lamps, GeoJSON or CSV: accepted as a whole, or refused with all its problems."""

import csv
import io
import json
import math
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from protocols.identifiers import problem_of
from protocols.inventory.model import InventoryError

MAX_PROBLEMS = 50
"""Problems reported of one list. Our choice: more do not help to correct it."""


@dataclass(frozen=True, slots=True)
class LampSite:
    """A lamp as its owner lists it: its position and, where given, its name, road, area and power."""

    id: str
    latitude: float
    longitude: float
    name: str = ""
    road: str = ""
    area: str = ""
    rated_power_w: float | None = None


_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "@id", "lamp_id"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng"),
    "name": ("name",),
    "road": ("road", "street", "addr:street"),
    "area": ("area", "kecamatan", "district"),
    "rated_power_w": ("rated_power_w", "ratedpower", "wattage"),
}
"""Each field of a site, and its names in lists."""


@dataclass(slots=True)
class _Collector:
    """Collects the sites and the problems of one list."""

    source: str
    sites: list[LampSite] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def problem(self, place: str, name: str, value: object, expected: str) -> None:
        found = "is missing" if value is None or value == "" else f"is {value!r}"
        self.problems.append(f"{self.source}: {place}: {name} {found}, expected {expected}")

    def finish(self) -> list[LampSite]:
        if not self.sites and not self.problems:
            self.problems.append(f"{self.source}: contains no lamps, expected at least one")
        self.problems.extend(_misplaced(self))
        if self.problems:
            more = len(self.problems) - MAX_PROBLEMS
            rest = [f"{self.source}: and {more} more problem{'' if more == 1 else 's'}"] if more > 0 else []
            raise InventoryError(self.problems[:MAX_PROBLEMS] + rest)
        return self.sites


def parse_csv(text: str, source: str) -> list[LampSite]:
    """Read a table with a header line.

    The separator is a comma or a semicolon; with semicolons, numbers may have a decimal comma.

    Raises:
        InventoryError: each problem names `source`, line, column, value and what was expected.
    """
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    found = _Collector(source)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(reader, []), found)
        for row in reader:
            if not found.places and found.problems:
                break
            if any(cell.strip() for cell in row):
                _take_row(row, columns, delimiter == ";", f"line {reader.line_num}", found)
    except csv.Error as error:
        found.problem(f"line {reader.line_num}", "row", str(error), "a well-formed CSV row")
    return found.finish()


def _columns(header: list[str], found: _Collector) -> list[str]:
    """Return the field of a site that each column holds; empty for an unknown column."""
    fields = {name: each for each, names in _NAMES.items() for name in names}
    titles = [cell.strip().lower() for cell in header]
    columns = [fields.get(title, "") for title in titles]
    for title, column in zip(titles, columns, strict=True):
        if not column:
            found.problem("line 1", "column", title or None, f"one of {', '.join(_NAMES)}")
    for required in ("id", "latitude", "longitude"):
        if required not in columns:
            found.problem("line 1", f"column {required}", None, "a column of that name")
    for column in sorted({each for each in columns if each and columns.count(each) > 1}):
        found.problem("line 1", f"column {column}", ", ".join(titles), "that column once")
    return columns


def _take_row(row: list[str], columns: list[str], decimal_comma: bool, place: str, found: _Collector) -> None:
    if len(row) != len(columns):
        found.problem(place, "row", f"{len(row)} cells", f"{len(columns)} cells, as the header has")
        return
    cells = {column: cell.strip() for column, cell in zip(columns, row, strict=True)}
    if decimal_comma:
        for column in ("latitude", "longitude", "rated_power_w"):
            cells[column] = cells.get(column, "").replace(",", ".")
    _take_site(cells, place, found)


def parse_geojson(text: str, source: str) -> list[LampSite]:
    """Read a FeatureCollection of points.

    A feature's id is its `id`, or its property `id`, `@id` or `lamp_id`. Unknown properties are ignored.

    Raises:
        InventoryError: each problem names `source`, feature, field, value and what was expected.
    """
    found = _Collector(source)
    for number, feature in enumerate(_features(text, found), 1):
        _take_feature(feature, f"feature {number}", found)
    return found.finish()


def _features(text: str, found: _Collector) -> Iterator[object]:
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        found.problem(f"line {error.lineno} column {error.colno}", "document", error.msg, "JSON")
        return
    except RecursionError:
        found.problem("line 1", "document", "nested too deeply", "JSON")
        return
    except ValueError as error:  # a number of more digits than Python converts
        found.problem("line 1", "document", str(error), "JSON")
        return
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        found.problem("line 1", "features", features, "a GeoJSON FeatureCollection with a list of features")
        return
    yield from features


def _take_feature(feature: object, place: str, found: _Collector) -> None:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or not isinstance(geometry, dict) or geometry.get("type") != "Point":
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        found.problem(place, "geometry", kind, "a Point")
        return
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) not in (2, 3):
        found.problem(place, "coordinates", coordinates, "[longitude, latitude]")
        return
    properties = feature.get("properties")
    given = {
        str(key).lower(): value for key, value in (properties if isinstance(properties, dict) else {}).items()
    }
    cells: dict[str, object] = {
        each: next((given[name] for name in names if name in given), "") for each, names in _NAMES.items()
    }
    cells["id"] = feature.get("id", cells["id"])
    cells["longitude"], cells["latitude"] = coordinates[:2]
    _take_site(cells, place, found)


def _take_site(cells: Mapping[str, object], place: str, found: _Collector) -> None:
    identifier = _identifier(cells.get("id", ""), place, found)
    latitude = _coordinate(cells, "latitude", 90, place, found)
    longitude = _coordinate(cells, "longitude", 180, place, found)
    power = _power(cells.get("rated_power_w", ""), place, found)
    if latitude == 0 and longitude == 0:
        found.problem(place, "latitude, longitude", "0, 0", "the position of the lamp")
    name, road, area = (str(cells.get(each) or "").strip() for each in ("name", "road", "area"))
    site = LampSite(identifier, latitude, longitude, name, road, area, power)
    found.sites.append(site)


def _identifier(value: object, place: str, found: _Collector) -> str:
    """Return an id that may be an MQTT topic level: separators and wildcards become dashes."""
    given = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    identifier = re.sub(r"[+/#\s]+", "-", given).lstrip("-")
    expected = problem_of(identifier)
    if expected is not None:
        found.problem(place, "id", value, expected)
    elif identifier in found.places:
        found.problem(place, "id", given, f"a unique id, {found.places[identifier]} has the same")
    found.places.setdefault(identifier, place)
    return identifier


def _coordinate(cells: Mapping[str, object], name: str, limit: int, place: str, found: _Collector) -> float:
    value = cells.get(name, "")
    number = _number(value)
    if number is not None and abs(number) <= limit:
        return number
    expected = f"degrees from -{limit} to {limit}"
    other = _number(cells.get("longitude", ""))
    if (
        name == "latitude"
        and number is not None
        and other is not None
        and abs(other) <= 90 >= abs(number) - 90
    ):
        expected += " (latitude and longitude look swapped)"
    found.problem(place, name, value, expected)
    return math.nan


def _power(value: object, place: str, found: _Collector) -> float | None:
    if value is None or value == "":
        return None
    number = _number(value)
    if number is not None and 0 < number <= 2000:
        return number
    found.problem(place, "rated_power_w", value, "watts above 0 and up to 2000")
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _misplaced(found: _Collector) -> Iterable[str]:
    """Yield a problem for each lamp that would be near the others with latitude and longitude exchanged."""
    whole = [site for site in found.sites if math.isfinite(site.latitude) and math.isfinite(site.longitude)]
    if len(whole) < 3:
        return
    latitude = statistics.median(site.latitude for site in whole)
    longitude = statistics.median(site.longitude for site in whole)
    for site in whole:
        here = math.hypot(site.latitude - latitude, site.longitude - longitude)
        swapped = math.hypot(site.longitude - latitude, site.latitude - longitude)
        if here > 5 and swapped < 1:
            place = found.places.get(site.id, "")
            yield (
                f"{found.source}: {place}: latitude, longitude is {site.latitude:g}, {site.longitude:g}, "
                f"expected near {latitude:.2f}, {longitude:.2f} as the others (they look swapped)"
            )
