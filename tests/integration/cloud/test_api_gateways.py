"""Gateways and their cabinets over HTTP, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest

from cloud.database import writing
from cloud.state.cabinets import save_cabinet_states
from cloud.state.model import CabinetState
from protocols.cabinet import CabinetReading, SwitchState
from protocols.clock import to_unix_ms
from tests.support.api import EVENING, Api

CABINET = "soreang-01-cabinet"
READING = CabinetReading(
    CABINET,
    EVENING,
    total_power_kw=4.219,
    phase2_voltage_v=228.5,
    door_open=True,
    contactor_state=SwitchState.ON,
)


async def test_a_gateway_shows_its_cabinet(api: Api) -> None:
    api.gateway("soreang-01", online=True)
    api.alarm(CABINET, "cabinetDoorOpen", lamp_id=None)
    with writing(api.services.engine) as connection:
        save_cabinet_states(connection, [CabinetState(READING, "soreang-01", online=True)])
    async with api.client("viewer") as client:
        answer = await client.get("/api/v1/gateways/soreang-01")
    body = answer.json()
    assert (body["id"], body["online"], body["lamps"], body["alarms"]) == ("soreang-01", True, 3, [])
    (cabinet,) = body["cabinets"]
    values = {each["attribute"]: (each["value"], each["unit"]) for each in cabinet.pop("values")}
    assert cabinet == {
        "id": CABINET,
        "line": 1,
        "unit": 201,
        "profile": "sdm630",
        "online": True,
        "observedAt": "2026-08-10T13:00:00Z",
        "alarms": ["cabinetDoorOpen"],
    }
    assert values["totalPower"] == (4.219, "kW")
    assert values["phase2Voltage"] == (228.5, "V")
    assert values["cabinetDoorOpen"] == (True, "")
    assert values["actualState"] == ("ON", "")
    assert values["totalActiveEnergy"] == (None, "kWh")


async def test_a_gateway_that_was_never_heard_of_is_offline(api: Api) -> None:
    async with api.client("viewer") as client:
        body = (await client.get("/api/v1/gateways/soreang-01")).json()
        unknown = await client.get("/api/v1/gateways/soreang-99")
    assert (body["online"], body["since"]) == (False, None)
    assert (body["cabinets"][0]["online"], body["cabinets"][0]["observedAt"]) == (False, None)
    assert unknown.status_code == 404
    assert unknown.json()["errors"][0]["value"] == "soreang-99"


async def test_readings_of_a_cabinet_over_time(api: Api) -> None:
    readings = [
        CabinetReading(
            CABINET, EVENING - timedelta(minutes=minute), total_power_kw=4.0, total_active_energy_kwh=9.0
        )
        for minute in range(1, 4)
    ]
    api.services.telemetry.write(readings)
    async with api.client("viewer") as client:
        body = (await client.get("/api/v1/gateways/soreang-01/telemetry")).json()
        chosen = await client.get(
            "/api/v1/gateways/soreang-01/telemetry", params={"attributes": "frequency", "cabinet": CABINET}
        )
    assert (body["gatewayId"], body["cabinetId"]) == ("soreang-01", CABINET)
    power, energy = body["series"]
    assert (power["attribute"], power["unit"]) == ("totalPower", "kW")
    assert [time for time, _ in power["points"]] == [to_unix_ms(each.time) for each in reversed(readings)]
    assert [value for _, value in energy["points"]] == [9.0] * 3
    assert [one["points"] for one in chosen.json()["series"]] == [[]]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("pasirjambu-01/telemetry", 404, "no gateway with a cabinet pasirjambu-01"),
        ("soreang-01/telemetry?cabinet=other", 404, "no cabinet of this gateway other"),
        ("soreang-01/telemetry?attributes=activePower", 422, "names from: totalPower"),
    ],
)
async def test_what_there_is_not_is_named(api: Api, path: str, status: int, said: str) -> None:
    async with api.client("viewer") as client:
        answer = await client.get(f"/api/v1/gateways/{path}")
    assert answer.status_code == status
    assert said in answer.json()["detail"]
