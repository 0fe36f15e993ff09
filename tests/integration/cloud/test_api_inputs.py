"""What no database can hold or no clock can reckon is refused by name, on both kinds of server."""

import json
from typing import Any

import httpx
import pytest

from cloud.http.metrics import REQUESTS
from tests.support.api import Api

NUL = "SOR\x001"


async def _query(api: Api, method: str, path: str, **more: Any) -> httpx.Response:
    async with api.client("operator") as client:
        return await client.request(method, f"/api/v1{path}", **more)


def _refused_field(answer: httpx.Response) -> str:
    assert answer.status_code == 422, answer.text
    problem: dict[str, Any] = answer.json()
    field: str = problem["errors"][0]["field"]
    return field


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/lamps?q=%00", "q"),
        ("/lamps?cursor=a%00", "cursor"),
        ("/lamps?area=%00", "area"),
        ("/lamps?gateway=%1b", "gateway"),
        ("/lamps/SOR%001", "lampId"),
        ("/lamps/SOR%001/telemetry", "lampId"),
        ("/gateways/a%00", "gatewayId"),
        ("/gateways/a%00/telemetry", "gatewayId"),
        ("/gateways/soreang-01/telemetry?cabinet=%00", "cabinet"),
        ("/alarms?area=%00", "area"),
        ("/alarms?lamp=%00", "lamp"),
        ("/commands/%00", "commandId"),
    ],
)
async def test_control_characters_in_an_address(api: Api, path: str, field: str) -> None:
    """PostgreSQL can't hold a NUL, so it must not come that far."""
    answer = await _query(api, "GET", path)
    assert _refused_field(answer) == field
    assert "without control characters" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lampIds": [NUL], "level": 10}, "lampIds.0"),
        ({"lampIds": ["SOR-1"], "level": 10, "note": NUL}, "note"),
        ({"lampIds": ["SOR-1"], "level": 10, "note": "\ud800"}, "note"),
    ],
)
async def test_control_characters_in_a_command(online_api: Api, body: dict[str, Any], field: str) -> None:
    """Nothing is stored; half of a surrogate pair is no text either."""
    headers = {"Content-Type": "application/json"}
    content = json.dumps(body).encode()
    assert (
        _refused_field(await _query(online_api, "POST", "/commands", content=content, headers=headers))
        == field
    )


async def test_a_control_character_in_a_username(api: Api) -> None:
    """A login with one is refused before the database is read."""
    answer = await _query(api, "POST", "/session", json={"username": NUL, "password": "x"})
    assert _refused_field(answer) == "username"


@pytest.mark.parametrize("number", [2**63, 10**30, 0, -1])
async def test_numbers_no_row_can_have(api: Api, number: int) -> None:
    """An alarm's id fits 64 bits."""
    assert _refused_field(await _query(api, "POST", f"/alarms/{number}/acknowledge")) == "alarmId"
    assert _refused_field(await _query(api, "GET", f"/alarms?cursor={number}")) == "cursor"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=0001-01-01T00:00:00%2B07:00", "from"),
        ("to=0001-01-01T00:00:00Z", "to"),
        ("to=9999-12-31T23:59:59-07:00", "to"),
    ],
)
async def test_instants_beyond_any_clock(api: Api, query: str, field: str) -> None:
    """They can't be turned into UTC, or a day can't be taken from them."""
    assert _refused_field(await _query(api, "GET", f"/lamps/SOR-1/telemetry?{query}")) == field


async def test_a_defect_is_counted_and_safe(api: Api) -> None:
    """The answer to a defect of ours has the headers of every answer, and a place in the metrics."""

    @api.app.get("/defect")
    async def defect() -> None:
        raise ZeroDivisionError

    counted = REQUESTS.labels("GET", "/defect", "500")
    before = counted._value.get()
    transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://lentera.test") as client:
        answer = await client.get("/defect")
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (500, "nosniff")
    assert counted._value.get() == before + 1


@pytest.mark.parametrize(
    ("path", "unknown", "expected"),
    [
        ("/lamps?areaId=32.04.37", "areaId", "one of area, cursor, gateway, limit, q, state"),
        ("/alarms?areaId=32.04.37", "areaId", "one of area, cursor, lamp, limit, state, type"),
        ("/lamps/SOR-1/telemetry?maxpoints=3", "maxpoints", "one of attributes, from, maxPoints, to"),
        ("/summary?area=1", "area", "no query parameters"),
        ("/session?x=1", "x", "no query parameters"),
    ],
)
async def test_parameters_nobody_knows(api: Api, path: str, unknown: str, expected: str) -> None:
    """A misspelt filter is not a wish for everything."""
    answer = await _query(api, "GET", path)
    assert _refused_field(answer) == unknown
    assert answer.json()["errors"][0]["expected"] == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/lamps?limit=ten", "a whole number"),
        ("/lamps?limit=0", "1 or more"),
        ("/lamps?limit=5001", "5000 or less"),
        ("/lamps?state=on", "one of 'lit', 'off', 'fault' or 'unknown'"),
        (f"/lamps?area={'x' * 65}", "at most 64 characters"),
        ("/lamps/SOR-1/telemetry?from=yesterday", "an instant such as 2026-08-10T13:00:00Z"),
        (
            "/lamps/SOR-1/telemetry?from=2026-08-10T13:00:00",
            "an instant with its time zone, such as 2026-08-10T13:00:00Z",
        ),
    ],
)
async def test_expectations_are_plain_words(api: Api, path: str, expected: str) -> None:
    """Not those of the library that checks."""
    answer = await _query(api, "GET", path)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["expected"] == expected
    assert answer.json()["detail"].endswith(f", expected {expected}")


@pytest.mark.parametrize(
    "body",
    [{"username": "ana", "password": ["terang bulan 17"]}, {"username": "a", "pasword": "terang bulan 17"}],
)
async def test_a_password_is_never_repeated(api: Api, body: dict[str, Any]) -> None:
    """Answers end up in logs of proxies and browsers."""
    answer = await _query(api, "POST", "/session", json=body)
    assert answer.status_code == 422
    assert "terang" not in answer.text
