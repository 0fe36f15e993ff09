"""A bundle comes out as it went in, or not at all."""

import hmac
import random
import zlib
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.transfer.bundle import (
    Answer,
    BundleError,
    BundleKind,
    FollowedPlan,
    Header,
    PackedRecord,
    pack_answer,
    pack_records,
    parse_key,
    read_header,
    sign_bundle,
    unpack_answer,
    unpack_records,
    verify_bundle,
)

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
HEADER = Header(BundleKind.RECORDS, "32.04.37", "soreang-01", 1_780_000_000_000)
RECORDS = [PackedRecord(n, "reading", bytes([n % 256]) * 40) for n in range(1, 400)]


def bundle(*frames: bytes, header: Header = HEADER, key: bytes = KEY) -> bytes:
    return b"".join(sign_bundle(header, frames, key))


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_frames_come_out_as_they_went_in(frames: list[bytes]) -> None:
    content = bundle(*frames)
    assert read_header(content, "p") == HEADER
    assert list(verify_bundle(content, KEY, "p")) == frames


def test_records_and_answers_come_out_as_they_went_in() -> None:
    (frame,) = verify_bundle(bundle(pack_records(RECORDS)), KEY, "p")
    assert unpack_records(frame, "p") == RECORDS
    answer = Answer([(1, 5), (9, 9)], b"{}")
    assert unpack_answer(verify_bundle(bundle(pack_answer(answer)), KEY, "p"), "p") == answer


def opened(content: bytes) -> list[bytes]:
    """Read a bundle as its receiver does, up to its frames."""
    read_header(content, "p")
    return list(verify_bundle(content, KEY, "p"))


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_one_changed_byte_anywhere_is_refused(mask: int) -> None:
    content = bundle(pack_records(RECORDS[:20]))
    for at in range(len(content)):
        changed = content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]
        with pytest.raises(BundleError, match=r"^p: "):
            opened(changed)


def test_a_bundle_cut_anywhere_is_refused() -> None:
    content = bundle(pack_records(RECORDS[:20]))
    for length in range(len(content)):
        with pytest.raises(BundleError, match=r"^p: "):
            opened(content[:length])


@pytest.mark.parametrize("noise", [b"[" * 100_000, b'{"a":' * 50_000, bytes(range(256)) * 300])
def test_a_header_of_anything_is_refused(noise: bytes) -> None:
    with pytest.raises(BundleError, match=r"^p: "):
        opened(b"lentera bundle 1\n" + noise + b"\n" + b"0" * 64)


def test_what_is_signed_and_no_bundle_is_refused() -> None:
    for body in (
        b"",
        b"\n",
        b"\nno stream",
        b"\n" + zlib.compress(b"\0\0\0\1"),
        random.Random(1).randbytes(99),
    ):
        signed = b"lentera bundle 1\n" + body
        content = signed + hmac.new(KEY, signed, sha256).hexdigest().encode()
        with pytest.raises(BundleError, match=r"^p: "):
            list(verify_bundle(content, KEY, "p"))


def test_what_an_older_version_has_written_can_be_read() -> None:
    plain = b'{"kind":"records","area":"32.04.37","gateway":"soreang-01","epoch":1780000000000}'
    assert bundle().startswith(b"lentera bundle 1\n" + plain + b"\n")
    assert read_header(b"lentera bundle 1\n" + plain + b"\n", "p") == HEADER
    frame = msgspec.msgpack.encode({"ranges": [[1, 5]], "plan": b"{}"})
    assert unpack_answer([frame], "p") == Answer([(1, 5)], b"{}", 0)


def test_a_bundle_may_say_which_plan_is_followed() -> None:
    for plan in (FollowedPlan("", ""), FollowedPlan("ab" * 32, "program 'x'\nis unknown")):
        header = msgspec.structs.replace(HEADER, plan=plan)
        assert read_header(bundle(header=header), "p") == header


@given(st.integers(0, 10_000))
def test_a_bundle_that_was_cut_or_has_grown_is_refused(cut: int) -> None:
    content = bundle(pack_records(RECORDS))
    for changed in (content[: cut % len(content)], content + b"0", b"0" * cut):
        with pytest.raises(BundleError):
            verify_bundle(changed, KEY, "p")


def test_another_key_does_not_fit() -> None:
    with pytest.raises(BundleError, match="signature"):
        verify_bundle(bundle(b"x"), OTHER_KEY, "p")


@pytest.mark.parametrize("content", [b"", b"lentera bundle 1\n", b"lentera bundle 1\n{}\n", b"PK\x03\x04"])
def test_what_is_no_bundle_says_so(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^p: "):
        read_header(content, "p")


@pytest.mark.parametrize("text", ["", "abc", "ab" * 31, "zz" * 32])
def test_a_key_has_at_least_256_bits(text: str) -> None:
    with pytest.raises(BundleError, match="key: expected at least 64 hexadecimal digits"):
        parse_key(text, "key")
    assert parse_key("AB" * 32 + "\n", "key") == b"\xab" * 32
