"""Programs, calendars, groups and assignments over HTTP, on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any

import httpx
import pytest

from cloud.http.problems import ProblemError
from cloud.plans.active import PlanInForce
from cloud.plans.impact import Guard
from cloud.plans.model import Assignment, Scope
from cloud.plans.service import PlanService
from cloud.plans.store import PlanChangedError, PlanStore
from cloud.provisioning import import_inventory
from protocols.inventory.model import Inventory, Lamp
from protocols.lighting.program import LightingProgram
from tests.support.api import Api, small_town

SOREANG = "32.04.37"


def program(program_id: str, *controls: tuple[str, int]) -> dict[str, Any]:
    return {
        "type": "ControlProgramOne",
        "id": program_id,
        "ownerCMS": "lentera",
        "name": program_id.title(),
        "activePeriods": [{"name": "AstroClockActivePeriod", "sunsetOffset": 0, "sunriseOffset": 0}],
        "fixedTimeControls": [
            {"startTime": start, "command": {"state": {"name": "LevelState", "value": level}}}
            for start, level in controls
        ],
    }


def calendar(calendar_id: str, *programs: str) -> dict[str, Any]:
    return {"id": calendar_id, "ownerCMS": "lentera", "rules": [{"program": each} for each in programs]}


def assigned(*items: tuple[str, str | None, str]) -> dict[str, Any]:
    return {"items": [{"scope": scope, "id": to, "calendarId": each} for scope, to, each in items]}


MISTAKES: list[tuple[str, dict[str, Any], str, object, str]] = [
    ("programs/a", program("b"), "id", "b", "'a', as in the path"),
    ("programs/a", {"type": "ControlProgramOne"}, "id", None, "a value"),
    (
        "programs/a",
        program("a", ("22:00:00", 140)),
        "fixedTimeControls[0].command.state.value",
        140,
        "int <= 100",
    ),
    (
        "programs/a",
        program("a", ("23:00:00", 50), ("22:00:00", 40)),
        "fixedTimeControls",
        "22:00:00 after 23:00:00",
        "ascending start times",
    ),
    ("programs/a", program("a") | {"type": "Other"}, "type", "Other", "a word that TALQ has here"),
    (
        "calendars/a",
        calendar("a", "astro-default", "nowhere"),
        "rules.1.program",
        "nowhere",
        "known program",
    ),
    ("calendars/a", calendar("a") | {"colour": "red"}, "colour", "red", "no such field"),
    (
        "calendars/a",
        {"id": "a", "ownerCMS": "x", "rules": [{"program": "p", "startDate": "2026-02-30"}]},
        "rules[0].startDate",
        "2026-02-30",
        "yyyy-mm-dd",
    ),
    ("groups/a", {"lampIds": ["SOR-1", "SOR-99"]}, "lampIds.1", "SOR-99", "known lamp"),
    ("groups/a", {}, "lampIds", "{}", "a value"),
    ("assignments", assigned(("lamp", "SOR-99", "every-night")), "items.0.id", "SOR-99", "known lamp"),
    ("assignments", assigned(("area", "32", "every-night")), "items.0.id", "32", "known area"),
    ("assignments", assigned(("group", "g", "every-night")), "items.0.id", "g", "known group"),
    (
        "assignments",
        assigned(("all", None, "nothing")),
        "items.0.calendarId",
        "nothing",
        "known calendar",
    ),
    ("assignments", assigned(("all", "x", "every-night")), "items.0.id", "x", "no id where"),
    ("assignments", assigned(("lamp", None, "every-night")), "items.0.id", None, "known lamp"),
    ("assignments", assigned(("town", None, "every-night")), "items.0.scope", "town", "'lamp', 'group'"),
    (
        "assignments",
        assigned(("all", None, "every-night"), ("all", None, "every-night")),
        "items.1.id",
        None,
        "each all once",
    ),
]


async def put(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int = 200
) -> dict[str, Any]:
    answer = await client.put(f"/api/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def get(client: httpx.AsyncClient, path: str, status: int = 200) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def plan_of_midnight(client: httpx.AsyncClient) -> None:
    """A program that is off from midnight on, and a calendar that knows it."""
    await put(client, "programs/midnight", program("midnight", ("00:00:00", 0), ("12:00:00", 100)))
    await put(client, "calendars/midnight", calendar("midnight", "midnight"))


def larger_town(api: Api, lamps: int = 40) -> None:
    """The small town with more lamps on Soreang's gateway."""
    town = small_town()
    more = [Lamp(f"SOR-{n}", SOREANG, "soreang-01", 2, n, -7.03, 107.52) for n in range(10, lamps + 5)]
    import_inventory(api.services.engine, Inventory(town.areas, town.gateways, [*town.lamps, *more]))


