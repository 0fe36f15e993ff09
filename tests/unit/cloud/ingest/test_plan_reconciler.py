"""When a gateway is sent its plan, and when no more."""

from itertools import pairwise

from cloud.ingest.plan_reconciler import FIRST_RETRY_S, LONGEST_RETRY_S, PlanReconciler
from cloud.plans.resolved import WantedDocument
from protocols.lighting.plan import DEFAULT_PLAN, encode_plan, plan_hash
from protocols.mapping import PlanState

NODE, OTHER = ("32.04.37", "soreang-01"), ("32.04.37", "soreang-02")
FIRST, SECOND = WantedDocument(b"first", plan_hash(b"first")), WantedDocument(b"second", plan_hash(b"second"))
BUILT_IN = WantedDocument(encode_plan(DEFAULT_PLAN), plan_hash(encode_plan(DEFAULT_PLAN)))


def reconciler(wanted: WantedDocument = FIRST, reported: str = "") -> PlanReconciler:
    made = PlanReconciler()
    made.want([(NODE, wanted)])
    made.born(NODE, PlanState(reported))
    return made


def sent_at(made: PlanReconciler, until_s: int) -> list[int]:
    """The seconds at which the document goes out, looked at every second."""
    times = []
    for now_s in range(until_s):
        for node, _ in made.due(now_s):
            made.sent(node, now_s)
            times.append(now_s)
    return times


def test_who_follows_the_wanted_plan_is_left_alone() -> None:
    assert reconciler(FIRST, FIRST.hash).due(0) == []
    assert reconciler(BUILT_IN, "").due(0) == []
    assert reconciler(FIRST, FIRST.hash).waiting() == 0


def test_who_follows_another_is_sent_the_document() -> None:
    made = reconciler()
    assert made.due(0) == [(NODE, b"first")]
    assert made.waiting() == 1
    made.sent(NODE, 0)
    made.reported(NODE, PlanState(FIRST.hash))
    assert (made.due(1e6), made.waiting()) == ([], 0)


def test_it_is_sent_again_at_growing_intervals() -> None:
    times = sent_at(reconciler(), 3000)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[:4] == [FIRST_RETRY_S * factor for factor in (1, 2, 4, 8)]
    assert max(waits) == LONGEST_RETRY_S


def test_a_gateway_that_is_born_again_need_not_wait() -> None:
    made = reconciler()
    sent_at(made, 100)
    assert made.due(100) == []
    made.born(NODE, PlanState(""))
    assert made.due(100) == [(NODE, b"first")]


def test_what_is_refused_is_not_repeated_until_another_is_wanted() -> None:
    made = reconciler()
    made.sent(NODE, 0)
    made.reported(NODE, PlanState("", "too many calendars"))
    assert sent_at(made, 10_000) == []
    assert made.waiting() == 1
    made.want([(NODE, SECOND)])
    assert made.due(10_000) == [(NODE, b"second")]


def test_a_problem_of_old_does_not_stop_a_new_plan() -> None:
    """A gateway that is born with a problem is sent the plan once more: the problem may be solved."""
    made = PlanReconciler()
    made.want([(NODE, FIRST)])
    made.born(NODE, PlanState("", "too many calendars"))
    assert made.due(0) == [(NODE, b"first")]


def test_a_new_plan_goes_out_at_once() -> None:
    made = reconciler()
    sent_at(made, 100)
    made.want([(NODE, SECOND), (OTHER, SECOND)])
    assert made.due(100) == [(NODE, b"second")]


def test_the_same_plan_again_restarts_nothing() -> None:
    made = reconciler()
    sent_at(made, 100)
    made.want([(NODE, WantedDocument(FIRST.document, FIRST.hash))])
    assert made.due(100) == []


def test_an_offline_or_unknown_gateway_or_one_without_plans_gets_none() -> None:
    made = reconciler()
    made.died(NODE)
    made.born(OTHER, PlanState("x"))
    assert made.due(0) == []
    made.born(NODE, None)
    made.reported(NODE, PlanState("x"))
    assert made.due(0) == []
    made.born(NODE, PlanState(""))
    made.forget()
    assert made.due(0) == []


def test_somebody_who_undoes_the_plan_at_the_gateway_is_answered() -> None:
    """Another plan was imported there manually: the cloud's is sent again."""
    made = reconciler(FIRST, FIRST.hash)
    made.reported(NODE, PlanState(SECOND.hash))
    assert made.due(0) == [(NODE, b"first")]
