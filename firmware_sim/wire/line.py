"""One RS-485 line with its controllers: frames, silences, turnaround times, and disturbed responses."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from firmware_sim.faults import Fault, FaultType
from firmware_sim.wire.frames import (
    BROADCAST,
    READ_INPUT,
    WRITE_MULTIPLE,
    WRITE_SINGLE,
    build_frame,
    frame_is_whole,
    request_length,
)
from firmware_sim.wire.timing import SimulatedWireTiming, WireTimer

Send = Callable[[bytes], None]

_PARTIAL_FRAME_S = 0.1  # after this silence an incomplete request is dropped; our choice
_SILENCE_TOLERANCE = 0.95
"""Share of the required silence: the clock of a controller may be wrong, and a pseudo-terminal late."""
_LATE_S = (0.6, 1.2)  # our choice: longer than the response timeout of a gateway


@dataclass(slots=True)
class LineStatistics:
    """Counts since the start of one line."""

    frames: int = 0
    answers: int = 0
    exceptions: int = 0
    broadcasts: int = 0
    unanswered: int = 0
    silence_violations: int = 0
    crc_errors: int = 0
    collisions: int = 0
    wrong_baud: int = 0
    turnaround_ms_total: float = 0.0  # on the wire: the planned turnaround and the lateness below
    late_ms_total: float = 0.0
    late_ms_max: float = 0.0


class Controller(Protocol):
    """The firmware at a unit address: a lamp controller, a meter or an I/O module."""

    def hears(self, t_s: float) -> bool:
        """Return whether it receives a frame at Unix time `t_s`."""
        ...

    def answer(self, pdu: bytes, t_s: float) -> bytes:
        """Execute a request PDU and return the response PDU."""
        ...


@dataclass(slots=True)
class Station:
    """A device at a unit address, with the faults of its responses; `lamp_id` is None where it is no lamp."""

    lamp_id: str | None
    controller: Controller
    wire_faults: dict[FaultType, Fault] = field(default_factory=dict)


class SimulatedLine:
    """The wire that all devices share. Domain time comes from `now_s`; the wire itself runs on wall time.

    `on_poll` gets lamp id, domain time and response of each undisturbed read from input register 0.
    With `strict` a request that breaks the silence is lost, as it is on controllers that time frames.
    """

    def __init__(
        self,
        *,
        name: str,
        stations: Mapping[int, Station],
        timing: SimulatedWireTiming,
        timer: WireTimer,
        now_s: Callable[[], float],
        rng: random.Random,
        on_poll: Callable[[str, float, bytes], None],
        strict: bool = False,
    ) -> None:
        self.name = name
        self.stations = dict(stations)
        self.statistics = LineStatistics()
        self.timing = timing
        self._timer = timer
        self._now_s = now_s
        self._rng = rng
        self._on_poll = on_poll
        self._strict = strict
        self._buffer = b""
        self._heard_at = 0.0
        self._free_at = 0.0
        self._request_span = (0.0, 0.0)

    def receive(self, data: bytes, send: Send) -> None:
        """Receive bytes that a gateway sent; responses go to `send` when they are due."""
        at = monotonic()
        if self._buffer and at - self._heard_at > _PARTIAL_FRAME_S:
            self.statistics.crc_errors += 1
            self._buffer = b""
        self._heard_at = at
        buffer = self._buffer + data
        while buffer:
            length = request_length(buffer)
            if not length or len(buffer) < length:
                break
            self._on_frame(buffer[:length], at, send)
            buffer = buffer[length:]
        self._buffer = buffer

    def _on_frame(self, frame: bytes, at: float, send: Send) -> None:
        statistics, timing = self.statistics, self.timing
        statistics.frames += 1
        early = at < self._free_at + timing.silence_s * _SILENCE_TOLERANCE
        start = max(at, self._free_at)
        end = start + len(frame) * timing.character_s
        self._free_at, self._request_span = end, (start, end)
        if early and timing.baud:
            statistics.silence_violations += 1
            if self._strict:
                return
        if not frame_is_whole(frame):
            statistics.crc_errors += 1
            return
        if frame[0] == BROADCAST:
            self._broadcast(frame[1:-2])
        else:
            self._unicast(frame[0], frame[1:-2], end, send)

    def _broadcast(self, pdu: bytes) -> None:
        self.statistics.broadcasts += 1
        if pdu[0] not in (WRITE_SINGLE, WRITE_MULTIPLE):
            return
        t_s = self._now_s()
        for station in self.stations.values():
            if station.controller.hears(t_s):
                station.controller.answer(pdu, t_s)

    def _unicast(self, unit: int, pdu: bytes, request_end: float, send: Send) -> None:
        station, t_s = self.stations.get(unit), self._now_s()
        if station is None or not station.controller.hears(t_s):
            self.statistics.unanswered += 1
            return
        answer = station.controller.answer(pdu, t_s)
        whole = True
        reply = build_frame(unit, answer)
        delay = self._rng.uniform(*self.timing.turnaround_s) if self.timing.baud else 0.0
        if station.wire_faults:
            reply, extra = self._spoil(station, unit, answer, reply)
            delay += extra
            whole = not extra and reply == build_frame(unit, answer)
        self.statistics.turnaround_ms_total += delay * 1000
        duration = len(reply) * self.timing.character_s
        due = request_end + self.timing.silence_s + delay + duration
        is_poll = whole and answer[0] == READ_INPUT and pdu[1:3] == b"\0\0"
        poll = (station.lamp_id, t_s) if is_poll and station.lamp_id is not None else None
        self._timer.call_at(due, lambda: self._reply(reply, due, duration, poll, send))

    def _spoil(self, station: Station, unit: int, answer: bytes, reply: bytes) -> tuple[bytes, float]:
        """Return the response as the faults of the wire change it, and its extra delay in seconds."""
        late = 0.0
        for fault in station.wire_faults.values():
            if self._rng.random() >= fault.probability:
                continue
            if fault.type is FaultType.LATE_ANSWER:
                late = self._rng.uniform(*_LATE_S)
            elif fault.type is FaultType.CORRUPT_CRC:
                at = self._rng.randrange(len(reply))
                reply = reply[:at] + bytes((reply[at] ^ (1 << self._rng.randrange(8)),)) + reply[at + 1 :]
            elif fault.type is FaultType.WRONG_UNIT:
                reply = build_frame(unit % 247 + 1, answer)
        return reply, late

    def _reply(
        self, reply: bytes, due: float, duration: float, poll: tuple[str, float] | None, send: Send
    ) -> None:
        statistics, now = self.statistics, monotonic()
        start, end = self._request_span
        if start < due and end > due - duration and self.timing.baud:
            statistics.collisions += 1  # a request was on the wire at the same time: neither can be read
            reply = bytes(byte ^ 0x55 for byte in reply)
            poll = None
        self._free_at = max(self._free_at, now)
        statistics.answers += 1
        statistics.exceptions += reply[1] >= 0x80
        statistics.turnaround_ms_total += (now - due) * 1000
        statistics.late_ms_total += (now - due) * 1000
        statistics.late_ms_max = max(statistics.late_ms_max, (now - due) * 1000)
        if poll is not None:
            self._on_poll(*poll, reply)
        send(reply)