async def test_what_is_put_comes_back(api: Api) -> None:
    """In TALQ's shapes, beside what is built in."""
    async with api.client() as client:
        await plan_of_midnight(client)
        group = await put(client, "groups/square", {"name": "Square", "lampIds": ["SOR-2", "SOR-1", "SOR-2"]})
        stored = await put(client, "assignments", assigned(("group", "square", "midnight")))
        programs, calendars = await get(client, "programs"), await get(client, "calendars")
        one = await get(client, "programs/midnight")
        assert await get(client, "calendars/midnight") == calendar("midnight", "midnight")
        assert await get(client, "groups/square") == group
        assert await get(client, "groups") == {"items": [group]}
        assert await get(client, "assignments") == stored
    assert [each["id"] for each in programs["items"]] == ["astro-default", "midnight"]
    assert [each["id"] for each in calendars["items"]] == ["every-night", "midnight"]
    assert [(each["startTime"], each["command"]["state"]["value"]) for each in one["fixedTimeControls"]] == [
        ("00:00:00", 0),
        ("12:00:00", 100),
    ]
    assert group == {"id": "square", "name": "Square", "lampIds": ["SOR-1", "SOR-2"]}
    assert stored == assigned(("group", "square", "midnight"))
    assert (programs["items"][1], calendars["items"][1]) == (one, calendar("midnight", "midnight"))


async def test_the_map_goes_by_each_lamps_own_plan(api: Api) -> None:
    """What is drawn now, what a lamp does next, and the strip of the night."""
    async with api.client() as client:
        assert (await get(client, "summary"))["expectedPower"] == 0.39
        await put(client, "programs/dim", program("dim", ("12:00:00", 40)))
        await put(client, "calendars/dim", calendar("dim", "dim"))
        await put(client, "assignments", assigned(("area", SOREANG, "dim")))
        assert (await get(client, "summary"))["expectedPower"] == pytest.approx(0.4 * 0.27 + 0.12)
        dim, other = await get(client, "lamps/SOR-1"), await get(client, "lamps/PAS-1")
        night = await get(client, "night")
    assert (dim["calendar"]["id"], dim["program"]) == ("dim", {"id": "dim", "name": "Dim"})
    assert dim["nextChange"]["level"] == 0
    assert (other["calendar"]["id"], other["nextChange"]["level"]) == ("every-night", 50)
    assert [change["level"] for change in night["planned"]] == [0, 64.0, 44.0, 0]


async def test_a_replica_takes_up_what_another_wrote(api: Api) -> None:
    """Every process reads the plan again when it has changed, and when the lamps have."""
    replica = PlanInForce(PlanStore(api.services.engine), api.services.inventory_store.load)
    before = replica.newest()
    assert replica.newest() is before
    async with api.client() as client:
        await plan_of_midnight(client)
        await put(client, "assignments", assigned(("lamp", "SOR-1", "midnight")))
    town = replica.current()
    assert town.calendar_of(town.lamps["SOR-1"]) == "midnight"
    larger_town(api)
    assert len(replica.current().lamps) == 40


async def test_what_leaves_the_inventory_leaves_the_plan(api: Api) -> None:
    """A lamp's and an area's assignment go with it; a group loses the lamp."""
    town = small_town()
    kept = [lamp for lamp in town.lamps if lamp.area_id == SOREANG and lamp.id != "SOR-1"]
    async with api.client() as client:
        await plan_of_midnight(client)
        await put(client, "groups/some", {"lampIds": ["SOR-1", "SOR-2", "PAS-1"]})
        items = (
            ("lamp", "SOR-1", "midnight"),
            ("area", "32.04.38", "midnight"),
            ("group", "some", "midnight"),
        )
        await put(client, "assignments", assigned(*items))
        import_inventory(
            api.services.engine, Inventory(town.areas[:1], town.gateways[:1], kept, cabinets=town.cabinets)
        )
        assert await get(client, "assignments") == assigned(("group", "some", "midnight"))
        assert (await get(client, "groups/some"))["lampIds"] == ["SOR-2"]
        import_inventory(api.services.engine, town)
        assert (await get(client, "groups/some"))["lampIds"] == ["SOR-2"]


async def test_a_mistake_is_named_and_changes_nothing(api: Api) -> None:
    """By its field, its value and what was expected."""
    revision = PlanStore(api.services.engine).revision()
    async with api.client() as client:
        for path, body, field, value, expected in MISTAKES:
            (problem,) = (await put(client, path, body, 422))["errors"]
            assert (problem["field"], problem["value"]) == (field, value), path
            assert expected in problem["expected"]
    assert PlanStore(api.services.engine).revision() == revision


async def test_what_is_no_json_is_refused(api: Api) -> None:
    bodies = [b"", b"{", b"\xff", b"[" * 5000, b'{"id": "\xff"}']
    async with api.client() as client:
        for kind, body in product(("programs", "calendars"), bodies):
            answer = await client.put(f"/api/v1/{kind}/a", content=body)
            assert answer.status_code == 422, (kind, body)
        huge = await client.put("/api/v1/programs/a", content=b" " * 300_000)
    assert huge.status_code == 413


