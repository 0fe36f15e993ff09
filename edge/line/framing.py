"""Modbus frames: what to put on the wire and what to make of the bytes that come back."""

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
    """One question to one unit (0 is all units, which do not answer), as function code and data.

    Polls are asked again and again, so what follows from these is worked out once: the function code, the
    bytes of the answer's function code and data, how the answer begins, and the request's own RTU frame.
    """

    unit: int
    pdu: bytes
    count: int = 0
    function: int = field(init=False)
    answer_length: int = field(init=False)
    answer_head: bytes = field(init=False, repr=False)
    rtu_frame: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Work out what follows."""
        function, body = self.pdu[0], bytes((self.unit,)) + self.pdu
        is_read = function in _READ_FUNCTIONS
        length = _answer_length(function, self.count)
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "answer_length", length)
        # A read is answered with the number of bytes that follow, a write with what was written where.
        object.__setattr__(self, "answer_head", bytes((*body[:2], length - 2)) if is_read else body[:6])
        object.__setattr__(self, "rtu_frame", body + crc16(body).to_bytes(2, "little"))

    def is_answered_by(self, unit: int, pdu: bytes) -> bool:
        """Whether `pdu` from `unit` can be the answer to this and to nothing else."""
        if unit != self.unit:
            return False
        if pdu[0] == self.function | _REFUSED:
            return len(pdu) == 2
        if pdu[0] != self.function or len(pdu) != self.answer_length:
            return False
        return self.function in _READ_FUNCTIONS or pdu[:5] == self.pdu[:5]


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame off the wire; `tag` is the Modbus TCP transaction id, 0 on a serial line."""

    unit: int
    pdu: bytes
    tag: int = 0


def _answer_length(function: int, count: int) -> int:
    if function in _BIT_READS:
        return 2 + (count + 7) // 8
    return 2 + 2 * count if function in _READ_FUNCTIONS else 5


def read_request(unit: int, block: ReadBlock) -> Request:
    """The request for a block of registers or bits."""
    message = _READS[block.table](address=block.address, count=block.count)
    return Request(unit, bytes([message.function_code]) + message.encode(), block.count)


def resized_read(request: Request, count: int) -> Request:
    """The same read with another number of registers or bits."""
    return Request(request.unit, request.pdu[:3] + count.to_bytes(2, "big"), count)


def write_request(unit: int, write: Write) -> Request:
    """The request that writes registers or coils."""
    message = _write_message(write)
    return Request(unit, bytes([message.function_code]) + message.encode())


def _write_message(write: Write) -> ModbusPDU:
    if write.table is Table.COIL:
        bits = [bool(word) for word in write.words]
        if len(bits) == 1:
            return WriteSingleCoilRequest(address=write.address, bits=bits)
        return WriteMultipleCoilsRequest(address=write.address, bits=bits)
    if len(write.words) == 1:
        return WriteSingleRegisterRequest(address=write.address, registers=list(write.words))
    return WriteMultipleRegistersRequest(address=write.address, registers=list(write.words))


def refusal(pdu: bytes) -> int | None:
    """The Modbus exception code, when the answer is one."""
    return pdu[1] if pdu[0] & _REFUSED else None


def answered_words(request: Request, pdu: bytes) -> Sequence[int]:
    """The registers, or the bits as 0 and 1, of the answer to a read."""
    data = pdu[2:]
    if request.function in _BIT_READS:
        return [data[index >> 3] >> (index & 7) & 1 for index in range(request.count)]
    return struct.unpack(f">{len(data) // 2}H", data)


class Framing(Protocol):
    """How requests are wrapped for one kind of wire."""

    tags_answers: bool
    """Whether an answer says which request it belongs to."""

    def wrap(self, request: Request, tag: int) -> bytes:
        """The bytes to send."""
        ...

    def answer(self, request: Request, tag: int, received: bytes) -> bytes | None:
        """Function code and data, where these bytes end with the whole answer to the request.

        They nearly always are just that; noise before it may look like the beginning of a longer frame.
        """
        ...

    def take(self, received: bytearray) -> tuple[list[Frame], int]:
        """Remove the whole frames from `received`; also says how many bytes belonged to none."""
        ...


class RtuFraming:
    """Address, function, data, CRC: frames have no mark of their own, so a wrong CRC slides on by a byte."""

    tags_answers = False

    def wrap(self, request: Request, tag: int) -> bytes:  # noqa: ARG002 - RTU has no transaction id
        """The bytes to send."""
        return request.rtu_frame

    def answer(self, request: Request, tag: int, received: bytes) -> bytes | None:  # noqa: ARG002
        """Function code and data, where these bytes end with the whole answer to the request."""
        frame = received[-(request.answer_length + 3) :]
        # A frame that is cut short does not have the CRC of one: that of a frame with its CRC is 0.
        if not frame.startswith(request.answer_head) or crc16(frame):
            return None
        return frame[1:-2]

    def take(self, received: bytearray) -> tuple[list[Frame], int]:
        """Remove the whole frames from `received`; also says how many bytes belonged to none."""
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
    function = received[1]
    if function in _READ_FUNCTIONS:
        return received[2] + 5
    if function in _WRITE_FUNCTIONS:
        return 8
    return 5 if function & _REFUSED and function & 0x7F in (*_READ_FUNCTIONS, *_WRITE_FUNCTIONS) else None


class TcpFraming:
    """Modbus TCP: a header with a transaction id and the length."""

    tags_answers = True

    def wrap(self, request: Request, tag: int) -> bytes:
        """The bytes to send."""
        body = bytes([request.unit]) + request.pdu
        return tag.to_bytes(2, "big") + b"\x00\x00" + len(body).to_bytes(2, "big") + body

    def answer(self, request: Request, tag: int, received: bytes) -> bytes | None:
        """Function code and data, where these bytes are just the whole answer: TCP has no noise."""
        length = request.answer_length
        header = struct.pack(">HHH", tag, 0, length + 1)
        if len(received) != length + 7 or not received.startswith(header + request.answer_head):
            return None
        return received[7:]

    def take(self, received: bytearray) -> tuple[list[Frame], int]:
        """Remove the whole frames from `received`; also says how many bytes belonged to none."""
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
