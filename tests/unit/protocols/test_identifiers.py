"""Tests of protocols.identifiers, and of every way by which an identifier comes in."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.identifiers import PATTERN, checked_identifier, problem_of
from protocols.inventory import model as inventory
from protocols.inventory.lamp_list import parse_csv, parse_geojson
from protocols.inventory.model import InventoryError
from protocols.sparkplug.topics import MalformedTopic, Topic

FORBIDDEN = ["\0", "\x07", "\n", "\x7f", "\x96", "\ufdd0", "\ufffe", "\U0010ffff", "\ud800", "+", "/", "#"]


@pytest.mark.parametrize("identifier", ["SOR-00001", "안산시-1", "a b", "x" * 64, "é", "\U0001f4a1", "-"])
def test_a_name_is_an_identifier(identifier: str) -> None:
    assert checked_identifier(identifier) == identifier
    assert re.search(PATTERN, identifier)


@pytest.mark.parametrize("character", FORBIDDEN)
def test_a_forbidden_character_is_named(character: str) -> None:
    for identifier in (f"a{character}b", f"{character}b", f"a{character}"):
        with pytest.raises(ValueError, match="expected an identifier with no "):
            checked_identifier(identifier)
        assert not re.search(PATTERN, identifier)


def test_what_is_expected_is_said() -> None:
    assert problem_of("") == problem_of("x" * 65) == "1 to 64 characters"
    assert problem_of(" a") == "no space at its start"
    assert problem_of("a/b") == "no '/', which has a meaning in MQTT topics"
    assert problem_of("PJU\x9612") == "no character U+0096, which MQTT brokers refuse"


@given(st.text(max_size=64))
def test_pattern_and_check_agree(text: str) -> None:
    assert bool(re.search(PATTERN, text)) == (problem_of(text) is None)


@pytest.mark.parametrize("character", ["\0", "\x96"])
def test_a_list_of_lamps_is_refused(character: str) -> None:
    """U+0096 is a dash of Windows that was read as Latin-1."""
    identifier = f"PJU{character}12"
    feature = {
        "type": "Feature",
        "id": identifier,
        "geometry": {"type": "Point", "coordinates": [107.5, -7.0]},
        "properties": {},
    }
    geojson = json.dumps({"type": "FeatureCollection", "features": [feature]})
    expected = f"no character U\\+{ord(character):04X}"
    with pytest.raises(InventoryError, match=expected):
        parse_geojson(geojson, "lamps.geojson")
    with pytest.raises(InventoryError, match=expected):
        parse_csv(f"id,latitude,longitude\n{identifier},-7.0,107.5\n", "lamps.csv")


@pytest.mark.parametrize("character", ["\0", "\x96", "\n"])
def test_an_inventory_and_a_topic_are_refused(character: str) -> None:
    area = {"id": f"soreang{character}", "name": "Soreang", "latitude": -7.0, "longitude": 107.5}
    document = json.dumps({"areas": [area], "gateways": [], "lamps": []}).encode()
    with pytest.raises(InventoryError, match=r"areas\[0\]"):
        inventory.decode(document, "inventory.json")
    with pytest.raises(MalformedTopic):
        Topic.parse(f"spBv1.0/soreang/DDATA/soreang-01/SOR{character}1")
