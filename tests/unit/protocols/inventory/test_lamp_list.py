"""A lamp list is taken whole, or every fault in it is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.inventory.lamp_list import LampSite, parse_csv, parse_geojson
from protocols.inventory.model import InventoryError

HEADER = "id,latitude,longitude,name,road,area,rated_power_w\n"
BENGALURU = Path(__file__).parents[5] / "shared/data/osm_street_lamps_bengaluru.geojson"


def problems_of(parse: Callable[[str, str], list[LampSite]], text: str) -> str:
    with pytest.raises(InventoryError) as caught:
        parse(text, "lamps.txt")
    assert all(problem.startswith("lamps.txt: ") for problem in caught.value.problems)
    return str(caught.value)


def geojson(*features: dict[str, object]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def point(
    longitude: object, latitude: object, identifier: object = "a", **properties: object
) -> dict[str, object]:
    geometry = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "id": identifier, "geometry": geometry, "properties": properties}


def test_a_table_is_read() -> None:
    text = HEADER + "SOR-1,-7.033,107.518,Pole 1,Jl. Raya Soreang,Soreang,90\nSOR-2,-7.034,107.519,,,,\n"
    assert parse_csv(text, "lamps.csv") == [
        LampSite("SOR-1", -7.033, 107.518, "Pole 1", "Jl. Raya Soreang", "Soreang", 90.0),
        LampSite("SOR-2", -7.034, 107.519),
    ]


def test_a_spreadsheets_export_with_semicolons_and_decimal_commas_is_read() -> None:
    text = "\ufeffID;Lat;Lng;Kecamatan\r\nSOR-1;-7,033;107,518;Soreang\r\n"
    assert parse_csv(text, "lamps.csv") == [LampSite("SOR-1", -7.033, 107.518, area="Soreang")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: column id is missing"),
        (HEADER, "contains no lamps, expected at least one"),
        (
            "id,latitude,longitude,colour\na,1,2,red\n",
            "line 1: column is 'colour', expected one of id, latitude",
        ),
        ("id,latitude\na,1\n", "line 1: column longitude is missing"),
        (
            "id,lat,latitude,lon\na,1,1,2\n",
            "line 1: column latitude is 'id, lat, latitude, lon', expected that column once",
        ),
        (HEADER + "a,north,107.5,,,,\n", "line 2: latitude is 'north', expected degrees from -90 to 90"),
        (HEADER + "a,,107.5,,,,\n", "line 2: latitude is missing"),
        (HEADER + "a,nan,107.5,,,,\n", "line 2: latitude is 'nan'"),
        (
            HEADER + "a,107.5,-7.0,,,,\n",
            "line 2: latitude is '107.5', expected degrees from -90 to 90 (latitude and",
        ),
        (HEADER + "a,-7,1075,,,,\n", "line 2: longitude is '1075', expected degrees from -180 to 180"),
        (HEADER + "a,0,0,,,,\n", "line 2: latitude, longitude is '0, 0', expected the position of the lamp"),
        (HEADER + ",-7,107,,,,\n", "line 2: id is missing, expected 1 to 64 characters"),
        (
            HEADER + "a,-7,107,,,,\n\na,-7,107,,,,\n",
            "line 4: id is 'a', expected a unique id, line 2 has the same",
        ),
        (HEADER + "a,-7,107\n", "line 2: row is '3 cells', expected 7 cells"),
        (HEADER + "a,-7,107,,,,0\n", "line 2: rated_power_w is '0', expected watts above 0"),
        (HEADER + 'a,-7,107,"x,,,\n', "line 2: row is"),
    ],
)
def test_a_wrong_table_is_named_with_line_column_value_and_expectation(text: str, problem: str) -> None:
    assert problem in problems_of(parse_csv, text)


def test_every_problem_is_reported_up_to_fifty() -> None:
    few = problems_of(parse_csv, HEADER + "a,x,107,,,,\nb,-7,y,,,,\n")
    assert "line 2: latitude is 'x'" in few
    assert "line 3: longitude is 'y'" in few
    many = problems_of(parse_csv, HEADER + "".join(f"l{n},x,107,,,,\n" for n in range(60)))
    assert len(many.splitlines()) == 51
    assert many.endswith("and 10 more problems")


def test_a_swapped_lamp_among_right_ones_is_found_where_both_numbers_are_legal() -> None:
    rows = "".join(f"l{n},12.9{n},77.6{n},,,,\n" for n in range(5))
    problems = problems_of(parse_csv, HEADER + rows + "wrong,77.6,12.9,,,,\n")
    assert "line 7: latitude, longitude is 77.6, 12.9, expected near 12.93, 77.62" in problems
    assert len(problems.splitlines()) == 1


def test_points_are_read_and_ids_are_made_fit_for_topics() -> None:
    text = geojson(
        point(
            107.5, -7.0, "node/1", road="Jl. Melati", rated_power_w=60, highway="street_lamp", power="pole"
        ),
        {**point(107.6, -7.1, None, **{"@id": "node/2"}), "id": "node/2"},
    )
    assert parse_geojson(text, "x") == [
        LampSite("node-1", -7.0, 107.5, road="Jl. Melati", rated_power_w=60.0),
        LampSite("node-2", -7.1, 107.6),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "line 1 column 2: document is"),
        ("[]", "features is missing, expected a GeoJSON FeatureCollection"),
        (geojson(), "contains no lamps"),
        (
            geojson({"type": "Feature", "geometry": {"type": "LineString"}}),
            "feature 1: geometry is 'LineString'",
        ),
        (geojson(point(107.5, -7.0), {"geometry": None}), "feature 2: geometry is missing, expected a Point"),
        (geojson({"geometry": {"type": "Point", "coordinates": [1]}}), "feature 1: coordinates is [1]"),
        (
            geojson(point("107.5E", -7.0)),
            "feature 1: longitude is '107.5E', expected degrees from -180 to 180",
        ),
        (
            geojson(point(-7.0, 107.5)),
            "feature 1: latitude is 107.5, expected degrees from -90 to 90 (latitude and",
        ),
        (geojson(point(1, 2, None)), "feature 1: id is missing"),
        (
            geojson(point(1, 2), point(1, 3)),
            "feature 2: id is 'a', expected a unique id, feature 1 has the same",
        ),
    ],
)
def test_wrong_points_are_named_with_feature_field_value_and_expectation(text: str, problem: str) -> None:
    assert problem in problems_of(parse_geojson, text)


def test_a_real_list_mapped_by_volunteers_is_read_whole() -> None:
    if not BENGALURU.exists():
        pytest.skip(f"{BENGALURU.name} is not beside this checkout")
    sites = parse_geojson(BENGALURU.read_text(encoding="utf-8"), BENGALURU.name)
    assert len({site.id for site in sites}) == 4129
    assert not any("/" in site.id for site in sites)


@given(st.text())
def test_any_text_is_a_list_or_an_inventory_error(text: str) -> None:
    for parse in (parse_csv, parse_geojson):
        try:
            sites = parse(text, "any")
        except InventoryError:
            continue
        assert sites


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=4)
    )
)
def test_any_coordinates_are_a_position_or_an_inventory_error(coordinates: object) -> None:
    text = geojson({"id": "a", "geometry": {"type": "Point", "coordinates": coordinates}})
    try:
        (site,) = parse_geojson(text, "any")
    except InventoryError:
        return
    assert -90 <= site.latitude <= 90
    assert -180 <= site.longitude <= 180
