"""Plans the read requests of a profile, decodes the responses, and encodes writes."""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from protocols.modbus.profile import Poll, Profile, Register, Table, ValueType, WordOrder

MAX_BITS_PER_READ = 2000
"""Coils or discrete inputs in one request, by sections 6.1 and 6.2 of the Modbus application protocol."""

Value = float | int | bool | None


class CodecError(ValueError):
    """A response or a value that does not fit the profile; a retry gives the same."""


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """One read request: `count` neighbouring registers or bits of `table` from `address`."""

    table: Table
    address: int
    count: int

    @property
    def end(self) -> int:
        """The first address after the block."""
        return self.address + self.count


@dataclass(frozen=True, slots=True)
class Write:
    """One write request; for coils the words are 0 or 1."""

    table: Table
    address: int
    words: tuple[int, ...]


def plan_reads(profile: Profile, poll: Poll) -> list[ReadBlock]:
    """Return the fewest requests that read every register of a poll class.

    Neighbours are joined, and small gaps read along: a second request costs more time on the wire.
    """
    wanted = [register for register in profile.registers if register.readable and register.poll is poll]
    blocks: list[ReadBlock] = []
    for register in sorted(wanted, key=lambda each: (each.table.value, each.address, each.end)):
        last = blocks[-1] if blocks else None
        is_word = register.table in (Table.INPUT, Table.HOLDING)
        limit = profile.max_registers if is_word else MAX_BITS_PER_READ
        if (
            last is not None
            and register.table is last.table
            and register.address - last.end <= profile.max_gap
            and register.end - last.address <= limit
        ):
            blocks[-1] = ReadBlock(last.table, last.address, max(last.end, register.end) - last.address)
        else:
            blocks.append(ReadBlock(register.table, register.address, register.type.words))
    return blocks


class BlockDecoder:
    """Decodes the responses to one block of one profile; what does not depend on them is computed once."""

    def __init__(self, profile: Profile, block: ReadBlock) -> None:
        self._profile_id = profile.id
        self._block = block
        self._fields = tuple(
            _Field(register, register.address - block.address)
            for register in profile.registers
            if register.table is block.table
            and block.address <= register.address
            and register.end <= block.end
        )

    def decode(self, words: Sequence[int]) -> dict[str, Value]:
        """Return the values that are wholly in the block, by register name; None for an error value.

        `words` are the registers of the response, or its bits as 0 and 1.

        Raises:
            CodecError: the number of words is not that of the block.
        """
        if len(words) != self._block.count:
            raise CodecError(
                f"{self._profile_id}: response to {self._block} has {len(words)} words, "
                f"expected {self._block.count}"
            )
        return {field.name: field.decode(words) for field in self._fields}


def decode_block(profile: Profile, block: ReadBlock, words: Sequence[int]) -> dict[str, Value]:
    """Decode a response as `BlockDecoder.decode` does, for a block that is decoded only once."""
    return BlockDecoder(profile, block).decode(words)


class _Field:
    """One register, with all that does not depend on the response computed in advance."""

    __slots__ = (
        "_at",
        "_bit",
        "_denominator",
        "_errors",
        "_inverted",
        "_is_bool",
        "_is_float",
        "_low_at",
        "_numerator",
        "_offset",
        "_sign",
        "name",
    )

    def __init__(self, register: Register, at: int) -> None:
        two = register.type.words == 2
        low_first = register.word_order is WordOrder.LOW_FIRST
        self.name = register.name
        self._at = at + 1 if two and low_first else at
        self._low_at = (at if low_first else at + 1) if two else None
        self._errors = register.error_values
        self._is_bool = register.type is ValueType.BOOL
        self._bit = register.bit or 0
        self._inverted = register.inverted
        self._is_float = register.type is ValueType.F32
        signed = register.type in (ValueType.S16, ValueType.S32)
        self._sign = 1 << (16 * register.type.words - 1) if signed else 0
        self._numerator = register.scale.numerator
        self._denominator = register.scale.denominator
        self._offset = register.offset

    def decode(self, words: Sequence[int]) -> Value:
        raw = words[self._at]
        if self._low_at is not None:
            raw = raw << 16 | words[self._low_at]
        if raw in self._errors:
            return None
        if self._is_bool:
            return bool(raw >> self._bit & 1) is not self._inverted
        return self._scaled(raw)

    def _scaled(self, raw: int) -> Value:
        number: int | float = raw
        if self._sign:
            number = (raw ^ self._sign) - self._sign
        elif self._is_float:
            (number,) = struct.unpack(">f", raw.to_bytes(4, "big"))
            if not math.isfinite(number):
                return None
        number *= self._numerator
        if self._denominator != 1:
            number /= self._denominator
        return number + self._offset if self._offset else number


def encode_write(profile: Profile, point: str, value: float) -> Write:
    """Return the request that writes `value`, in the unit of the register, to control point `point`.

    Raises:
        CodecError: there is no such point, or the value is out of range; names point, value and expectation.
    """
    register = writable(profile, point)
    low = -math.inf if register.minimum is None else register.minimum
    high = math.inf if register.maximum is None else register.maximum
    if not (math.isfinite(value) and low <= value <= high):
        unit = f" {register.unit}" if register.unit else ""
        raise CodecError(f"{profile.id}: {register.name} is {value!r}, expected {low:g} to {high:g}{unit}")
    return Write(register.table, register.address, tuple(_encode(profile, register, value)))


def writable(profile: Profile, point: str) -> Register:
    """Return the register of control point `point`.

    Raises:
        CodecError: the profile has no such point; the message lists the points.
    """
    points = {register.name: register for register in profile.registers if register.writable}
    if point not in points:
        raise CodecError(
            f"{profile.id}: control point {point!r} is unknown, expected one of {', '.join(points)}"
        )
    return points[point]


def _encode(profile: Profile, register: Register, value: float) -> Iterable[int]:
    if register.type is ValueType.BOOL:
        if register.bit is not None:
            raise CodecError(
                f"{profile.id}: {register.name} is one bit of a register, expected a whole register"
            )
        return [int(bool(value) is not register.inverted)]
    number = (value - register.offset) * register.scale.denominator / register.scale.numerator
    is_float = register.type is ValueType.F32
    raw = int.from_bytes(struct.pack(">f", number), "big") if is_float else round(number)
    bits = 16 * register.type.words
    signed = register.type in (ValueType.S16, ValueType.S32)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= raw <= high or raw in register.error_values:
        raise CodecError(
            f"{profile.id}: {register.name} {value!r} does not fit {register.type.value} as {raw}"
        )
    words = [raw >> shift & 0xFFFF for shift in range(bits - 16, -1, -16)]
    return reversed(words) if register.word_order is WordOrder.LOW_FIRST else words
