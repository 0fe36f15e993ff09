"""Turns a profile into requests, answers into values, and values into writes."""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from protocols.modbus.profile import Poll, Profile, Register, Table, ValueType, WordOrder

MAX_BITS_PER_READ = 2000

Value = float | int | bool | None


class CodecError(ValueError):
    """An answer or a value that does not fit the profile; trying again does not help."""


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """One read request: `count` neighbouring registers or bits of `table` from `address`."""

    table: Table
    address: int
    count: int

    @property
    def end(self) -> int:
        """The first address behind the block."""
        return self.address + self.count


@dataclass(frozen=True, slots=True)
class Write:
    """One write request; for coils the words are 0 or 1."""

    table: Table
    address: int
    words: tuple[int, ...]


def plan_reads(profile: Profile, poll: Poll) -> list[ReadBlock]:
    """The fewest requests that read every register of a poll class, neighbours and small gaps joined."""
    wanted = [register for register in profile.registers if register.readable and register.poll is poll]
    blocks: list[ReadBlock] = []
    for register in sorted(wanted, key=lambda each: (each.table.value, each.address, each.end)):
        last = blocks[-1] if blocks else None
        if last is not None and _joins(profile, last, register):
            blocks[-1] = ReadBlock(last.table, last.address, max(last.end, register.end) - last.address)
        else:
            blocks.append(ReadBlock(register.table, register.address, register.type.words))
    return blocks


def _joins(profile: Profile, block: ReadBlock, register: Register) -> bool:
    limit = profile.max_registers if register.table in (Table.INPUT, Table.HOLDING) else MAX_BITS_PER_READ
    return (
        register.table is block.table
        and register.address - block.end <= profile.max_gap
        and register.end - block.address <= limit
    )


def decode_block(profile: Profile, block: ReadBlock, words: Sequence[int]) -> dict[str, Value]:
    """The values that lie wholly in `block`, by register name; None where the device says it does not know.

    `words` are the answer's registers, or its bits as 0 and 1. Raises CodecError if their number is wrong.
    """
    if len(words) != block.count:
        raise CodecError(
            f"{profile.id}: {block} was answered with {len(words)} words, expected {block.count}"
        )
    first, end = block.address, block.end
    return {
        register.name: _decode(register, words, register.address - first)
        for register in profile.registers
        if register.table is block.table and first <= register.address and register.end <= end
    }


def _decode(register: Register, words: Sequence[int], at: int) -> Value:
    if register.type is ValueType.BOOL:
        word = int(words[at])
        bit = bool(word >> (register.bit or 0) & 1)
        return None if word in register.error_values else bit is not register.inverted
    raw = int(words[at])
    if register.end - register.address == 2:
        low = int(words[at + 1])
        raw = low << 16 | raw if register.word_order is WordOrder.LOW_FIRST else raw << 16 | low
    return None if raw in register.error_values else _scaled(register, raw)


def _scaled(register: Register, raw: int) -> Value:
    number: int | float = raw
    if register.type is ValueType.F32:
        (number,) = struct.unpack(">f", struct.pack(">I", raw))
        if not math.isfinite(number):
            return None
    elif register.type in (ValueType.S16, ValueType.S32):
        sign = 1 << (16 * register.type.words - 1)
        number = (raw ^ sign) - sign
    scale, offset = register.scale, register.offset
    if scale.denominator == 1:
        return number * scale.numerator + offset if offset else number * scale.numerator
    return number * scale.numerator / scale.denominator + offset


def encode_write(profile: Profile, point: str, value: float) -> Write:
    """The request that sets control point `point`; raises CodecError naming point, value and expectation."""
    register = writable(profile, point)
    _check_range(profile, register, value)
    return Write(register.table, register.address, tuple(_encode(profile, register, value)))


def writable(profile: Profile, point: str) -> Register:
    """The register behind control point `point`; raises CodecError where there is none."""
    points = {register.name: register for register in profile.registers if register.writable}
    if point not in points:
        raise CodecError(
            f"{profile.id}: control point {point!r} is unknown, expected one of {', '.join(points)}"
        )
    return points[point]


def _check_range(profile: Profile, register: Register, value: float) -> None:
    low = -math.inf if register.minimum is None else register.minimum
    high = math.inf if register.maximum is None else register.maximum
    if not (math.isfinite(value) and low <= value <= high):
        unit = f" {register.unit}" if register.unit else ""
        raise CodecError(f"{profile.id}: {register.name} is {value!r}, expected {low:g} to {high:g}{unit}")


def _encode(profile: Profile, register: Register, value: float) -> Iterable[int]:
    if register.type is ValueType.BOOL:
        if register.bit is not None:
            raise CodecError(
                f"{profile.id}: {register.name} is one bit of a register, expected a whole register"
            )
        return [int(bool(value) is not register.inverted)]
    raw = _raw(register, value)
    bits = 16 * register.type.words
    signed = register.type in (ValueType.S16, ValueType.S32)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= raw <= high or raw in register.error_values:
        raise CodecError(
            f"{profile.id}: {register.name} {value!r} does not fit {register.type.value} as {raw}"
        )
    words = [raw >> shift & 0xFFFF for shift in range(bits - 16, -1, -16)]
    return reversed(words) if register.word_order is WordOrder.LOW_FIRST else words


def _raw(register: Register, value: float) -> int:
    number = (value - register.offset) * register.scale.denominator / register.scale.numerator
    if register.type is ValueType.F32:
        return int.from_bytes(struct.pack(">f", number), "big")
    return round(number)
