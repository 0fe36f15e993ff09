"""What no database can hold or no clock can reckon is refused by name, on both kinds of server."""

import json
from typing import Any

import httpx
import pytest

from cloud.metrics import REQUESTS
from tests.integration.api import Api

NUL = "SOR\x001"


async def _asked(api: Api, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
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
    answer = await _asked(api, "GET", path)
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
        _refused_field(await _asked(online_api, "POST", "/commands", content=content, headers=headers))
        == field
    )


async def test_a_control_character_in_a_username(api: Api) -> None:
    """A login with one is refused before the database is asked."""
    answer = await _asked(api, "POST", "/session", json={"username": NUL, "password": "x"})
    assert _refused_field(answer) == "username"


@pytest.mark.parametrize("number", [2**63, 10**30, 0, -1])
async def test_numbers_no_row_can_have(api: Api, number: int) -> None:
    """An alarm's id fits 64 bits."""
    assert _refused_field(await _asked(api, "POST", f"/alarms/{number}/acknowledge")) == "alarmId"
    assert _refused_field(await _asked(api, "GET", f"/alarms?cursor={number}")) == "cursor"


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
    assert _refused_field(await _asked(api, "GET", f"/lamps/SOR-1/telemetry?{query}")) == field


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
