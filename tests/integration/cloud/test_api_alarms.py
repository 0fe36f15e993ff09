"""Alarms over HTTP."""

from typing import Any

import pytest

from tests.support.api import Api


async def _alarms(api: Api, **parameters: str) -> dict[str, Any]:
    async with api.client("viewer") as client:
        answer = await client.get("/api/v1/alarms", params=parameters)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture
def history(api: Api) -> list[int]:
    """Four alarms: two open, one ended, one of a gateway in the other area."""
    return [
        api.alarm("SOR-1", "lampFailure"),
        api.alarm("SOR-2", "lampUnexpectedOn", cleared_ms=1_800_000_000_000),
        api.alarm("SOR-3", "dimmingFailure"),
        api.alarm(
            "pasirjambu-01",
            "communicationFailure",
            lamp_id=None,
            gateway_id="pasirjambu-01",
            area_id="32.04.38",
        ),
    ]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [3, 2, 0]),
        ({"state": "all"}, [3, 2, 1, 0]),
        ({"area": "32.04.37"}, [2, 0]),
        ({"type": "lampFailure"}, [0]),
        ({"state": "all", "lamp": "SOR-2"}, [1]),
    ],
)
async def test_alarms_can_be_filtered(
    api: Api, history: list[int], parameters: dict[str, str], expected: list[int]
) -> None:
    """Newest first; without a filter those that hold."""
    items = (await _alarms(api, **parameters))["items"]
    assert [alarm["id"] for alarm in items] == [history[index] for index in expected]


async def test_an_alarm_says_all_of_itself(api: Api, history: list[int]) -> None:
    """A gateway's alarm has no lamp."""
    assert (await _alarms(api, type="communicationFailure"))["items"] == [
        {
            "id": history[3],
            "lampId": None,
            "gatewayId": "pasirjambu-01",
            "areaId": "32.04.38",
            "type": "communicationFailure",
            "severity": "critical",
            "raisedAt": "2026-08-10T13:00:00Z",
            "clearedAt": None,
            "acknowledgedAt": None,
            "acknowledgedBy": None,
            "info": "",
        }
    ]


async def test_pages_of_alarms(api: Api, history: list[int]) -> None:
    """Following the cursor gives each alarm once."""
    first = await _alarms(api, state="all", limit="3")
    second = await _alarms(api, state="all", limit="3", cursor=first["nextCursor"])
    assert [alarm["id"] for alarm in first["items"] + second["items"]] == history[::-1]
    assert second["nextCursor"] is None


async def test_the_first_to_acknowledge_stays(api: Api, history: list[int]) -> None:
    """Who has seen it, and when; a second time changes nothing."""
    path = f"/api/v1/alarms/{history[0]}/acknowledge"
    async with api.client("operator") as operator, api.client("admin") as admin:
        seen = (await operator.post(path)).json()
        again = (await admin.post(path)).json()
    assert (seen["acknowledgedBy"], seen["acknowledgedAt"]) == ("operator", "2026-08-10T13:00:00Z")
    assert again == seen


async def test_unknown_alarms_and_types(api: Api) -> None:
    """404 and 422 name what was requested."""
    async with api.client() as client:
        missing = await client.post("/api/v1/alarms/12345/acknowledge")
        bad = await client.get("/api/v1/alarms", params={"type": "lampBored"})
    assert (missing.status_code, missing.json()["errors"][0]["value"]) == (404, 12345)
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "type")
