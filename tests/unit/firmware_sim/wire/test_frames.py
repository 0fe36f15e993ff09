"""Frames against known bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.wire.frames import build_frame, crc16, frame_is_whole, request_length


def test_the_crc_of_the_classic_examples() -> None:
    assert crc16(b"123456789") == 0x4B37
    assert build_frame(1, bytes.fromhex("0300000001")) == bytes.fromhex("010300000001840A")


@given(st.binary(min_size=2, max_size=60), st.data())
def test_any_flipped_bit_is_noticed(body: bytes, data: st.DataObject) -> None:
    whole = build_frame(body[0], body[1:])
    assert frame_is_whole(whole)
    at = data.draw(st.integers(0, 8 * len(whole) - 1))
    broken = bytes(byte ^ (1 << at % 8 if at // 8 == index else 0) for index, byte in enumerate(whole))
    assert not frame_is_whole(broken)


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (b"", 0),
        (b"\x01", 0),
        (b"\x01\x04", 8),
        (b"\x01\x10\x00\x00\x00\x02", 0),
        (b"\x01\x10\x00\x00\x00\x02\x04", 13),
        (b"\x01\x2b\x0e\x01\x00\xaa\xbb", 7),
    ],
)
def test_how_long_a_request_is(data: bytes, length: int) -> None:
    assert request_length(data) == length
