"""Frames, lanes and timeouts of a line, without a wire."""

import asyncio

import pytest
from fastcrc.crc16 import modbus as crc16
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from edge.line.framing import (
    Frame,
    Request,
    RtuFraming,
    TcpFraming,
    read_request,
    response_words,
    write_request,
)
from edge.line.lanes import Lane, Lanes, Transaction
from edge.line.timing import ResponseTime, serial_timing
from protocols.modbus.codec import ReadBlock, Write
from protocols.modbus.profile import Table

READ_TWO = read_request(5, ReadBlock(Table.INPUT, 0, 2))


def response(unit: int, words: list[int]) -> bytes:
    data = b"".join(word.to_bytes(2, "big") for word in words)
    return RtuFraming().wrap(Request(unit, bytes([4, len(data)]) + data), 0)


def test_requests_are_the_bytes_of_the_specification() -> None:
    rtu = RtuFraming()
    assert rtu.wrap(READ_TWO, 0).hex(" ") == "05 04 00 00 00 02 70 4f"
    assert (
        rtu.wrap(write_request(0, Write(Table.HOLDING, 0, (100,))), 0).hex(" ") == "00 06 00 00 00 64 89 f0"
    )
    assert TcpFraming().wrap(READ_TWO, 7).hex(" ") == "00 07 00 00 00 06 05 04 00 00 00 02"
    many = write_request(1, Write(Table.HOLDING, 1, (10, 258)))
    assert many.pdu.hex(" ") == "10 00 01 00 02 04 00 0a 01 02"
    assert write_request(1, Write(Table.COIL, 3, (1,))).pdu.hex(" ") == "05 00 03 ff 00"


@given(st.binary(min_size=1, max_size=256))
def test_the_crc_is_that_of_modbus(data: bytes) -> None:
    low_first = crc16(data).to_bytes(2, "little")
    assert low_first == FramerRTU.compute_CRC(data).to_bytes(2, "big")
    assert crc16(data + low_first) == 0


def test_only_the_requested_unit_and_length_is_the_response() -> None:
    assert READ_TWO.matches(5, bytes([4, 4, 0, 1, 0, 2]))
    assert not READ_TWO.matches(6, bytes([4, 4, 0, 1, 0, 2]))
    assert not READ_TWO.matches(5, bytes([4, 2, 0, 1]))
    assert not READ_TWO.matches(5, bytes([3, 4, 0, 1, 0, 2]))
    assert READ_TWO.matches(5, bytes([0x84, 2]))
    write = write_request(5, Write(Table.HOLDING, 0, (100,)))
    assert write.matches(5, bytes([6, 0, 0, 0, 100]))
    assert not write.matches(5, bytes([6, 0, 0, 0, 99]))


def test_bits_come_out_in_order() -> None:
    request = read_request(1, ReadBlock(Table.DISCRETE, 0, 10))
    assert list(response_words(request, bytes([2, 2, 0b10000101, 0b10]))) == [1, 0, 1, 0, 0, 0, 0, 1, 0, 1]


@given(
    noise=st.binary(max_size=3),
    words=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=16),
    cut=st.integers(0, 200),
)
def test_a_frame_is_found_behind_noise_and_in_pieces(noise: bytes, words: list[int], cut: int) -> None:
    wire = response(5, words)
    received, found, framing = bytearray(), list[Frame](), RtuFraming()
    for part in (wire[:cut], wire[cut:]):
        received += part
        found += framing.take(received)[0]
    assert [(each.unit, len(each.pdu)) for each in found] == [(5, 2 + 2 * len(words))]
    assert framing.take(bytearray(noise))[0] == []


@given(st.binary(max_size=300))
def test_no_bytes_whatever_break_the_framing(data: bytes) -> None:
    for framing in (RtuFraming(), TcpFraming()):
        received = bytearray(data)
        frames, garbage = framing.take(received)
        assert garbage >= 0
        assert all(frame.pdu for frame in frames)


