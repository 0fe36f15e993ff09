"""Programs as TALQ documents: the shape of the standard, both ways, and clear refusals."""

import json
from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.lighting.program import ASTRO_DEFAULT, LightingProgram, SwitchPoint
from protocols.lighting.talq import ProgramError, decode, encode
from tests.conftest import shared_data

SWITCH_TIMES = st.integers(0, 24 * 60 - 1).filter(lambda minute: minute != 12 * 60)
PROGRAMS = st.builds(
    LightingProgram,
    id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=64),
    name=st.text(st.characters(codec="utf-8"), max_size=30),
    sunset_offset_min=st.integers(-720, 720),
    sunrise_offset_min=st.integers(-720, 720),
    initial_level_percent=st.integers(0, 100),
    switch_points=st.dictionaries(SWITCH_TIMES, st.integers(0, 100), max_size=5).map(
        lambda levels: tuple(
            SwitchPoint(time(minute // 60, minute % 60), levels[minute]) for minute in sorted(levels)
        )
    ),
)


@given(PROGRAMS)
@settings(deadline=None)
def test_a_program_survives_its_document(program: LightingProgram) -> None:
    assert decode(encode(program), "test") == program


def test_the_document_has_the_fields_of_the_standard() -> None:
    schemas = json.loads(shared_data("talq/talq-data-model-2-7-1.json").read_text(encoding="utf-8"))
    program = schemas["components"]["schemas"]["ControlProgramOne"]["allOf"][1]
    document = json.loads(encode(ASTRO_DEFAULT))
    assert set(program["required"]) <= document.keys()
    assert document.keys() - {"id", "ownerCMS", "name"} <= program["properties"].keys()
    assert document["fixedTimeControls"] == [
        {"startTime": "12:00:00", "command": {"state": {"name": "LevelState", "value": 100}}},
        {"startTime": "23:00:00", "command": {"state": {"name": "LevelState", "value": 50}}},
    ]


def document(**changes: object) -> bytes:
    return json.dumps(json.loads(encode(ASTRO_DEFAULT)) | changes).encode()


def control(start: str, level: object) -> dict[str, object]:
    return {"startTime": start, "command": {"state": {"name": "LevelState", "value": level}}}


@pytest.mark.parametrize(
    ("controls", "initial"),
    [
        ([], 100),
        ([control("23:00:00", 40)], 40),
        ([control("06:00:00", 30), control("23:00:00", 40)], 30),
        ([control("12:00:00", 90), control("23:00:00", 40)], 90),
    ],
)
def test_the_level_at_noon_is_the_control_that_holds_then(
    controls: list[dict[str, object]], initial: int
) -> None:
    assert decode(document(fixedTimeControls=controls), "test").initial_level_percent == initial


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"fixedTimeControls": [control("23:00:00", 140)]}, r"p\.json: .*<= 100.*fixedTimeControls\[0\]"),
        ({"fixedTimeControls": [control("25:00:00", 40)]}, r"p\.json: .*startTime"),
        ({"fixedTimeControls": [control("23:00:00Z", 40)]}, r"p\.json: .*startTime"),
        (
            {"fixedTimeControls": [control("23:00:00", 40), control("22:00:00", 40)]},
            r"p\.json: fixedTimeControls: 22:00:00 after 23:00:00, expected ascending start times",
        ),
        ({"fixedTimeControls": [control("23:00:00", 40)] * 2}, "expected ascending start times"),
        ({"activePeriods": []}, r"p\.json: .*length >= 1 - at `\$\.activePeriods`"),
        ({"activePeriods": [{"name": "AbsoluteActivePeriod"}]}, r"AbsoluteActivePeriod|missing required"),
        ({"dynamicControls": [{}]}, r"p\.json: .*length <= 0 - at `\$\.dynamicControls`"),
        ({"type": "Other"}, r"p\.json: Invalid enum value 'Other'"),
        ({"id": ""}, r"p\.json: .*`\$\.id`"),
    ],
)
def test_a_document_that_cannot_be_run_is_refused_by_field(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ProgramError, match=why):
        decode(document(**changes), "p.json")


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(ProgramError, match=r"p\.json: "):
        decode(b"{", "p.json")
