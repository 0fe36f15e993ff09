"""Which late responses match another request, and which request distinguishes them."""

from hypothesis import given
from hypothesis import strategies as st

from edge.line.framing import Request, read_request, write_request
from edge.line.stale_responses import FORGOTTEN_AFTER_S, StaleResponses
from protocols.modbus.codec import ReadBlock, Write
from protocols.modbus.profile import Table

ONE = read_request(5, ReadBlock(Table.INPUT, 100, 1))
SIXTEEN = read_request(5, ReadBlock(Table.INPUT, 0, 16))
BITS = read_request(5, ReadBlock(Table.DISCRETE, 0, 4))


def test_without_a_miss_nothing_is_requested_before() -> None:
    assert StaleResponses().distinguishing_read(ONE, 0.0) is None


def test_a_response_of_the_same_length_is_distinguished_by_another() -> None:
    missed = StaleResponses()
    missed.timed_out(SIXTEEN, 0.0)
    first = missed.distinguishing_read(SIXTEEN, 1.5)
    assert first == read_request(5, ReadBlock(Table.INPUT, 0, 1))
    missed.clear(5)
    assert missed.distinguishing_read(SIXTEEN, 2.0) is None


def test_a_single_register_is_distinguished_by_two() -> None:
    missed = StaleResponses()
    missed.timed_out(ONE, 0.0)
    assert missed.distinguishing_read(ONE, 1.5) == read_request(5, ReadBlock(Table.INPUT, 100, 2))


def test_other_units_other_lengths_and_writes_need_nothing() -> None:
    missed = StaleResponses()
    missed.timed_out(SIXTEEN, 0.0)
    assert missed.distinguishing_read(read_request(6, ReadBlock(Table.INPUT, 0, 16)), 1.5) is None
    assert missed.distinguishing_read(ONE, 1.5) is None
    assert missed.distinguishing_read(write_request(5, Write(Table.HOLDING, 0, (9,))), 1.5) is None


def test_what_came_late_cannot_come_again() -> None:
    missed = StaleResponses()
    missed.timed_out(ONE, 1.0)
    missed.timed_out(SIXTEEN, 2.0)
    assert missed.requested_at_of(5, SIXTEEN.response_length) == 2.0
    assert missed.distinguishing_read(ONE, 3.0) is None
    assert missed.requested_at_of(5, ONE.response_length) is None


def test_a_frame_of_another_length_leaves_the_miss() -> None:
    missed = StaleResponses()
    missed.timed_out(SIXTEEN, 1.0)
    assert missed.requested_at_of(5, 99) == 1.0
    assert missed.distinguishing_read(SIXTEEN, 1.5) is not None


def test_a_unit_that_was_left_alone_long_enough_has_nothing_under_way() -> None:
    missed = StaleResponses()
    missed.timed_out(SIXTEEN, 0.0)
    assert missed.distinguishing_read(SIXTEEN, FORGOTTEN_AFTER_S) is not None
    assert missed.distinguishing_read(SIXTEEN, FORGOTTEN_AFTER_S + 0.1) is None


@given(st.sampled_from([ONE, SIXTEEN, BITS]), st.integers(1, 30))
def test_however_often_it_is_missed_the_newest_response_is_never_mistaken(
    wanted: Request, misses: int
) -> None:
    missed, request = StaleResponses(), wanted
    for number in range(1, misses + 1):
        request = missed.distinguishing_read(wanted, number / 10) or wanted
        missed.timed_out(request, number / 10)
    following = missed.distinguishing_read(wanted, (misses + 1) / 10)
    assert following is not None
    assert following.response_length not in {wanted.response_length, request.response_length}
