"""The lamps of a command: a generated regency, a list of lamps, or an inventory document."""

from pathlib import Path
from zoneinfo import ZoneInfo

from lentera.errors import UsageError
from protocols.inventory.model import Inventory, decode
from runtime.time_zones import UnknownTimeZoneError, time_zone


def read_place(path: Path, zone: str) -> Inventory:
    """Return the inventory of a file; the lamps of a mere list are assigned to gateways.

    Raises:
        InventoryError: the file can't be read, or holds problems.
    """
    # Not at the top: a gateway on a pole shares the command line and has no memory to spare for a town.
    from firmware_sim.town.city import city_from_lamps
    from protocols.inventory.lamp_list import parse_csv, parse_geojson

    parsers = {".csv": parse_csv, ".geojson": parse_geojson}
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    content = path.read_bytes()
    if parse := parsers.get(path.suffix):
        return city_from_lamps(
            parse(_text(content, path), path.name), path.stem, time_zone=zone_option(zone).key
        )
    if path.suffix == ".json":
        return decode(content, path.name)
    raise UsageError(f"{path}: expected a name ending in .geojson, .csv or .json")


def generated_place(lamps: int, seed: int) -> Inventory:
    """Return the inventory of a simulated Kabupaten Bandung with that many lamps."""
    from firmware_sim.town.city import generate_city

    return generate_city(lamps, seed)


def zone_option(name: str) -> ZoneInfo:
    """Return the time zone of a `--zone` option.

    Raises:
        UsageError: there is no such zone.
    """
    try:
        return time_zone(name)
    except UnknownTimeZoneError as error:
        raise UsageError(f"--zone {name!r}: {error}") from error


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is not UTF-8, expected a UTF-8 file") from error
