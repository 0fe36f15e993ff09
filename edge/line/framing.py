"""Modbus frames: the bytes to send, and frames in the bytes received."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fastcrc.crc16 import modbus as crc16  # compiled: it is computed over every frame
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from protocols.modbus.codec import ReadBlock, Write
from protocols.modbus.profile import Table

_READS: dict[Table, type[ModbusPDU]] = {
    Table.COIL: ReadCoilsRequest,
    Table.DISCRETE: ReadDiscreteInputsRequest,
    Table.HOLDING: ReadHoldingRegistersRequest,
    Table.INPUT: ReadInputRegistersRequest,
}
_BIT_READS = (1, 2)
_READ_FUNCTIONS = (1, 2, 3, 4)
_WRITE_FUNCTIONS = (5, 6, 15, 16)
_REFUSED = 0x80
_SMALLEST_FRAME = 5


@dataclass(frozen=True, slots=True)
class Request:
    """A request to one unit (0 is all units, and none responds), as function code and data.

    Polls repeat the same requests, so what follows from these is computed once: the function code, the number
    of bytes of the response's PDU, the bytes that the response begins with, and the request's own RTU frame.
    """

    unit: int
    pdu: bytes
    count: int = 0
    function: int = field(init=False)
    response_length: int = field(init=False)
    response_head: bytes = field(init=False, repr=False)
    rtu_frame: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compute what follows from unit, PDU and count."""
        function, body = self.pdu[0], bytes((self.unit,)) + self.pdu
        is_read = function in _READ_FUNCTIONS
        length = 2 + 2 * self.count if is_read else 5
        if function in _BIT_READS:
            length = 2 + (self.count + 7) // 8
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "response_length", length)
        # The response to a read begins with its number of bytes, that to a write repeats address and value.
        object.__setattr__(self, "response_head", bytes((*body[:2], length - 2)) if is_read else body[:6])
        object.__setattr__(self, "rtu_frame", body + crc16(body).to_bytes(2, "little"))

    def matches(self, unit: int, pdu: bytes) -> bool:
        """Return whether `pdu` from `unit` matches this request in all that a response repeats of it."""
        if unit != self.unit:
            return False
        if pdu[0] == self.function | _REFUSED:
            return len(pdu) == 2
        if pdu[0] != self.function or len(pdu) != self.response_length:
            return False
        return self.function in _READ_FUNCTIONS or pdu[:5] == self.pdu[:5]


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame off the wire; `tag` is the Modbus TCP transaction id, 0 on a serial line."""

    unit: int
    pdu: bytes
    tag: int = 0


def read_request(unit: int, block: ReadBlock) -> Request:
    """Return the request for a block of registers or bits."""
    message = _READS[block.table](address=block.address, count=block.count)
    return Request(unit, bytes([message.function_code]) + message.encode(), block.count)


def resized_read(request: Request, count: int) -> Request:
    """Return the same read with another number of registers or bits."""
    return Request(request.unit, request.pdu[:3] + count.to_bytes(2, "big"), count)


def write_request(unit: int, write: Write) -> Request:
    """Return the request that writes registers or coils; one word goes by the single-write function."""
    message: ModbusPDU
    if write.table is Table.COIL:
        bits = [bool(word) for word in write.words]
        coils = WriteSingleCoilRequest if len(bits) == 1 else WriteMultipleCoilsRequest
        message = coils(address=write.address, bits=bits)
    else:
        words = list(write.words)
        registers = WriteSingleRegisterRequest if len(words) == 1 else WriteMultipleRegistersRequest
        message = registers(address=write.address, registers=words)
    return Request(unit, bytes([message.function_code]) + message.encode())


def refusal(pdu: bytes) -> int | None:
    """Return the Modbus exception code, where the response is one."""
    return pdu[1] if pdu[0] & _REFUSED else None


def response_words(request: Request, pdu: bytes) -> Sequence[int]:
    """Return the registers, or the bits as 0 and 1, of the response to a read."""
    data = pdu[2:]
    if request.function in _BIT_READS:
        return [data[index >> 3] >> (index & 7) & 1 for index in range(request.count)]
    return struct.unpack(f">{len(data) // 2}H", data)


class Framing(Protocol):
    """How requests are wrapped for one kind of wire."""

    has_transaction_ids: bool
    """Whether a response carries the transaction id of its request."""

    def wrap(self, request: Request, tag: int) -> bytes:
        """Return the bytes to send; `tag` is the transaction id, 0 to 65535."""
        ...

    def match_response(self, request: Request, tag: int, received: bytes) -> bytes | None:
        """Return the PDU (function code and data) where `received` ends with the whole response to `request`.

        This is the fast path: nearly always `received` is just the response. Noise before it may look like
        the beginning of a longer frame, so the end decides. None where the response is not complete.
        """
        ...

    def take(self, received: bytearray) -> tuple[list[Frame], int]:
        """Remove the whole frames from `received`.

        Returns the frames in their order, and the number of removed bytes that belonged to none. What may be
        the beginning of a frame stays in `received`.
        """
        ...


class RtuFraming:
    """Address, function, data, CRC. Frames have no start mark: after a wrong CRC the next byte is tried."""

    has_transaction_ids = False

    def wrap(self, request: Request, tag: int) -> bytes:  # noqa: ARG002 - RTU has no transaction id
        """Return the bytes to send."""
        return request.rtu_frame

    def match_response(self, request: Request, tag: int, received: bytes) -> bytes | None:  # noqa: ARG002
        """Return the PDU where these bytes end with the whole response to the request."""
        frame = received[-(request.response_length + 3) :]
        # The CRC over a frame together with its own CRC is 0; that of a frame that is cut short is not.
        if not frame.startswith(request.response_head) or crc16(frame):
            return None
        return frame[1:-2]

    def take(self, received: bytearray) -> tuple[list[Frame], int]:
        """Remove the whole frames from `received`; return them and how many bytes belonged to none."""
        frames: list[Frame] = []
        garbage = 0
        while len(received) >= _SMALLEST_FRAME:
            size = _rtu_size(received)
            if size is None:
                del received[0]
                garbage += 1
                continue
            if len(received) < size:
                break
            body = bytes(received[: size - 2])
            if crc16(body) == received[size - 2] | received[size - 1] << 8:
                frames.append(Frame(body[0], body[1:]))
                del received[:size]
            else:
                del received[0]
                garbage += 1
        return frames, garbage


def _rtu_size(received: bytearray) -> int | None:
    """Return the size of a frame that begins with these bytes, at least three; None where none can."""
    function = received[1]
    if function in _READ_FUNCTIONS:
        return received[2] + 5
    if function in _WRITE_FUNCTIONS:
        return 8
    # Any other function code cannot begin a frame of ours: it is noise.
    return 5 if function & _REFUSED and function & 0x7F in (*_READ_FUNCTIONS, *_WRITE_FUNCTIONS) else None


class TcpFraming:
    """Modbus TCP: a header with a transaction id and the length."""

    has_transaction_ids = True

    def wrap(self, request: Request, tag: int) -> bytes:
        """Return the bytes to send."""
        body = bytes([request.unit]) + request.pdu
        return tag.to_bytes(2, "big") + b"\x00\x00" + len(body).to_bytes(2, "big") + body

    def match_response(self, request: Request, tag: int, received: bytes) -> bytes | None:
        """Return the PDU where these bytes are exactly the whole response: TCP has no noise."""
        length = request.response_length
        header = struct.pack(">HHH", tag, 0, length + 1)
        if len(received) != length + 7 or not received.startswith(header + request.response_head):
            return None
        return received[7:]

    def take(self, received: bytearray) -> tuple[list[Frame], int]:
        """Remove the whole frames from `received`; return them and how many bytes belonged to none."""
        frames: list[Frame] = []
        while len(received) >= 6:
            size = 6 + int.from_bytes(received[4:6], "big")
            if received[2:4] != b"\x00\x00" or not 9 <= size <= 260:
                garbage = len(received)
                received.clear()
                return frames, garbage
            if len(received) < size:
                break
            frames.append(Frame(received[6], bytes(received[7:size]), int.from_bytes(received[:2], "big")))
            del received[:size]
        return frames, 0
