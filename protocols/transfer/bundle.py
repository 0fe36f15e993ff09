"""A file that carries records to the cloud by hand, or its answer back: signed, and taken whole or not.

    lentera parcel 1 ⏎ header as JSON ⏎ body … HMAC-SHA256 of all before it, as 64 hexadecimal digits

The body is a zlib stream of frames, each of them MessagePack behind its length in four bytes, big-endian. The
key is shared by one gateway and the cloud.
"""

import hmac
import re
import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec

RECORDS_PER_FRAME: Final = 1000

_MAGIC = b"lentera parcel 1\n"
_LONGEST_HEADER = 65_536
_MAC_DIGITS = 64
_LENGTH_BYTES = 4
_LONGEST_FRAME = 16_777_216
_PORTION = 65_536
_LEAST_KEY_BYTES = 32


class BundleError(ValueError):
    """A parcel or a key that cannot be used; names the source and what was expected."""


class BundleKind(StrEnum):
    """Which way a parcel goes."""

    RECORDS = "records"
    ANSWER = "answer"


class FollowedPlan(msgspec.Struct, rename="camel", frozen=True):
    """The hash of the plan a gateway follows, empty for the built-in one, and why it refused a newer one."""

    hash: str
    problem: str = ""


class Header(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """Whose outbox a parcel is about; one from a gateway may say which plan is followed there."""

    kind: BundleKind
    area: str
    gateway: str
    epoch: int
    plan: FollowedPlan | None = None


class PackedRecord(msgspec.Struct, array_like=True, frozen=True):
    """A record with its place in the outbox."""

    position: int
    kind: str
    body: bytes


class Answer(msgspec.Struct, rename="camel", frozen=True):
    """What the cloud has stored, ends included, and the lighting plan to follow as its document.

    `issued_ms` tells which of two plans is newer; 0 is a cloud that does not say.
    """

    ranges: list[tuple[int, int]]
    plan: bytes
    issued_ms: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0


def parse_key(text: str, source: str) -> bytes:
    """A key of at least 256 bits from its hexadecimal digits; raises ParcelError, which never shows it."""
    digits = text.strip()
    if not re.fullmatch(r"([0-9a-fA-F]{2})+", digits) or len(digits) < 2 * _LEAST_KEY_BYTES:
        raise BundleError(f"{source}: expected at least {2 * _LEAST_KEY_BYTES} hexadecimal digits")
    return bytes.fromhex(digits)


def sign_bundle(header: Header, frames: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """The bytes of a parcel, portion by portion."""
    signature = hmac.new(key, digestmod=sha256)
    for portion in _unsigned(header, frames):
        signature.update(portion)
        yield portion
    yield signature.hexdigest().encode()


def _unsigned(header: Header, frames: Iterable[bytes]) -> Iterator[bytes]:
    yield _MAGIC + msgspec.json.encode(header) + b"\n"
    stream = zlib.compressobj()
    for frame in frames:
        yield stream.compress(len(frame).to_bytes(_LENGTH_BYTES, "big") + frame)
    yield stream.flush()


def read_header(content: bytes, source: str) -> Header:
    """What a parcel says of itself: whose key to try, and no more to be believed before it is unsealed."""
    if not content.startswith(_MAGIC):
        raise BundleError(f"{source}: expected a Lentera parcel of version 1")
    end = content.find(b"\n", len(_MAGIC), len(_MAGIC) + _LONGEST_HEADER)
    try:
        return msgspec.json.decode(content[len(_MAGIC) : max(end, len(_MAGIC))], type=Header)
    except (ValueError, RecursionError) as error:  # of JSON, of UTF-8, or of brackets in brackets
        raise BundleError(f"{source}: header: {error}") from error


def verify_bundle(content: bytes, key: bytes, source: str) -> Iterator[bytes]:
    """The frames of a parcel whose signature is right; raises ParcelError before the first one otherwise."""
    signed, mac = content[:-_MAC_DIGITS], content[-_MAC_DIGITS:]
    if not hmac.compare_digest(hmac.new(key, signed, sha256).hexdigest().encode(), mac):
        raise BundleError(f"{source}: signature does not fit: cut, changed, or signed with another key")
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
    """A frame of records."""
    return msgspec.msgpack.encode(records)


def unpack_records(frame: bytes, source: str) -> list[PackedRecord]:
    """The records of a frame; raises ParcelError."""
    try:
        return msgspec.msgpack.decode(frame, type=list[PackedRecord])
    except msgspec.DecodeError as error:
        raise BundleError(f"{source}: {error}") from error


def pack_answer(answer: Answer) -> bytes:
    """The only frame of an answer."""
    return msgspec.msgpack.encode(answer)


def unpack_answer(frames: Iterable[bytes], source: str) -> Answer:
    """The answer in a parcel; raises ParcelError."""
    try:
        (frame,) = frames
        return msgspec.msgpack.decode(frame, type=Answer)
    except ValueError as error:  # another number of frames, or one that is no answer
        raise BundleError(f"{source}: expected one answer, {error}") from error
