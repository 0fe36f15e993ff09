"""The Modbus CRC, two bytes a step: it is worked out twice for every transaction of a whole line."""

import struct
from array import array
from itertools import chain


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


def _table_of_words() -> "array[int]":
    of_byte = [_crc_of_byte(value) for value in range(256)]
    # A word's low byte goes first; what it leaves is shifted by the high one.
    columns = [(each & 0xFF, each >> 8) for each in of_byte]
    rows = ([of_byte[low ^ high] ^ rest for low, rest in columns] for high in range(256))
    return array("H", chain.from_iterable(rows))


_OF_BYTE = array("H", map(_crc_of_byte, range(256)))
_OF_WORD = _table_of_words()


def crc16(data: bytes | bytearray) -> int:
    """The CRC of `data`; its low byte goes on the wire first."""
    crc, table = 0xFFFF, _OF_WORD
    size = len(data)
    for word in struct.unpack_from(f"<{size >> 1}H", data):
        crc = table[crc ^ word]
    return crc >> 8 ^ _OF_BYTE[(crc ^ data[-1]) & 0xFF] if size & 1 else crc
