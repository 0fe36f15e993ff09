"""The signed file of an offline transfer: records to the cloud, or its answer; accepted as a whole or not.

    lentera bundle 1 ⏎ header as JSON ⏎ body … HMAC-SHA256 of all before it, as 64 hexadecimal digits

The body is a zlib stream of frames, each of them MessagePack after its length in four bytes, big-endian. One
gateway and the cloud share the key.
"""

import hmac
import re
import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from protocols.decoding import UndecodableError, decode_json, decode_msgpack

RECORDS_PER_FRAME: Final = 1000

_MAGIC = b"lentera bundle 1\n"
_LONGEST_HEADER = 65_536
_MAC_DIGITS = 64
_LENGTH_BYTES = 4
_LONGEST_FRAME = 16_777_216
_PORTION = 65_536
_LEAST_KEY_BYTES = 32


class BundleError(ValueError):
    """A bundle or a key that cannot be used; the message names the source and what was expected."""


class BundleKind(StrEnum):
    """The direction of a bundle."""

    RECORDS = "records"
    ANSWER = "answer"


class FollowedPlan(msgspec.Struct, rename="camel", frozen=True):
    """The hash of the plan a gateway follows, empty for the built-in one, and why it refused a newer one."""

    hash: str
    problem: str = ""


class Header(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """The outbox a bundle belongs to; one from a gateway may name the plan followed there."""

    kind: BundleKind
    area: str
    gateway: str
    epoch: int
    plan: FollowedPlan | None = None


class PackedRecord(msgspec.Struct, array_like=True, frozen=True):
    """A record with its outbox position."""

    position: int
    kind: str
    body: bytes


class Answer(msgspec.Struct, rename="camel", frozen=True):
    """The positions the cloud has stored, ends included, and the document of the lighting plan to follow.

    `issued_ms` (Unix milliseconds) decides which of two plans is newer; 0 if unknown.
    """

    ranges: list[tuple[int, int]]
    plan: bytes
    issued_ms: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0


def parse_key(text: str, source: str) -> bytes:
    """Return a key of at least 256 bits from its hexadecimal digits.

    Raises:
        BundleError: it has other characters or is shorter; the message does not contain the key.
    """
    digits = text.strip()
    if not re.fullmatch(r"([0-9a-fA-F]{2})+", digits) or len(digits) < 2 * _LEAST_KEY_BYTES:
        raise BundleError(f"{source}: expected at least {2 * _LEAST_KEY_BYTES} hexadecimal digits")
    return bytes.fromhex(digits)


def sign_bundle(header: Header, frames: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """Yield the bytes of a bundle in chunks."""
    signature, stream = hmac.new(key, digestmod=sha256), zlib.compressobj()

    def unsigned() -> Iterator[bytes]:
        yield _MAGIC + msgspec.json.encode(header) + b"\n"
        for frame in frames:
            yield stream.compress(len(frame).to_bytes(_LENGTH_BYTES, "big") + frame)
        yield stream.flush()

    for portion in unsigned():
        signature.update(portion)
        yield portion
    yield signature.hexdigest().encode()


def read_header(content: bytes, source: str) -> Header:
    """Return the unverified header of a bundle, only for the choice of the key.

    Raises:
        BundleError: it is no bundle, or its header cannot be read.
    """
    if not content.startswith(_MAGIC):
        raise BundleError(f"{source}: expected a Lentera bundle of version 1")
    end = content.find(b"\n", len(_MAGIC), len(_MAGIC) + _LONGEST_HEADER)
    try:
        return decode_json(content[len(_MAGIC) : max(end, len(_MAGIC))], Header)
    except UndecodableError as error:
        raise BundleError(f"{source}: header: {error}") from error


def verify_bundle(content: bytes, key: bytes, source: str) -> Iterator[bytes]:
    """Yield the frames of a bundle.

    Raises:
        BundleError: the signature does not match; before the first frame.
    """
    signed, mac = content[:-_MAC_DIGITS], content[-_MAC_DIGITS:]
    if not hmac.compare_digest(hmac.new(key, signed, sha256).hexdigest().encode(), mac):
        raise BundleError(f"{source}: signature does not match: cut, changed, or signed with another key")
    start = signed.find(b"\n", len(_MAGIC)) + 1
    return _frames(memoryview(signed)[start:], source)


def _frames(body: memoryview, source: str) -> Iterator[bytes]:
    stream, plain = zlib.decompressobj(), bytearray()
    for at in range(0, len(body), _PORTION):
        try:
            plain += stream.decompress(body[at : at + _PORTION])
        except zlib.error as error:
            raise BundleError(f"{source}: {error}") from error
        while len(plain) >= _LENGTH_BYTES:
            length = int.from_bytes(plain[:_LENGTH_BYTES], "big")
            if length > _LONGEST_FRAME:
                raise BundleError(f"{source}: frame of {length} bytes, expected at most {_LONGEST_FRAME}")
            if len(plain) < _LENGTH_BYTES + length:
                break
            yield bytes(plain[_LENGTH_BYTES : _LENGTH_BYTES + length])
            del plain[: _LENGTH_BYTES + length]
    if plain or not stream.eof:
        raise BundleError(f"{source}: ends in the middle of a frame")


def pack_records(records: list[PackedRecord]) -> bytes:
    """Return records as a frame."""
    return msgspec.msgpack.encode(records)


def unpack_records(frame: bytes, source: str) -> list[PackedRecord]:
    """Return the records of a frame.

    Raises:
        BundleError: it holds no records.
    """
    try:
        return decode_msgpack(frame, list[PackedRecord], most_bytes=_LONGEST_FRAME)
    except UndecodableError as error:
        raise BundleError(f"{source}: {error}") from error


def pack_answer(answer: Answer) -> bytes:
    """Return an answer as its only frame."""
    return msgspec.msgpack.encode(answer)


def unpack_answer(frames: Iterable[bytes], source: str) -> Answer:
    """Return the answer in a bundle.

    Raises:
        BundleError: it holds none, or more than one frame.
    """
    try:
        (frame,) = frames
        return decode_msgpack(frame, Answer, most_bytes=_LONGEST_FRAME)
    except ValueError as error:  # another number of frames, or one that is no answer
        raise BundleError(f"{source}: expected one answer, {error}") from error
