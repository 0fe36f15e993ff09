"""Lamps, areas, roads, the summary and the night over HTTP."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from protocols.lamp import LampReading
from tests.conftest import shared_data
from tests.support.api import EVENING, Api


async def _get(api: Api, path: str, **parameters: str) -> dict[str, Any]:
    async with api.client("viewer") as client:
        answer = await client.get(f"/api/v1{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture
def mixed(api: Api) -> Api:
    """One lamp of each state: lit, off, fault, unknown (unread) and unknown (out of reach)."""
    api.read("SOR-1")
    api.read(
        "SOR-2",
        target_level_percent=0,
        feedback_level_percent=0,
        actual_level_percent=0.0,
        active_power_w=0.4,
    )
    api.read("SOR-3", active_power_w=0.5)
    api.alarm("SOR-3", "lampFailure")
    api.alarm("SOR-1", "dimmingFailure", cleared_ms=1)  # an ended alarm is no fault
    api.read("PAS-2", gateway_id="pasirjambu-01", online=False)
    api.gateway("soreang-01", online=True)
    api.gateway("pasirjambu-01", online=False)
    return api


async def test_each_lamp_stands_in_one_word(mixed: Api) -> None:
    """Lit, off, fault, and unknown both for never read and for out of reach."""
    items = (await _get(mixed, "/lamps"))["items"]
    assert {lamp["id"]: lamp["state"] for lamp in items} == {
        "PAS-1": "unknown",
        "PAS-2": "unknown",
        "SOR-1": "lit",
        "SOR-2": "off",
        "SOR-3": "fault",
    }


async def test_a_lamp_says_all_of_itself(mixed: Api) -> None:
    """Every field that the map draws."""
    lamp = (await _get(mixed, "/lamps", q="SOR-3"))["items"][0]
    assert lamp == {
        "id": "SOR-3",
        "areaId": "32.04.37",
        "gatewayId": "soreang-01",
        "road": "Jalan 100%",
        "latitude": -7.032,
        "longitude": 107.522,
        "ratedPower": 90.0,
        "state": "fault",
        "actualLightState": 100.0,
        "targetLightCommand": 100,
        "feedbackLightCommand": 100,
        "reason": "program",
        "activePower": 0.5,
        "observedAt": "2026-08-10T13:00:00Z",
        "alarms": ["lampFailure"],
        "override": None,
    }


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"area": "32.04.38"}, ["PAS-1", "PAS-2"]),
        ({"gateway": "soreang-01"}, ["SOR-1", "SOR-2", "SOR-3"]),
        ({"state": "unknown"}, ["PAS-1", "PAS-2"]),
        ({"state": "lit", "area": "32.04.37"}, ["SOR-1"]),
        ({"q": "fathu"}, ["SOR-1", "SOR-2"]),
        ({"q": "sor-2"}, ["SOR-2"]),
        ({"q": "100%"}, ["SOR-3"]),
        ({"q": "_"}, []),
        ({"area": "nowhere"}, []),
    ],
)
async def test_lamps_can_be_filtered(mixed: Api, parameters: dict[str, str], expected: list[str]) -> None:
    """By area, gateway, state and text; what means something to a database means itself."""
    items = (await _get(mixed, "/lamps", **parameters))["items"]
    assert [lamp["id"] for lamp in items] == expected


@pytest.mark.parametrize("limit", ["1", "2", "3", "5"])
@pytest.mark.parametrize("state", [None, "unknown", "lit"])
async def test_pages_join_without_gap_or_double(mixed: Api, limit: str, state: str | None) -> None:
    """Following the cursor gives each lamp once, and no empty page at the end."""
    wanted = {} if state is None else {"state": state}
    whole = [lamp["id"] for lamp in (await _get(mixed, "/lamps", **wanted))["items"]]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await _get(mixed, "/lamps", limit=limit, **wanted, **cursor)
        assert page["items"]
        seen += [lamp["id"] for lamp in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert seen == whole


@pytest.mark.parametrize(
    ("parameter", "value"), [("limit", "0"), ("limit", "5001"), ("limit", "many"), ("state", "broken")]
)
async def test_bad_filters_are_named(api: Api, parameter: str, value: str) -> None:
    """422 names the field, the value and what was expected."""
    async with api.client() as client:
        answer = await client.get("/api/v1/lamps", params={parameter: value})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["errors"][0]["field"] == parameter
    assert problem["errors"][0]["value"] == value
    assert problem["errors"][0]["expected"]


async def test_a_lamp_in_detail(mixed: Api) -> None:
    """Values by their TALQ names, the program, and the next change: half light at 23:00."""
    lamp = await _get(mixed, "/lamps/SOR-1")
    values = {value["attribute"]: value for value in lamp["values"]}
    assert values["supplyVoltage"] == {
        "attribute": "supplyVoltage",
        "value": 229.0,
        "unit": "V",
        "time": "2026-08-10T13:00:00Z",
    }
    assert values["temperature"]["value"] is None
    assert lamp["program"]["id"] == "astro-default"
    assert lamp["nextChange"] == {"time": "2026-08-10T16:00:00Z", "level": 50}
    assert lamp["sunset"] < "2026-08-10T13:00:00Z" < lamp["sunrise"]
    assert lamp["state"] == "lit"


async def test_a_lamp_that_was_never_read(mixed: Api) -> None:
    """It has a place and a plan but no values."""
    lamp = await _get(mixed, "/lamps/PAS-1")
    assert (lamp["values"], lamp["actualLightState"], lamp["observedAt"], lamp["state"]) == (
        [],
        None,
        None,
        "unknown",
    )


async def test_an_unknown_lamp(api: Api) -> None:
    """404 names it."""
    async with api.client() as client:
        answer = await client.get("/api/v1/lamps/SOR-9")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["value"] == "SOR-9"


async def test_areas_count_their_lamps(mixed: Api) -> None:
    """By name, with power in kW of what is within reach."""
    assert (await _get(mixed, "/areas"))["items"] == [
        {"id": "32.04.38", "name": "Pasirjambu", "latitude": -7.08, "longitude": 107.48,
         "total": 2, "lit": 0, "off": 0, "fault": 0, "unknown": 2, "totalPower": 0.0},
        {"id": "32.04.37", "name": "Soreang", "latitude": -7.03, "longitude": 107.52,
         "total": 3, "lit": 1, "off": 1, "fault": 1, "unknown": 0, "totalPower": 0.091},
    ]  # fmt: skip


async def test_the_summary_adds_up(mixed: Api) -> None:
    """All lamps, gateways out of reach, and power now against the plan's: 3 × 90 W and 2 × 60 W at 100 %."""
    summary = await _get(mixed, "/summary")
    assert summary["bounds"] == [107.48, -7.081, 107.522, -7.03]
    assert summary["center"] == pytest.approx([107.501, -7.0555])
    del summary["bounds"], summary["center"]
    assert summary == {
        "time": "2026-08-10T13:00:00Z",
        "speed": 1.0,
        "timeZone": "Asia/Jakarta",
        "total": 5,
        "lit": 1,
        "off": 1,
        "fault": 1,
        "unknown": 2,
        "gateways": {"total": 2, "offline": 1},
        "totalPower": 0.091,
        "expectedPower": 0.39,
        "ingestOnline": True,
        "dataAsOf": None,
    }


