"""Responses to reads of a register map, laid out as a profile describes the device."""

import struct
from collections.abc import Mapping, Sequence

from firmware_sim.wire.frames import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, exception
from protocols.modbus.profile import Profile, Register, Table, ValueType, WordOrder

_TABLES = {1: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT}
_BIT_TABLES = (Table.COIL, Table.DISCRETE)
_MOST_BITS = 2000
_SPARE = 8  # addresses after the last register of a table that a device reads as 0


class RegisterMap:
    """The register map of one device; the values are passed to each read."""

    def __init__(self, profile: Profile) -> None:
        self._most_registers = profile.max_registers
        self._registers = {
            table: tuple(each for each in profile.registers if each.table is table and each.readable)
            for table in Table
        }

    def read(self, pdu: bytes, values: Mapping[str, float | bool]) -> bytes:
        """Return the response PDU to a read request."""
        function = pdu[0]
        table = _TABLES.get(function)
        if table is None or len(pdu) != 5 or not self._registers[table]:
            return exception(function, ILLEGAL_FUNCTION)
        address, count = pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4]
        if not 1 <= count <= (_MOST_BITS if table in _BIT_TABLES else self._most_registers):
            return exception(function, ILLEGAL_VALUE)
        if address + count > max(each.end for each in self._registers[table]) + _SPARE:
            return exception(function, ILLEGAL_ADDRESS)
        words = self._words(table, address, count, values)
        if table in _BIT_TABLES:
            packed = bytearray((count + 7) // 8)
            for index, bit in enumerate(words):
                packed[index >> 3] |= (bit & 1) << (index & 7)
            data = bytes(packed)
        else:
            data = struct.pack(f">{count}H", *words)
        return bytes((function, len(data))) + data

    def _words(
        self, table: Table, address: int, count: int, values: Mapping[str, float | bool]
    ) -> Sequence[int]:
        words = [0] * count
        for register in self._registers[table]:
            for offset, word in enumerate(_encode(register, values.get(register.name, 0))):
                if address <= register.address + offset < address + count:
                    words[register.address + offset - address] |= word
        return words


def _encode(register: Register, value: float | bool) -> Sequence[int]:
    if register.type is ValueType.BOOL:
        return (int(bool(value) is not register.inverted) << (register.bit or 0),)
    number = (value - register.offset) * register.scale.denominator / register.scale.numerator
    if register.type is ValueType.F32:
        raw = int.from_bytes(struct.pack(">f", number), "big")
    else:
        raw = round(number) & (0xFFFFFFFF if register.type.words == 2 else 0xFFFF)
    if register.type.words == 1:
        return (raw,)
    words = (raw >> 16, raw & 0xFFFF)
    return words[::-1] if register.word_order is WordOrder.LOW_FIRST else words