async def test_what_is_in_use_stays_and_says_by_whom(api: Api) -> None:
    async with api.client() as client:
        await plan_of_midnight(client)
        await put(client, "groups/some", {"lampIds": ["SOR-1"]})
        await put(client, "assignments", assigned(("group", "some", "midnight")))
        refused = {
            path: await client.delete(f"/api/v1/{path}")
            for path in ("programs/midnight", "calendars/midnight", "groups/some", "programs/astro-default")
        }
        unknown = [
            await client.delete(f"/api/v1/{kind}/nothing") for kind in ("programs", "calendars", "groups")
        ]
        await put(client, "assignments", assigned())
        gone = [await client.delete(f"/api/v1/{path}") for path in ("groups/some", "calendars/midnight")]
        gone.append(await client.delete("/api/v1/programs/midnight"))
        left = await get(client, "programs")
        assert (await client.get("/api/v1/groups/some")).status_code == 404
        assert (await client.get("/api/v1/calendars/midnight")).status_code == 404
        assert (await client.get("/api/v1/programs/midnight")).status_code == 404
    assert [answer.status_code for answer in refused.values()] == [409] * 4
    assert "used by calendars: midnight" in refused["programs/midnight"].json()["detail"]
    assert "used by assignments: group some" in refused["calendars/midnight"].json()["detail"]
    assert "used by assignments: group some" in refused["groups/some"].json()["detail"]
    assert "built in" in refused["programs/astro-default"].json()["detail"]
    assert [answer.status_code for answer in unknown] == [404] * 3
    assert [answer.status_code for answer in gone] == [204] * 3
    assert [each["id"] for each in left["items"]] == ["astro-default"]


async def test_darkness_must_be_meant(api: Api) -> None:
    """By an assignment, a calendar, a program or a group; the preview says so before."""
    larger_town(api)
    dark = program("midnight", ("12:00:00", 0))
    async with api.client() as client:
        await plan_of_midnight(client)
        everything = assigned(("all", None, "midnight"))
        seen = (await client.post("/api/v1/assignments/preview", json=everything)).json()
        refused = await client.put("/api/v1/assignments", json=everything)
        assert await get(client, "assignments") == assigned()
        confirmed = await client.put("/api/v1/assignments?confirm=true", json=everything)
        typo = await client.put("/api/v1/programs/midnight", json=dark)
        kept = await get(client, "programs/midnight")
        await put(client, "programs/dark", dark | {"id": "dark"})
        other = await client.put("/api/v1/calendars/midnight", json=calendar("midnight", "dark"))
    assert refused.status_code == 409
    assert "40 of 40 lamps" in refused.json()["detail"]
    assert "?confirm=true" in refused.json()["detail"]
    assert {each["field"]: each["value"] for each in refused.json()["errors"]} == {
        "lampsDark": 40,
        "confirm": False,
    }
    assert confirmed.status_code == 200
    assert (typo.status_code, other.status_code) == (409, 409)
    assert kept["fixedTimeControls"][0]["startTime"] == "00:00:00"
    assert (seen["lamps"], seen["lampsReassigned"], seen["lampsAffected"]) == (40, 40, 40)
    assert seen["needsConfirmation"] is True
    assert seen["darkening"] == {"lamps": 40, "at": "2026-08-10T17:00:00Z"}
    assert 0 < seen["expectedEnergyAfter"] < seen["expectedEnergyBefore"]
    (move,) = seen["moves"]
    assert (move["calendarBefore"], move["calendarAfter"], move["lamps"]) == ("every-night", "midnight", 40)
    assert [each["level"] for each in move["levelsAfter"]] == [0, 100, 0]


async def test_a_viewer_may_look_and_not_change(api: Api) -> None:
    async with api.client("viewer") as client:
        assert (await get(client, "assignments")) == {"items": []}
        preview = await client.post("/api/v1/assignments/preview", json=assigned())
        refused = [
            await client.put("/api/v1/programs/a", json=program("a")),
            await client.put("/api/v1/calendars/a", json=calendar("a")),
            await client.put("/api/v1/groups/a", json={"lampIds": []}),
            await client.put("/api/v1/assignments", json=assigned()),
            await client.delete("/api/v1/programs/a"),
        ]
    assert preview.status_code == 200
    assert {answer.status_code for answer in refused} == {403}


async def test_planners_who_write_at_the_same_time_lose_nothing(api: Api) -> None:
    """Each change is made to the plan as it is when it is written."""
    services = api.services

    def add(number: int) -> None:
        in_force = PlanInForce(PlanStore(services.engine), services.inventory_store.load)
        planning = PlanService(PlanStore(services.engine), in_force, api.clock, Guard())
        for each in range(5):
            while True:
                try:
                    planning.put_program(LightingProgram(f"p{number}-{each}", ""), "ana", confirmed=False)
                except ProblemError as error:
                    assert error.status == 409  # noqa: PT017 - others were faster, several times
                else:
                    break

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    assert len(services.planning.desired().programs) == 20


def test_a_plan_read_before_a_change_is_not_written_over_it(api: Api) -> None:
    store = PlanStore(api.services.engine)
    before, revision = store.load(), store.revision()
    one = replace(before, assignments=(Assignment(Scope.ALL, None, "every-night"),))
    store.save(before, one, revision)
    with pytest.raises(PlanChangedError):
        store.save(before, replace(before, programs={"a": LightingProgram("a", "")}), revision)
    assert store.load() == one
    assert store.revision() == revision + 1
