"""A generated regency is whole, repeatable and laid out like a place."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware_sim.town.city import city_from_lamps, generate_city
from firmware_sim.town.kecamatan import KECAMATAN
from protocols.inventory.lamp_list import LampSite, parse_geojson
from protocols.inventory.model import Inventory, InventoryError, Lamp, decode, encode

DATA = Path(__file__).parents[5] / "shared/data"


def metres(one: Lamp, other: Lamp) -> float:
    east = (one.longitude - other.longitude) * math.cos(math.radians(one.latitude))
    return 111_320 * math.hypot(one.latitude - other.latitude, east)


def assert_sound(inventory: Inventory, lamps: int) -> None:
    assert decode(encode(inventory), "city") == inventory
    assert len(inventory.lamps) == lamps
    assert max(Counter(lamp.gateway_id for lamp in inventory.lamps).values()) <= 100
    assert max(Counter((lamp.gateway_id, lamp.line) for lamp in inventory.lamps).values()) <= 50
    assert {lamp.gateway_id for lamp in inventory.lamps} == {gateway.id for gateway in inventory.gateways}


@pytest.mark.parametrize("lamps", [1, 2, 49, 101, 500, 1000, 4129])
def test_a_city_has_exactly_the_requested_lamps(lamps: int) -> None:
    assert_sound(generate_city(lamps, seed=1), lamps)


def test_the_whole_regency_has_every_kecamatan() -> None:
    regency = generate_city(22_700, seed=1)
    assert_sound(regency, 22_700)
    assert {area.id for area in regency.areas} == {each.code for each in KECAMATAN}


def test_few_lamps_stand_in_soreang_and_a_neighbour_or_two() -> None:
    city = generate_city(500, seed=1)
    assert city.areas[0].name == "Soreang"
    assert len(city.areas) <= 3
    shares = Counter(lamp.area_id for lamp in city.lamps)
    assert shares.most_common(1)[0][0] == "32.04.37"
    assert (city.lamps[0].id[:4], city.gateways[0].id) == ("SOR-", "soreang-01")


def test_the_same_seed_gives_the_same_city_and_another_seed_another() -> None:
    assert encode(generate_city(300, seed=7)) == encode(generate_city(300, seed=7))
    assert encode(generate_city(300, seed=7)) != encode(generate_city(300, seed=8))


def test_areas_can_be_chosen_by_name_or_code() -> None:
    city = generate_city(80, seed=1, areas=["nagreg", "32.04.39"])
    assert {area.name for area in city.areas} == {"Nagreg", "Ciwidey"}
    with pytest.raises(InventoryError, match="area is 'Bandung', expected one of Soreang, Cileunyi"):
        generate_city(80, seed=1, areas=["Bandung"])


def test_a_city_without_lamps_is_refused() -> None:
    with pytest.raises(InventoryError, match="lamps is 0, expected at least 1"):
        generate_city(0, seed=1)


def test_lamps_stand_35_m_apart_along_their_road_and_never_on_one_another() -> None:
    city = generate_city(400, seed=3)
    nearest = [min(metres(lamp, other) for other in city.lamps if other is not lamp) for lamp in city.lamps]
    assert min(nearest) > 20
    assert 30 < sorted(nearest)[len(nearest) // 2] < 38


def test_a_gateway_s_lamps_stand_together() -> None:
    city = generate_city(1000, seed=3)
    for gateway in city.gateways:
        lamps = [lamp for lamp in city.lamps if lamp.gateway_id == gateway.id]
        assert max(metres(lamps[0], lamp) for lamp in lamps) < 2500


def test_lamps_stand_in_their_kecamatan() -> None:
    boundaries = DATA / "bandung_kecamatan.geojson"
    if not boundaries.exists():
        pytest.skip(f"{boundaries.name} is not beside this checkout")
    rings = {}
    for feature in json.loads(boundaries.read_text())["features"]:
        shape = feature["geometry"]
        polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        rings[feature["properties"]["kode"]] = [polygon[0] for polygon in polygons]
    lamps = generate_city(22_700, seed=1).lamps
    inside = sum(any(holds(ring, lamp) for ring in rings[lamp.area_id]) for lamp in lamps)
    assert inside / len(lamps) > 0.9


def holds(ring: Sequence[Sequence[float]], lamp: Lamp) -> bool:
    odd = False
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > lamp.latitude) != (y2 > lamp.latitude):
            odd ^= lamp.longitude < (x2 - x1) * (lamp.latitude - y1) / (y2 - y1) + x1
    return odd


def test_real_lamps_get_gateways_lines_and_areas_of_their_own() -> None:
    source = DATA / "osm_street_lamps_bengaluru.geojson"
    if not source.exists():
        pytest.skip(f"{source.name} is not beside this checkout")
    sites = parse_geojson(source.read_text(encoding="utf-8"), source.name)
    city = city_from_lamps(sites, source.name, "Asia/Kolkata")
    assert_sound(city, 4129)
    assert len(city.gateways) == 42
    assert len({(lamp.gateway_id, lamp.line) for lamp in city.lamps}) == 84
    assert city.areas[0].name == "Osm Street Lamps Bengaluru 1"
    assert {gateway.time_zone for gateway in city.gateways} == {"Asia/Kolkata"}


def test_a_list_s_own_areas_are_kept_and_known_kecamatan_recognised() -> None:
    sites = [
        LampSite("a", -7.03, 107.52, area="Soreang"),
        LampSite("b", -7.03, 107.521, area="Zona Timur"),
        LampSite("c", -7.178, 107.571),
    ]
    city = city_from_lamps(sites)
    assert {(area.id, area.name) for area in city.areas} == {
        ("32.04.37", "Soreang"),
        ("zona-timur", "Zona Timur"),
        ("32.04.15", "Pangalengan"),
    }
    assert_sound(city, 3)


def test_areas_whose_names_differ_only_in_signs_still_have_gateways_of_their_own() -> None:
    sites = [LampSite("a", -7.03, 107.52, area="Zona 1"), LampSite("b", -7.03, 107.53, area="Zona-1")]
    assert_sound(city_from_lamps(sites), 2)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(InventoryError, match=r"x\.csv: contains no lamps"):
        city_from_lamps([], "x.csv")
