"""Which field of a document has the wrong shape, and what is expected there."""

from typing import Any

import msgspec
import pytest

from cloud.plans.shape import Mismatch, first_mismatch
from protocols.lighting.talq import ControlProgramOne
from protocols.lighting.talq_calendar import TalqCalendar

ACTIVE = {"name": "AstroClockActivePeriod", "sunsetOffset": 0, "sunriseOffset": 0}


def control(start: object = "22:00:00", level: object = 50) -> dict[str, Any]:
    return {"startTime": start, "command": {"state": {"name": "LevelState", "value": level}}}


def program(**changes: object) -> dict[str, Any]:
    document = {"type": "ControlProgramOne", "id": "p", "ownerCMS": "x", "activePeriods": [ACTIVE]}
    return {**document, "fixedTimeControls": [control()], **changes}


def calendar(*rules: object, **changes: object) -> dict[str, Any]:
    return {"id": "c", "ownerCMS": "x", "rules": list(rules), **changes}


def rule(**condition: object) -> dict[str, Any]:
    return {"program": "p", "condition": {"type": "ccDay", "days": [{"start": 1}], **condition}}


LEVEL = "fixedTimeControls[1].command.state.value"
START = "fixedTimeControls[0].startTime"
TIME = "a local time such as 22:00:00"


@pytest.mark.parametrize(
    ("document", "structure", "expected"),
    [
        ([], ControlProgramOne, Mismatch("", "list", "a JSON object")),
        (None, ControlProgramOne, Mismatch("", None, "a JSON object")),
        (program(type="x"), ControlProgramOne, Mismatch("type", "x", "'ControlProgramOne'")),
        (program(id=7), ControlProgramOne, Mismatch("id", 7, "text")),
        (program(id=""), ControlProgramOne, Mismatch("id", "", "text of 1 to 64 characters")),
        (program(id="p" * 65), ControlProgramOne, Mismatch("id", "p" * 65, "text of 1 to 64 characters")),
        (program(activePeriods={}), ControlProgramOne, Mismatch("activePeriods", "dict", "a list")),
        (program(activePeriods=[]), ControlProgramOne, Mismatch("activePeriods", "0 items", "1 items")),
        (
            program(dynamicControls=[1, 2]),
            ControlProgramOne,
            Mismatch("dynamicControls", "2 items", "an empty list"),
        ),
        *(
            (
                program(fixedTimeControls=[control(), control(level=level)]),
                ControlProgramOne,
                Mismatch(LEVEL, level, "a whole number from 0 to 100"),
            )
            for level in (-1, 101, True, 50.0, 50.5, "50", None)
        ),
        *(
            (program(fixedTimeControls=[control(start)]), ControlProgramOne, Mismatch(START, start, TIME))
            for start in ("25:00:00", "22:00:00Z", 22, None)
        ),
        (program(fixedTimeControls=[{}]), ControlProgramOne, Mismatch(START, None, "a value")),
        (calendar(colour="red"), TalqCalendar, Mismatch("colour", "red", "no such field")),
        (calendar(colours=["red"]), TalqCalendar, Mismatch("colours", "list", "no such field")),
        (calendar(defaultProgram=1), TalqCalendar, Mismatch("defaultProgram", 1, "text")),
        (calendar({}), TalqCalendar, Mismatch("rules[0].program", None, "a value")),
        (
            calendar(*[{"program": "p"}] * 401),
            TalqCalendar,
            Mismatch("rules", "401 items", "0 to 400 items"),
        ),
        (
            calendar(rule(), rule(days=[])),
            TalqCalendar,
            Mismatch("rules[1].condition.days", "0 items", "1 to 7 items"),
        ),
        (
            calendar(rule(days=[{"start": 1, "end": 8}])),
            TalqCalendar,
            Mismatch("rules[0].condition.days[0].end", 8, "a whole number from 1 to 7"),
        ),
    ],
)
def test_the_first_wrong_field_is_named(
    document: object, structure: type[msgspec.Struct], expected: Mismatch
) -> None:
    """By its path, its value and what is expected; msgspec refuses the same documents."""
    assert first_mismatch(document, structure) == expected
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, structure)


def test_of_several_wrong_fields_the_first_is_named() -> None:
    """In the order of the structure's fields, not of the document's."""
    document = dict(reversed(program(id="", activePeriods=[], type="x").items()))
    found = first_mismatch(document, ControlProgramOne)
    assert found is not None
    assert found.path == "type"


@pytest.mark.parametrize(
    ("document", "structure"),
    [
        (program(), ControlProgramOne),
        (program(id="p" * 64, dynamicControls=[], other=1), ControlProgramOne),
        (program(fixedTimeControls=[control("00:00:00", 0), control("23:59:59.5", 100)]), ControlProgramOne),
        (calendar(), TalqCalendar),
        (calendar(rule(), defaultProgram=None), TalqCalendar),
        (calendar(rule(days=[{"start": 1, "end": None}])), TalqCalendar),
    ],
)
def test_a_document_of_the_right_shape_has_no_mismatch(
    document: object, structure: type[msgspec.Struct]
) -> None:
    """Also with null in an optional field, and with fields that a program may have besides."""
    msgspec.convert(document, structure)
    assert first_mismatch(document, structure) is None