async def test_a_gateway_that_was_never_born_is_out_of_reach(api: Api) -> None:
    """Silence is not taken for health."""
    api.gateway("a-foreign-node", online=True)
    assert (await _get(api, "/summary"))["gateways"] == {"total": 2, "offline": 2}


async def test_roads_are_geojson(api: Api) -> None:
    """A feature collection of lines, longitude first."""
    assert await _get(api, "/roads") == {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": [[107.52, -7.03], [107.522, -7.032]]},
                "properties": {"name": "Jalan Al-Fathu", "areaId": "32.04.37"},
            }
        ],
    }


async def test_the_night_from_noon_to_noon(api: Api) -> None:
    """The sky in order, the plan, and the mean of what lamps measured."""
    api.services.telemetry.write(
        [
            LampReading(lamp_id, EVENING - timedelta(minutes=1), actual_level_percent=level)
            for lamp_id, level in (("SOR-1", 100.0), ("SOR-2", 90.0))
        ]
    )
    night = await _get(api, "/night")
    sky = [night[key] for key in ("start", "sunset", "civilDusk", "civilDawn", "sunrise", "end")]
    assert sky == sorted(sky)
    assert night["start"] == "2026-08-10T05:00:00Z"
    assert [point["level"] for point in night["planned"]] == [0, 100, 50, 0]
    assert night["planned"][1]["time"] == night["sunset"]
    assert night["actual"] == [{"time": "2026-08-10T12:45:00Z", "level": 95.0}]


