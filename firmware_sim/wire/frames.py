"""Modbus RTU frames. Without a library, because they are built for all transactions of a regency."""

READ_HOLDING, READ_INPUT, WRITE_COIL, WRITE_SINGLE, WRITE_MULTIPLE = 3, 4, 5, 6, 16
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, TARGET_SILENT = 1, 2, 3, 11
BROADCAST = 0


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


_CRC_TABLE = tuple(_crc_of_byte(value) for value in range(256))


def crc16(data: bytes) -> int:
    """Return the Modbus CRC."""
    crc, table = 0xFFFF, _CRC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


def build_frame(unit: int, pdu: bytes) -> bytes:
    """Return an RTU frame with its CRC."""
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


def frame_is_whole(data: bytes) -> bool:
    """Return whether the CRC at the end is right."""
    return len(data) >= 4 and crc16(data[:-2]) == int.from_bytes(data[-2:], "little")


def request_length(data: bytes) -> int:
    """Return the length in bytes of the request that `data` begins with; 0 while it is not known yet."""
    if len(data) < 2:
        return 0
    function = data[1]
    if 1 <= function <= 6:
        return 8
    if function in (15, 16):
        return 9 + data[6] if len(data) > 6 else 0
    return max(len(data), 4)


def exception(function: int, code: int) -> bytes:
    """Return a PDU that refuses a request."""
    return bytes((function | 0x80, code))
