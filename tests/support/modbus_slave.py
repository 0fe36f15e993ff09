"""A small honest RS-485 line on a pty: registers by unit, answers timed as on the wire, faults on demand."""

import os
import select
import struct
import termios
import threading
import time
import tty
from dataclasses import dataclass, field
from pathlib import Path

from pymodbus.framer.rtu import FramerRTU

TURNAROUND_S = 0.005
_NO_SUCH_REGISTER = 2


def crc(body: bytes) -> bytes:
    """The two CRC bytes behind a frame."""
    return FramerRTU.compute_CRC(body).to_bytes(2, "big")


def healthy_inputs(level: int = 0, boots: int = 1) -> list[int]:
    """Input registers 0 to 15 of a reference controller at `level`."""
    return [
        level,
        level,
        4 if level else 0,
        2301,
        390,
        9 * level,
        950,
        95,
        0,
        1500,
        0,
        7200,
        0,
        12,
        boots,
        256,
    ]


@dataclass
class Unit:
    """One controller: its registers and what is wrong with it."""

    inputs: list[int] = field(default_factory=healthy_inputs)
    holdings: list[int] = field(default_factory=lambda: [0, 0, 3600, 100, 100])
    silent: bool = False
    delay_s: float = 0.0
    corrupt: bool = False
    ignores_writes: bool = False
    refuses: int = 0
    answers_as: int | None = None
    only_at: int | None = None  # the termios speed it understands, such as termios.B9600
    writes: list[tuple[int, int, bool]] = field(default_factory=list)  # address, value, whether broadcast


class SlaveLine:
    """The far end of a line, in a thread of its own; `path` is what the gateway opens."""

    def __init__(self, units: dict[int, Unit], baud: int = 9600, link: Path | None = None) -> None:
        self.units = units
        self.frames = 0
        self.silence_violations = 0
        self.reads_answered = 0
        self.requests: list[tuple[int, int]] = []  # unit, function
        self._character_s = 11 / baud
        self._silence_s = 3.5 * self._character_s if baud <= 19200 else 0.00175
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.path)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._quiet_since = 0.0
        self._late: list[tuple[float, bytes]] = []

    def __enter__(self) -> "SlaveLine":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Pull the plug: the gateway's port is gone."""
        if self._thread.is_alive():
            os.write(self._stop_write, b"x")
            self._thread.join()
            for descriptor in (self._master, self._slave, self._stop_read, self._stop_write):
                os.close(descriptor)

    def say(self, data: bytes) -> None:
        """Put bytes on the wire without a request."""
        os.write(self._master, data)

    def _serve(self) -> None:
        received = bytearray()
        while True:
            wait_s = max(0.0, self._late[0][0] - time.monotonic()) if self._late else 1.0
            ready, _, _ = select.select([self._master, self._stop_read], [], [], wait_s)
            if self._stop_read in ready:
                return
            while self._late and self._late[0][0] <= time.monotonic():
                self._send(self._late.pop(0)[1])
            if self._master in ready:
                if self._quiet_since and time.monotonic() - self._quiet_since < 0.95 * self._silence_s:
                    self.silence_violations += 1
                received += os.read(self._master, 512)
                self._take(received)

    def _take(self, received: bytearray) -> None:
        while len(received) >= 8:
            size = 9 + received[6] if received[1] == 16 else 8
            if len(received) < size:
                return
            frame, received[:] = bytes(received[:size]), received[size:]
            assert crc(frame[:-2]) == frame[-2:], f"gateway sent a broken frame {frame.hex()}"
            self.frames += 1
            self.requests.append((frame[0], frame[1]))
            self._quiet_since = 0.0
            time.sleep(len(frame) * self._character_s)
            self._answer(frame)

    def _answer(self, frame: bytes) -> None:
        number, function, address, value = struct.unpack(">BBHH", frame[:6])
        if number == 0:
            for each in self.units.values():
                self._write(each, address, value, broadcast=True)
            return
        unit = self.units.get(number)
        if unit is None or unit.silent or unit.only_at not in (None, termios.tcgetattr(self._slave)[5]):
            return
        if unit.refuses:
            pdu = bytes([function | 0x80, unit.refuses])
        elif function in (3, 4):
            table = unit.inputs if function == 4 else unit.holdings
            words = table[address : address + value]
            pdu = struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)
            if len(words) < value:
                pdu = bytes([function | 0x80, _NO_SUCH_REGISTER])
        else:
            self._write(unit, address, value, broadcast=False)
            pdu = frame[1:6]
        body = bytes([unit.answers_as or number]) + pdu
        answer = body + (b"\xff\xff" if unit.corrupt else crc(body))
        if unit.delay_s:
            self._late.append((time.monotonic() + unit.delay_s, answer))
            return
        time.sleep(TURNAROUND_S + len(answer) * self._character_s)
        self._send(answer)

    def _send(self, answer: bytes) -> None:
        # Before the write: what this thread loses to others afterwards is not the gateway's haste.
        self._quiet_since = time.monotonic()
        os.write(self._master, answer)
        self.reads_answered += answer[1] == 4

    def _write(self, unit: Unit, address: int, value: int, *, broadcast: bool) -> None:
        unit.writes.append((address, value, broadcast))
        if unit.silent or unit.ignores_writes:
            return
        unit.holdings[address] = value
        if address == 0:
            boots = unit.inputs[14]
            unit.inputs[:] = healthy_inputs(value, boots)