@given(st.integers(0, 8 * 9 - 1))
def test_one_flipped_bit_is_never_a_response(bit: int) -> None:
    wire = bytearray(response(5, [1, 2]))
    wire[bit // 8] ^= 1 << bit % 8
    frames, _ = RtuFraming().take(wire)
    assert not any(READ_TWO.matches(frame.unit, frame.pdu) for frame in frames)


FRAMINGS = st.sampled_from([RtuFraming(), TcpFraming()])
REQUESTS = st.sampled_from(
    [
        READ_TWO,
        read_request(5, ReadBlock(Table.DISCRETE, 0, 10)),
        write_request(5, Write(Table.HOLDING, 0, (100,))),
        write_request(5, Write(Table.HOLDING, 1, (10, 258))),
        write_request(5, Write(Table.COIL, 3, (1,))),
    ]
)


def right_response(request: Request) -> bytes:
    """Unit, function code and data of a response to it."""
    return request.response_head.ljust(request.response_length + 1, b"\x55")


def on_the_wire(framing: RtuFraming | TcpFraming, body: bytes, tag: int) -> bytes:
    return framing.wrap(Request(body[0], body[1:]), tag)


@given(FRAMINGS, REQUESTS)
def test_a_whole_response_is_known_at_once(framing: RtuFraming | TcpFraming, request: Request) -> None:
    body = right_response(request)
    assert request.matches(body[0], body[1:])
    assert framing.match_response(request, 7, on_the_wire(framing, body, 7)) == body[1:]


@given(REQUESTS, st.binary(max_size=12))
def test_a_response_is_known_behind_whatever_noise(request: Request, noise: bytes) -> None:
    body = right_response(request)
    assert RtuFraming().match_response(request, 7, noise + on_the_wire(RtuFraming(), body, 7)) == body[1:]


@given(FRAMINGS, REQUESTS, st.data())
def test_what_is_known_at_once_is_what_a_closer_look_finds(
    framing: RtuFraming | TcpFraming, request: Request, data: st.DataObject
) -> None:
    wire = bytearray(on_the_wire(framing, right_response(request), 7))
    for _ in range(data.draw(st.integers(0, 2))):
        wire[data.draw(st.integers(0, len(wire) - 1))] ^= data.draw(st.integers(0, 255))
    wire = wire[: data.draw(st.integers(0, len(wire)))] + data.draw(st.binary(max_size=3))
    known = framing.match_response(request, 7, bytes(wire))
    frames, _ = framing.take(bytearray(wire))
    if known is not None:
        assert [(frame.unit, frame.pdu) for frame in frames] == [(request.unit, known)]
        assert request.matches(request.unit, known)
        assert frames[0].tag in (0, 7)


def transaction(lane: Lane, unit: int) -> Transaction:
    return Transaction(lane, Request(unit, b"\x04"), asyncio.get_running_loop().create_future())


async def test_lanes_go_by_rank_and_within_a_lane_by_arrival() -> None:
    lanes = Lanes()
    waiting = [
        transaction(Lane.SLOW, 1),
        transaction(Lane.READING, 2),
        transaction(Lane.READING, 3),
        transaction(Lane.COMMAND, 4),
    ]
    for each in waiting:
        lanes.put(each)
    waiting[1].response.cancel()
    assert units_taken(lanes, at=0.0) == [4, 3, 1]


async def test_a_held_unit_waits_and_is_released() -> None:
    lanes = Lanes()
    lanes.hold(1, until=60.0)
    for each in (
        transaction(Lane.COMMAND, 1),
        transaction(Lane.READING, 1),
        transaction(Lane.READING, 2),
        transaction(Lane.READING, 3),
    ):
        lanes.put(each)
    assert lanes.next_release() == 60.0
    assert units_taken(lanes, at=59.0) == [2, 3]
    lanes.release(1)
    assert lanes.next_release() is None
    assert units_taken(lanes, at=59.0) == [1, 1]


async def test_a_hold_ends_by_itself() -> None:
    lanes = Lanes()
    lanes.hold(1, until=60.0)
    lanes.put(transaction(Lane.READING, 1))
    assert units_taken(lanes, at=60.0) == [1]


async def test_all_that_wait_fail_together() -> None:
    lanes = Lanes()
    waiting = [transaction(Lane.COMMAND, 1), transaction(Lane.SLOW, 2)]
    for each in waiting:
        lanes.put(each)
    lanes.fail_all(OSError("gone"))
    assert [str(each.response.exception()) for each in waiting] == ["gone", "gone"]
    assert lanes.take(0.0) is None


def units_taken(lanes: Lanes, at: float) -> list[int]:
    taken = []
    while (each := lanes.take(at)) is not None:
        taken.append(each.request.unit)
    return taken


@pytest.mark.parametrize(
    ("baud", "silence_ms"), [(9600, 4.01), (19200, 2.005), (38400, 1.75), (115200, 1.75)]
)
def test_the_silence_of_each_speed(baud: int, silence_ms: float) -> None:
    assert serial_timing(baud).silence_s * 1000 == pytest.approx(silence_ms, abs=0.005)


def test_a_units_timeout_follows_its_responses_within_bounds() -> None:
    time = ResponseTime(0.3)
    assert time.timeout_s == 0.3
    assert time.probe_s is None
    for _ in range(30):
        time.update(0.005)
    assert time.timeout_s == 0.2
    assert time.probe_s == 0.015
    for _ in range(30):
        time.update(0.4)
    assert 0.4 < time.timeout_s < 0.6
    time.update(5.0)
    assert time.timeout_s == 1.0
