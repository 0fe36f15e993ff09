"""Plans: each night by its own program, one document for one plan, and refusals that name what is wrong."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.lighting.calendar import Calendar, CalendarRule, MonthDay
from protocols.lighting.plan import (
    DEFAULT_PLAN,
    LONGEST_DOCUMENT,
    LightingPlan,
    PlanError,
    decode_plan,
    encode_plan,
    levels_of_nights,
    plan_hash,
)
from protocols.lighting.program import ASTRO_DEFAULT, LightingProgram, Place, SwitchPoint, local_instant
from tests.conftest import shared_data
from tests.support.levels import plan_nights, plan_of_program

ZONE = ZoneInfo("Asia/Jakarta")
SOREANG = Place(-7.03, 107.52, ZONE)
FULL = LightingProgram("full", "Full light")
THRIFTY = LightingProgram("thrifty", "Thrifty", 0, 0, 70, (SwitchPoint(time(22), 20),))
MARKET = Calendar(
    "market",
    "Market street",
    (
        CalendarRule("full", MonthDay(12, 31), MonthDay(1, 1)),
        CalendarRule("full", date(2026, 8, 16), date(2026, 8, 17)),
        CalendarRule("full", weekdays=frozenset({6, 7})),
    ),
    "thrifty",
)
PLAN = LightingPlan((FULL, THRIFTY), (MARKET, Calendar("quiet", "", (), "thrifty")), {"a": "market"}, "quiet")

IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
LEVELS = st.integers(0, 100)
DATES = st.dates(date(1970, 1, 1), date(2999, 12, 31))
DAYS_OF_YEAR = st.dates(date(2028, 1, 1), date(2028, 12, 31)).map(lambda day: MonthDay(day.month, day.day))
BOUNDS = st.one_of(
    st.tuples(DATES, DATES).map(lambda ends: (min(ends), max(ends))),
    st.tuples(DAYS_OF_YEAR, DAYS_OF_YEAR),
    st.tuples(st.none() | DATES | DAYS_OF_YEAR, st.none()),
    st.tuples(st.none(), DATES | DAYS_OF_YEAR),
)


@st.composite
def plans(draw: st.DrawFn) -> LightingPlan:
    programs = {
        program_id: LightingProgram(program_id, draw(st.text(max_size=5)), initial_level_percent=draw(LEVELS))
        for program_id in draw(st.sets(IDS, min_size=1, max_size=4))
    }
    known = st.sampled_from(sorted(programs))
    weekdays = st.none() | st.frozensets(st.integers(1, 7), min_size=1)

    def rule() -> CalendarRule:
        start, end = draw(BOUNDS)
        return CalendarRule(draw(known), start, end, draw(weekdays))

    calendars = {
        calendar_id: Calendar(
            calendar_id,
            draw(st.text(max_size=5)),
            tuple(rule() for _ in range(draw(st.integers(0, 4)))),
            draw(st.none() | known),
        )
        for calendar_id in draw(st.sets(IDS, min_size=1, max_size=4))
    }
    choices = st.sampled_from(sorted(calendars))
    return LightingPlan(
        tuple(programs[each] for each in sorted(programs)),
        tuple(calendars[each] for each in sorted(calendars)),
        draw(st.dictionaries(IDS, choices, max_size=5)),
        draw(choices),
    )


@given(plans())
@settings(deadline=None)
def test_a_plan_survives_its_document(plan: LightingPlan) -> None:
    document = encode_plan(plan)
    assert decode_plan(document, "test") == plan
    shuffled = LightingPlan(
        plan.programs[::-1],
        plan.calendars[::-1],
        dict(reversed(list(plan.assignments.items()))),
        plan.default_calendar_id,
    )
    assert encode_plan(shuffled) == document


def test_the_document_has_the_fields_of_the_standard() -> None:
    schemas = json.loads(shared_data("talq/talq-data-model-2-7-1.json").read_text(encoding="utf-8"))
    schemas = schemas["components"]["schemas"]
    document = json.loads(encode_plan(PLAN))
    assert document["dayOffset"] == 12
    assert document["lamps"] == [{"id": "a", "calendarID": "market"}]
    market = document["calendars"][0]
    assert set(schemas["Calendar"]["required"]) <= market.keys()
    assert market.keys() - {"name"} <= schemas["Calendar"]["properties"].keys()
    for rule in market["rules"]:
        assert rule.keys() <= schemas["CalendarRule"]["properties"].keys()
    assert market["rules"] == [
        {"program": "full", "startDate": "--12-31", "endDate": "--01-01"},
        {"program": "full", "startDate": "2026-08-16", "endDate": "2026-08-17"},
        {"program": "full", "condition": {"type": "ccDay", "days": [{"start": 6, "end": 7}]}},
    ]


def test_each_night_follows_its_own_nights_program_from_noon_to_noon() -> None:
    friday = date(2026, 8, 14)
    levels = levels_of_nights(PLAN, "market", SOREANG, friday, 5)
    expected = {0: 20, 1: 100, 2: 100, 3: 100, 4: 20}  # Friday, the weekend, Monday the 17th, Tuesday
    for night, level in expected.items():
        for hour in (23, 28):
            day = friday + timedelta(days=night + hour // 24)
            instant = local_instant(day, time(hour % 24), ZONE)
            assert levels.at(instant).level_percent == level, instant


def test_the_default_plan_is_the_default_program_every_night() -> None:
    first = date(2026, 2, 26)
    levels = levels_of_nights(DEFAULT_PLAN, DEFAULT_PLAN.calendar_of("a"), SOREANG, first, 9)
    assert levels == plan_nights(ASTRO_DEFAULT, SOREANG, first, 9)
    assert plan_of_program(ASTRO_DEFAULT) == DEFAULT_PLAN


def test_a_night_that_no_rule_fits_is_not_left_dark() -> None:
    silent = LightingPlan((FULL,), (Calendar("c", "", (CalendarRule("full", MonthDay(1, 1)),)),), {}, "c")
    empty = LightingPlan((FULL,), (Calendar("c", "", ()),), {}, "c")
    night = datetime(2026, 6, 1, 15, tzinfo=UTC)
    assert levels_of_nights(silent, "c", SOREANG, date(2026, 6, 1), 1).at(night).level_percent == 100
    assert levels_of_nights(empty, "c", SOREANG, date(2026, 6, 1), 1) == plan_nights(
        ASTRO_DEFAULT, SOREANG, date(2026, 6, 1), 1
    )
    with pytest.raises(KeyError):
        levels_of_nights(silent, "d", SOREANG, date(2026, 6, 1), 1)


def test_the_hash_names_the_bytes() -> None:
    assert plan_hash(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert plan_hash(encode_plan(PLAN)) != plan_hash(encode_plan(DEFAULT_PLAN))


Change = Callable[[dict[str, Any]], object]


def _rule(**fields: object) -> Change:
    return lambda plan: plan["calendars"][0]["rules"][0].update(fields)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda plan: plan.update(type="Other"), r"plan\.json: Invalid enum value 'Other' - at `\$\.type`"),
        (lambda plan: plan.update(dayOffset=0), r"dayOffset"),
        (lambda plan: plan.update(calenders=[]), r"unknown field `calenders`"),
        (lambda plan: plan.update(programs=[]), r"length >= 1 - at `\$\.programs`"),
        (lambda plan: plan["programs"].append(plan["programs"][0]), r"programs: id 'full' occurs 2 times"),
        (lambda plan: plan["calendars"].append(plan["calendars"][0]), r"calendars: id 'market' occurs 2"),
        (lambda plan: plan["lamps"].append(plan["lamps"][0]), r"lamps: id 'a' occurs 2 times"),
        (
            lambda plan: plan["programs"][1]["fixedTimeControls"].reverse(),
            r"plan\.json: programs\[1\]: fixedTimeControls: .* expected ascending",
        ),
        (
            lambda plan: plan.update(defaultCalendarID="gone"),
            r"defaultCalendarID: 'gone', expected one of market, quiet",
        ),
        (
            lambda plan: plan["lamps"][0].update(calendarID="gone"),
            r"lamp 'a': calendarID: 'gone', expected one of market, quiet",
        ),
        (_rule(program="gone"), r"calendar 'market': program: 'gone', expected one of full, thrifty"),
        (lambda plan: plan["calendars"][1].update(defaultProgram="x"), r"calendar 'quiet': program: 'x'"),
        (_rule(startDate="--02-30"), r"calendars\[0\]: rules\[0\]\.startDate: --02-30, expected a date"),
        (_rule(startDate="2026-13-01"), r"startDate: 2026-13-01, expected a date yyyy-mm-dd or --mm-dd"),
        (_rule(endDate="tomorrow"), r"endDate: tomorrow, expected a date yyyy-mm-dd or --mm-dd"),
        (
            _rule(startDate="2026-01-01"),
            r"rules\[0\]: startDate 2026-01-01, endDate --01-01, expected a",
        ),
        (
            _rule(startDate="2026-01-02", endDate="2026-01-01"),
            r"rules\[0\]\.endDate: 2026-01-01, expected 2026-01-02 or later",
        ),
        (_rule(condition={"type": "ccDate", "days": []}), r"ccDate.*condition\.type"),
        (_rule(condition={"type": "ccDay", "days": [{"start": 8}]}), r"<= 7.*condition\.days\[0\]\.start"),
        (
            _rule(condition={"type": "ccDay", "days": [{"start": 6, "end": 2}]}),
            r"condition\.days\[0\]\.end: 2, expected more than 6",
        ),
        (_rule(condition={"type": "ccDay", "days": []}), r"length >= 1"),
        (
            _rule(condition={"type": "ccDay", "days": [{"start": 1}], "occurrences": ["2"]}),
            r"length <= 0.*occurrences",
        ),
        (lambda plan: plan["calendars"][0].update(name="x" * LONGEST_DOCUMENT), r"bytes, expected at most"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_by_field(change: Change, why: str) -> None:
    document = json.loads(encode_plan(PLAN))
    change(document)
    with pytest.raises(PlanError, match=why) as refused:
        decode_plan(json.dumps(document).encode(), "plan.json")
    assert str(refused.value).startswith("plan.json: ")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | st.just(b"[" * 100_000))
def test_garbage_is_a_plan_error_and_nothing_else(document: bytes) -> None:
    with pytest.raises(PlanError, match=r"^here: "):
        decode_plan(document, "here")
