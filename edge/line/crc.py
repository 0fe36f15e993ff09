"""The Modbus CRC. It is worked out for every frame of a whole line, so by compiled code."""

from fastcrc.crc16 import modbus


def crc16(data: bytes) -> int:
    """The CRC of `data`; its low byte goes on the wire first."""
    return modbus(data)
