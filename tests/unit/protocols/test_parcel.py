"""A parcel comes out as it went in, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.parcel import (
    Answer,
    Header,
    PackedRecord,
    ParcelError,
    ParcelKind,
    claimed_header,
    pack_answer,
    pack_records,
    parse_key,
    sealed,
    unpack_answer,
    unpack_records,
    unsealed,
)

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
HEADER = Header(ParcelKind.RECORDS, "32.04.37", "soreang-01", 1_780_000_000_000)
RECORDS = [PackedRecord(n, "reading", bytes([n % 256]) * 40) for n in range(1, 400)]


def parcel(*frames: bytes, header: Header = HEADER, key: bytes = KEY) -> bytes:
    return b"".join(sealed(header, frames, key))


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_frames_come_out_as_they_went_in(frames: list[bytes]) -> None:
    content = parcel(*frames)
    assert claimed_header(content, "p") == HEADER
    assert list(unsealed(content, KEY, "p")) == frames


def test_records_and_answers_come_out_as_they_went_in() -> None:
    (frame,) = unsealed(parcel(pack_records(RECORDS)), KEY, "p")
    assert unpack_records(frame, "p") == RECORDS
    answer = Answer([(1, 5), (9, 9)], b"{}")
    assert unpack_answer(unsealed(parcel(pack_answer(answer)), KEY, "p"), "p") == answer


def test_one_changed_byte_anywhere_is_refused() -> None:
    content = parcel(pack_records(RECORDS[:20]))
    for at in range(len(content)):
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        with pytest.raises(ParcelError):
            unsealed(changed, KEY, "p")


@given(st.integers(0, 10_000))
def test_a_parcel_that_was_cut_or_has_grown_is_refused(cut: int) -> None:
    content = parcel(pack_records(RECORDS))
    for changed in (content[: cut % len(content)], content + b"0", b"0" * cut):
        with pytest.raises(ParcelError):
            unsealed(changed, KEY, "p")


def test_another_key_does_not_fit() -> None:
    with pytest.raises(ParcelError, match="signature"):
        unsealed(parcel(b"x"), OTHER_KEY, "p")


@pytest.mark.parametrize("content", [b"", b"lentera parcel 1\n", b"lentera parcel 1\n{}\n", b"PK\x03\x04"])
def test_what_is_no_parcel_says_so(content: bytes) -> None:
    with pytest.raises(ParcelError, match=r"^p: "):
        claimed_header(content, "p")


@pytest.mark.parametrize("text", ["", "abc", "ab" * 31, "zz" * 32])
def test_a_key_has_at_least_256_bits(text: str) -> None:
    with pytest.raises(ParcelError, match="key: expected at least 64 hexadecimal digits"):
        parse_key(text, "key")
    assert parse_key("AB" * 32 + "\n", "key") == b"\xab" * 32
