"""Which calendar a lamp follows, and what its gateway is sent of the plan."""

from cloud.plans.model import Assignment, DesiredPlan, LampGroup, Scope
from cloud.plans.resolved import WantedDocument
from protocols.lighting.calendar import Calendar
from protocols.lighting.plan import DEFAULT_PLAN, decode_plan, encode_plan, plan_hash
from tests.support.resolved_plans import CALENDARS, PROGRAMS, SOREANG, every_night, inventory, town

GROUPS = {
    "market": LampGroup("market", "Market", ("L00", "L01")),
    "square": LampGroup("square", "Square", ("L01", "L03")),
}
ALL = Assignment(Scope.ALL, None, "full")
AREA = Assignment(Scope.AREA, SOREANG, "midnight")
MARKET = Assignment(Scope.GROUP, "market", "never")
SQUARE = Assignment(Scope.GROUP, "square", "full")
LAMP = Assignment(Scope.LAMP, "L00", "full")


def followed(*assignments: Assignment) -> dict[str, str]:
    here = town(DesiredPlan(PROGRAMS, CALENDARS, GROUPS, assignments), inventory(lamps=4))
    return {lamp.id: here.calendar_of(lamp) for lamp in here.lamps.values()}


def test_without_assignments_all_follow_the_built_in_plan() -> None:
    assert set(followed().values()) == {"every-night"}


def test_the_most_specific_assignment_wins_wherever_it_stands() -> None:
    expected = {"L00": "full", "L01": "never", "L02": "midnight", "L03": "full"}
    assert followed(LAMP, MARKET, AREA, ALL) == expected
    assert followed(ALL, AREA, MARKET, LAMP) == expected


def test_of_several_groups_the_first_assigned_counts() -> None:
    assert followed(MARKET, SQUARE)["L01"] == "never"
    assert followed(SQUARE, MARKET)["L01"] == "full"


def test_a_gateway_is_sent_what_it_needs_and_no_more() -> None:
    here = town(DesiredPlan(PROGRAMS, CALENDARS, GROUPS, (AREA, MARKET)), inventory(lamps=6))
    soreang = decode_plan(here.gateway_plan("g1").document, "g1")
    assert soreang.default_calendar_id == "midnight"
    assert soreang.assignments == {"L00": "never"}
    assert [calendar.id for calendar in soreang.calendars] == ["midnight", "never"]
    assert [program.id for program in soreang.programs] == ["midnight", "never"]
    other = decode_plan(here.gateway_plan("g2").document, "g2")
    assert (other.default_calendar_id, other.assignments) == ("every-night", {"L01": "never"})


def test_what_is_left_alone_keeps_its_document() -> None:
    """A plan for one area is no news for the other's gateway."""
    before, after = town(), town(DesiredPlan(PROGRAMS, CALENDARS, {}, (AREA,)))
    assert before.gateway_plan("g2") == after.gateway_plan("g2")
    assert before.gateway_plan("g1") != after.gateway_plan("g1")


def test_a_calendar_without_rules_is_a_plan_too() -> None:
    empty = {"empty": Calendar("empty", "", ())}
    here = town(DesiredPlan({}, empty, {}, (Assignment(Scope.ALL, None, "empty"),)))
    plan = decode_plan(here.gateway_plan("g1").document, "g1")
    assert plan.calendars == (empty["empty"],)


def test_the_built_in_plan_is_in_force_where_none_was_ever_sent() -> None:
    """A new gateway says an empty hash; one that was sent the built-in plan says its hash."""
    wanted = town().gateway_plan("g1")
    assert wanted == WantedDocument(encode_plan(DEFAULT_PLAN), plan_hash(encode_plan(DEFAULT_PLAN)))
    assert wanted.is_in_force("")
    assert wanted.is_in_force(wanted.hash)
    assert not wanted.is_in_force(None)
    assert not wanted.is_in_force("0" * 64)
    calendars = {"mine": every_night(PROGRAMS["full"], "mine")}
    other = town(DesiredPlan(PROGRAMS, calendars, {}, (Assignment(Scope.ALL, None, "mine"),)))
    assert not other.gateway_plan("g1").is_in_force("")
    assert other.gateway_plan("g1").is_in_force(other.gateway_plan("g1").hash)


def test_what_is_not_in_the_inventory_gets_the_built_in_plan() -> None:
    assert town().document_for("elsewhere") == encode_plan(DEFAULT_PLAN)