async def test_programs_have_talqs_shape(api: Api) -> None:
    """ControlProgramOne with an astro clock and its levels, in the fields of the published schema alone."""
    program = (await _get(api, "/programs"))["items"][0]
    assert program["type"] == "ControlProgramOne"
    assert program["activePeriods"] == [
        {"name": "AstroClockActivePeriod", "sunsetOffset": 0, "sunriseOffset": 0}
    ]
    assert program["fixedTimeControls"] == [
        {"startTime": "12:00:00", "command": {"state": {"name": "LevelState", "value": 100}}},
        {"startTime": "23:00:00", "command": {"state": {"name": "LevelState", "value": 50}}},
    ]
    schemas = json.loads(shared_data("talq/talq-data-model-2-7-1.json").read_text(encoding="utf-8"))
    talq = schemas["components"]["schemas"]["ControlProgramOne"]["allOf"][1]
    assert set(talq["required"]) <= program.keys()
    assert program.keys() - {"id", "ownerCMS", "name"} <= talq["properties"].keys()


async def test_readings_over_time(api: Api) -> None:
    """Points of milliseconds and value between two instants, in the order requested."""
    start = EVENING - timedelta(hours=1)
    api.services.telemetry.write(
        [
            LampReading(
                "SOR-1", start + timedelta(minutes=minute), active_power_w=90.0, supply_voltage_v=229.0
            )
            for minute in range(0, 60, 10)
        ]
    )
    answer = await _get(
        api,
        "/lamps/SOR-1/telemetry",
        **{"attributes": "supplyVoltage, activePower", "from": start.isoformat(), "to": EVENING.isoformat()},
    )
    assert (answer["lampId"], answer["from"], answer["to"]) == (
        "SOR-1",
        "2026-08-10T12:00:00Z",
        "2026-08-10T13:00:00Z",
    )
    assert [(one["attribute"], one["unit"], len(one["points"])) for one in answer["series"]] == [
        ("supplyVoltage", "V", 6),
        ("activePower", "W", 6),
    ]
    first_ms, value = answer["series"][1]["points"][0]
    assert datetime.fromtimestamp(first_ms / 1000, tz=EVENING.tzinfo) == start
    assert value == 90.0


@pytest.mark.parametrize(
    ("lamp_id", "parameters", "status", "field"),
    [
        ("SOR-9", {}, 404, "lampId"),
        ("SOR-1", {"attributes": "brightness"}, 422, "attributes"),
        ("SOR-1", {"from": "2026-08-10T13:00:00Z", "to": "2026-08-10T12:00:00Z"}, 422, "from"),
        ("SOR-1", {"from": "2020-01-01T00:00:00Z", "to": "2026-08-10T12:00:00Z"}, 422, "from"),
        ("SOR-1", {"from": "2026-08-10T13:00:00"}, 422, "from"),
        ("SOR-1", {"to": "yesterday"}, 422, "to"),
        ("SOR-1", {"maxPoints": "1"}, 422, "maxPoints"),
    ],
)
async def test_bad_questions_of_time(
    api: Api, lamp_id: str, parameters: dict[str, str], status: int, field: str
) -> None:
    """Each names its field."""
    async with api.client() as client:
        answer = await client.get(f"/api/v1/lamps/{lamp_id}/telemetry", params=parameters)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] == field
