"""Commands over HTTP, sent through a real broker."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiomqtt
import pytest

from cloud.commands.store import record_results
from cloud.database import writing
from cloud.live.model import IngestView, LiveUpdate
from protocols.lamp import CommandResult, CommandStatus
from protocols.mapping import command_from
from protocols.sparkplug.payload import decode
from tests.conftest import Broker, eventually
from tests.support.api import EVENING, Api, running


@pytest.fixture
async def gateways(mosquitto: Broker) -> AsyncIterator[aiomqtt.Client]:
    """What every gateway hears."""
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.subscribe("spBv1.0/+/DCMD/#")
        yield client


async def _post(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    async with running(api.services.feed), api.client() as client:
        await api.services.feed.announce(LiveUpdate(ingest=IngestView(data_as_of=EVENING, storing=True)))
        await eventually(lambda: api.services.feed.ingester.data_as_of == EVENING, what="the heartbeat")
        answer = await client.post("/api/v1/commands", json=body)
    return {"statusCode": answer.status_code, **answer.json()}


async def _view(api: Api, command_id: str) -> dict[str, Any]:
    async with api.client("viewer") as client:
        view: dict[str, Any] = (await client.get(f"/api/v1/commands/{command_id}")).json()
    return view


def _answer(api: Api, command_id: str, lamp_id: str, status: CommandStatus, detail: str = "") -> None:
    level = 40 if status is CommandStatus.CONFIRMED else None
    with writing(api.services.engine) as connection:
        record_results(connection, [CommandResult(command_id, lamp_id, status, EVENING, level, detail)])


async def test_a_command_reaches_each_lamps_gateway(online_api: Api, gateways: aiomqtt.Client) -> None:
    """One DCMD for each lamp, not retained, with the id, level and times of the answer."""
    view = await _post(online_api, {"lampIds": ["SOR-1", "PAS-1"], "level": 40, "note": "pasar malam"})
    assert view["statusCode"] == 202
    assert (view["status"], view["level"], view["requestedBy"], view["note"]) == (
        "pending",
        40,
        "operator",
        "pasar malam",
    )
    assert view["expiration"] == "2026-08-10T15:00:00Z"
    sent = {}
    for _ in range(2):
        message = await anext(gateways.messages)
        assert not message.retain
        assert isinstance(message.payload, bytes)
        sent[message.topic.value] = message.payload
    assert set(sent) == {
        "spBv1.0/32.04.37/DCMD/soreang-01/SOR-1",
        "spBv1.0/32.04.38/DCMD/pasirjambu-01/PAS-1",
    }
    payload = decode(sent["spBv1.0/32.04.37/DCMD/soreang-01/SOR-1"])
    command = command_from("SOR-1", payload.metrics, EVENING)
    assert (command.command_id, command.level_percent) == (view["id"], 40)
    assert command.deadline > EVENING
    assert command.expiration == EVENING + timedelta(hours=2)


async def test_a_command_comes_to_its_end(online_api: Api) -> None:
    """Pending until each lamp has answered; confirmed and failed together are partial."""
    sent = await _post(online_api, {"lampIds": ["SOR-1", "SOR-2"], "level": 40})
    _answer(online_api, sent["id"], "SOR-1", CommandStatus.CONFIRMED)
    assert (await _view(online_api, sent["id"]))["status"] == "pending"
    _answer(online_api, sent["id"], "SOR-2", CommandStatus.FAILED, "no answer on the line")
    view = await _view(online_api, sent["id"])
    assert view["status"] == "partial"
    assert view["results"] == [
        {"lampId": "SOR-1", "status": "confirmed", "level": 40, "detail": "", "time": "2026-08-10T13:00:00Z"},
        {
            "lampId": "SOR-2",
            "status": "failed",
            "level": None,
            "detail": "no answer on the line",
            "time": "2026-08-10T13:00:00Z",
        },
    ]


async def test_silence_past_the_deadline_is_expired(online_api: Api) -> None:
    """No command waits for ever; a result that comes late still counts."""
    sent = await _post(online_api, {"lampIds": ["SOR-1"], "level": 40})
    online_api.clock.instant += timedelta(minutes=5)
    view = await _view(online_api, sent["id"])
    assert (view["status"], view["results"][0]["detail"]) == ("expired", "no answer before the deadline")
    _answer(online_api, sent["id"], "SOR-1", CommandStatus.CONFIRMED)
    assert (await _view(online_api, sent["id"]))["status"] == "confirmed"


async def test_the_lamp_shows_its_override_while_it_lasts(online_api: Api) -> None:
    """Who, why and until when."""
    online_api.read("SOR-1", reason="override", target_level_percent=40)
    sent = await _post(online_api, {"lampIds": ["SOR-1"], "level": 40, "duration": 600, "note": "foto"})
    _answer(online_api, sent["id"], "SOR-1", CommandStatus.CONFIRMED)
    async with online_api.client("viewer") as client:
        lamp = (await client.get("/api/v1/lamps/SOR-1")).json()
        assert lamp["override"] == {
            "commandId": sent["id"],
            "expiration": "2026-08-10T13:10:00Z",
            "note": "foto",
            "requestedBy": "operator",
        }
        assert lamp["nextChange"] == {"time": "2026-08-10T13:10:00Z", "level": 100}
        online_api.clock.instant += timedelta(minutes=10)
        lamp = (await client.get("/api/v1/lamps/SOR-1")).json()
        assert (lamp["override"], lamp["nextChange"]["level"]) == (None, 50)


async def test_a_lamp_that_follows_its_program_has_no_override(online_api: Api) -> None:
    """Someone else may have ended it: what the lamp says counts."""
    sent = await _post(online_api, {"lampIds": ["SOR-1"], "level": 40, "duration": 600})
    _answer(online_api, sent["id"], "SOR-1", CommandStatus.CONFIRMED)
    online_api.read("SOR-1", reason="program")
    async with online_api.client("viewer") as client:
        assert (await client.get("/api/v1/lamps/SOR-1")).json()["override"] is None


async def test_without_duration_an_override_has_no_end(online_api: Api) -> None:
    """Null is for ever, and so is the end of an override."""
    assert (await _post(online_api, {"lampIds": ["SOR-1"], "level": 0, "duration": None}))[
        "expiration"
    ] is None
    assert (await _post(online_api, {"lampIds": ["SOR-1"], "level": None}))["expiration"] is None


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"lampIds": ["SOR-1", "SOR-9"], "level": 10}, 404, "lampIds"),
        ({"lampIds": ["SOR-1"], "level": 140}, 422, "level"),
        ({"lampIds": ["SOR-1"], "level": -1}, 422, "level"),
        ({"lampIds": ["SOR-1"], "level": 50.5}, 422, "level"),
        ({"lampIds": ["SOR-1"], "level": True}, 422, "level"),
        ({"lampIds": ["SOR-1"]}, 422, "level"),
        ({"lampIds": [], "level": 10}, 422, "lampIds"),
        ({"lampIds": "SOR-1", "level": 10}, 422, "lampIds"),
        ({"lampIds": ["SOR-1"], "level": 10, "duration": 0}, 422, "duration"),
        ({"lampIds": ["SOR-1"], "level": 10, "note": "x" * 501}, 422, "note"),
        ({"lampIds": ["SOR-1"], "level": 10, "until": "dawn"}, 422, "until"),
    ],
)
async def test_bad_commands_change_nothing(
    online_api: Api, gateways: aiomqtt.Client, body: dict[str, Any], status: int, field: str
) -> None:
    """The field is named; nothing is stored, and the next thing gateways hear is the next good command."""
    refused = await _post(online_api, body)
    assert refused["statusCode"] == status
    assert refused["errors"][0]["field"] == field
    good = await _post(online_api, {"lampIds": ["SOR-2"], "level": 20})
    message = await anext(gateways.messages)
    assert isinstance(message.payload, bytes)
    assert command_from("SOR-2", decode(message.payload).metrics, EVENING).command_id == good["id"]


async def test_the_same_lamp_twice_is_one_command(online_api: Api) -> None:
    """A list with a repeat is taken as a set."""
    view = await _post(online_api, {"lampIds": ["SOR-1", "SOR-1"], "level": 10})
    assert [result["lampId"] for result in view["results"]] == ["SOR-1"]


async def test_without_a_broker_nothing_is_stored(api: Api) -> None:
    """503 at once, rather than a command that can't arrive."""
    async with api.client() as client:
        answer = await client.post("/api/v1/commands", json={"lampIds": ["SOR-1"], "level": 10})
    assert answer.status_code == 503
    assert "nothing was stored" in answer.json()["detail"]


async def test_unknown_commands(api: Api) -> None:
    """404 names the id."""
    async with api.client() as client:
        answer = await client.get("/api/v1/commands/none")
    assert (answer.status_code, answer.json()["errors"][0]["value"]) == (404, "none")
