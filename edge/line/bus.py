"""The owner of one line: sends one request at a time, keeps the silence, and knows whose answer came."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic

import structlog

from edge.line.errors import (
    BUSY_CODES,
    CorruptResponseError,
    NoResponseError,
    PortUnavailableError,
    RequestRefusedError,
    TransientLineError,
)
from edge.line.framing import (
    Frame,
    Framing,
    Request,
    answered_words,
    read_request,
    refusal,
    write_request,
)
from edge.line.lanes import Lane, Lanes, Transaction
from edge.line.port import Port, PortEvents
from edge.line.stale_responses import StaleResponses
from edge.line.timer import Timer, open_timer
from edge.line.timing import ResponseTime, WireTiming
from protocols.modbus.codec import ReadBlock, Write

log = structlog.get_logger(__name__)

_REOPEN_S = 1.0
_LATE_ANSWER_S = 1.0
_CORRUPT_GRACE_S = 0.01
_TIMER_GRAIN_S = 0.0005
_BROADCAST = 0
_ADDRESS_AND_CRC = 3

OpenPort = Callable[[PortEvents], Awaitable[Port]]


@dataclass(slots=True)
class LineCounters:
    """What happened on a line since the start."""

    requests: int = 0
    answers: int = 0
    no_answers: int = 0
    corrupt: int = 0
    late: int = 0
    foreign: int = 0
    refused: int = 0
    reopened: int = 0


class Line:
    """One wire and all that is asked on it; `run` owns the wire, the other methods wait for their turn."""

    def __init__(
        self, name: str, open_port: OpenPort, framing: Framing, timing: WireTiming, first_timeout_s: float
    ) -> None:
        self.name = name
        self.counters = LineCounters()
        self._open_port = open_port
        self._framing = framing
        self._timing = timing
        self._first_timeout_s = first_timeout_s
        self._lanes = Lanes()
        self._reads: dict[tuple[int, ReadBlock], Request] = {}
        self._port: Port | None = None
        self._timer: Timer | None = None
        self._alarm_at = 0.0
        self._down: str | None = None
        self._lost = asyncio.Event()
        self._received = bytearray()
        self._quiet_at = 0.0
        self._job: Transaction | None = None
        self._tag = 0
        self._sent_at = 0.0
        self._heard = 0
        self._expires_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._response_times: dict[int, ResponseTime] = {}
        self._missed = StaleResponses()
        self._missed_at = -inf
        self._queue_s = 0.0
        self._is_queued = False

    @property
    def problem(self) -> str | None:
        """Why the port cannot be used, while it cannot."""
        return self._down

    async def read(self, unit: int, block: ReadBlock, lane: Lane) -> Sequence[int]:
        """The words of a block; raises LineError."""
        request = self._reads.get((unit, block))
        if request is None:
            request = self._reads[unit, block] = read_request(unit, block)
        return answered_words(request, await self._ask(request, lane))

    async def probe(self, unit: int, block: ReadBlock, lane: Lane) -> None:
        """Ask a unit thought dead for one word, waiting no longer than it may need; raises LineError."""
        request = read_request(unit, ReadBlock(block.table, block.address, 1))
        await self._ask(request, lane, self._probe_timeout_s(unit))

    async def write(self, unit: int, write: Write, lane: Lane) -> None:
        """Write to one unit, which acknowledges; raises LineError."""
        await self._ask(write_request(unit, write), lane)

    async def broadcast(self, write: Write, lane: Lane) -> None:
        """Write to all units at once, which none acknowledges."""
        await self._ask(write_request(_BROADCAST, write), lane)

    async def run(self) -> None:
        """Own the wire until cancelled: open it, serve it, open it again when it goes away."""
        self._timer = open_timer(self._on_alarm)
        try:
            while True:
                if await self._open():
                    self._advance()
                    await self._lost.wait()
                await asyncio.sleep(_REOPEN_S)
        finally:
            self._close(PortUnavailableError(f"{self.name}: the line was closed"))
            self._timer.close()
            self._timer = None

    def response_timeout_s(self, unit: int) -> float:
        """How long the line now waits for this unit."""
        return self._response_time(unit).timeout_s

    async def _ask(self, request: Request, lane: Lane, timeout_s: float | None = None) -> bytes:
        if self._down is not None:
            raise PortUnavailableError(f"{self.name}: {self._down}")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._lanes.put(Transaction(lane, request, answer, timeout_s))
        if self._alarm_at != self._quiet_at:
            self._advance()
        pdu = await answer
        if not pdu or (code := refusal(pdu)) is None:
            return pdu
        self.counters.refused += 1
        message = f"{self.name}: unit {request.unit} refused function {request.function} with code {code}"
        if code in BUSY_CODES:
            raise TransientLineError(message)
        raise RequestRefusedError(message, code)

    async def _open(self) -> bool:
        self._lost.clear()
        try:
            port = await self._open_port(PortEvents(self._on_received, self._on_lost))
        except OSError as error:
            self._fail(str(error))
            return False
        if self._lost.is_set():
            port.close()
            return False
        self._port = port
        if self._down is not None:
            log.info("line is open again", port=self.name)
            self.counters.reopened += 1
        self._down = None
        self._received.clear()
        self._quiet_at = monotonic() + self._timing.silence_s
        return True

    def _fail(self, why: str) -> None:
        if self._down is None:
            log.error("line cannot be used", port=self.name, why=why)
        self._down = why
        self._close(PortUnavailableError(f"{self.name}: {why}"))

    def _close(self, error: PortUnavailableError) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None
        if self._job is not None:
            self._finish(error)
        self._lanes.fail_all(error)

    def _advance(self) -> None:
        """Send the next request, if the wire is free and quiet; else see that this is called when it is."""
        if self._job is not None or self._port is None or self._timer is None:
            return
        now = monotonic()
        if now < self._quiet_at:
            self._wake_at(self._timer, self._quiet_at)
        elif (job := self._lanes.take(now)) is not None:
            self._send(self._unmistakable(job, now), now)
        elif (released_at := self._lanes.next_release()) is not None:
            self._wake_at(self._timer, released_at)

    def _wake_at(self, timer: Timer, when: float) -> None:
        if when != self._alarm_at:
            self._alarm_at = when
            timer.set(when)

    def _on_alarm(self) -> None:
        self._alarm_at = 0.0
        self._advance()

    def _unmistakable(self, job: Transaction, now: float) -> Transaction:
        """The job, or first one that makes sure that no late answer can be taken for the job's."""
        if self._framing.tags_answers:
            return job
        first = self._missed.to_ask_before(job.request, now)
        return job if first is None else Transaction(job.lane, first, job.answer, job.timeout_s, before=job)

    def _send(self, job: Transaction, now: float) -> None:
        request, timing = job.request, self._timing
        self._tag = (self._tag + 1) & 0xFFFF
        frame = self._framing.wrap(request, self._tag)
        self._received.clear()
        self._heard = 0
        self.counters.requests += 1
        self._sent_at = now + timing.duration_s(len(frame))
        self._quiet_at = self._sent_at + timing.silence_s
        self._job = job
        try:
            self._port_now().write(frame)
        except OSError as error:
            self._on_lost(str(error))
            return
        if request.unit == _BROADCAST:
            self._quiet_at = self._sent_at + timing.broadcast_pause_s
            self._finish(b"")
            return
        # A converter may first have to give up the one before.
        queued_s = max(0.0, self._missed_at + self._queue_s - self._sent_at)
        self._is_queued = queued_s > 0.0
        self._expire_at(self._sent_at + queued_s + self._patience_s(job))

    def _port_now(self) -> Port:
        if self._port is None:
            raise OSError("the port is closed")
        return self._port

    def _on_received(self, data: bytes) -> None:
        now = monotonic()
        self._quiet_at = max(self._quiet_at, now + self._timing.silence_s)
        job = self._job
        received = bytes(self._received) + data if self._received else data
        if job is not None and (pdu := self._framing.answer(job.request, self._tag, received)) is not None:
            self._on_answer(job, pdu, now)
            return
        self._received += data
        frames, garbage = self._framing.take(self._received)
        for frame in frames:
            self._on_frame(frame, now)
        self._heard += garbage
        if garbage and self._was_whole():
            grace_s = max(_CORRUPT_GRACE_S, 2 * self._timing.silence_s)
            self._expire_at(min(self._expires_at, now + grace_s))

    def _was_whole(self) -> bool:
        """Whether as much was heard as the answer is long: less is noise, and the answer may still come."""
        heard = self._heard + len(self._received)
        return self._job is not None and heard >= self._job.request.answer_length + _ADDRESS_AND_CRC

    def _on_frame(self, frame: Frame, now: float) -> None:
        job = self._job
        if job is not None and job.request.is_answered_by(frame.unit, frame.pdu) and self._tag_fits(frame):
            self._on_answer(job, frame.pdu, now)
        else:
            self._on_stray_frame(frame, now)

    def _on_answer(self, job: Transaction, pdu: bytes, now: float) -> None:
        unit = job.request.unit
        answer_s = self._timing.duration_s(len(pdu) + _ADDRESS_AND_CRC)
        if not self._is_queued:
            self._response_time(unit).answered(max(0.0, now - self._sent_at - answer_s))
        self._missed_at = -inf
        self.counters.answers += 1
        self._missed.answered(unit)
        self._finish(pdu)

    def _tag_fits(self, frame: Frame) -> bool:
        return frame.tag in (0, self._tag)

    def _on_stray_frame(self, frame: Frame, now: float) -> None:
        requested_at = self._missed.came(frame.unit, len(frame.pdu))
        if requested_at is None:
            self.counters.foreign += 1
            return
        self.counters.late += 1
        self._queue_s = min(max(self._queue_s, now - requested_at), self._timing.longest_queue_s)
        self._response_time(frame.unit).answered(now - requested_at)
        self._lanes.release(frame.unit)
        if self._job is not None and self._job.request.unit == frame.unit:
            # Only now does the unit turn to what it was asked since.
            self._expire_at(now + self._patience_s(self._job))
        self._advance()

    def _expire_at(self, when: float) -> None:
        """Give the request up at `when`. A timer that is earlier is left alone: most get answers."""
        self._expires_at = when
        if self._watch is not None:
            if self._watch.when() <= when:
                return
            self._watch.cancel()
        self._watch = asyncio.get_running_loop().call_at(when, self._on_watch)

    def _on_watch(self) -> None:
        self._watch = None
        if self._job is None:
            return
        if monotonic() < self._expires_at - _TIMER_GRAIN_S:
            self._expire_at(self._expires_at)
        else:
            self._on_expiry(self._job)

    def _on_expiry(self, job: Transaction) -> None:
        request = job.request
        where = f"{self.name}: unit {request.unit}"
        timeout_s = self._timeout_s(job)
        self._missed.note(request, self._sent_at)
        self._missed_at = self._sent_at
        if not self._was_whole():
            # An answer may still be under way: it must not meet the unit's next request.
            self._lanes.hold(request.unit, monotonic() + max(_LATE_ANSWER_S, timeout_s))
        if self._heard or self._received:
            self.counters.corrupt += 1
            self._finish(CorruptResponseError(f"{where} was heard, but not in a valid frame"))
        else:
            self.counters.no_answers += 1
            self._finish(NoResponseError(f"{where} did not answer within {timeout_s * 1000:.0f} ms"))

    def _finish(self, outcome: bytes | Exception) -> None:
        # Not when its asker gives up: until here its unit has the wire.
        job, self._job = self._job, None
        if job is not None and not job.answer.done():
            if isinstance(outcome, Exception):
                job.answer.set_exception(outcome)
            elif job.before is not None:
                self._lanes.put_first(job.before)
            else:
                job.answer.set_result(outcome)
        if self._timer is not None and monotonic() < self._quiet_at:
            self._wake_at(self._timer, self._quiet_at)
        else:
            # After those who wait for the answer: what they ask next may go before what waits already.
            asyncio.get_running_loop().call_soon(self._advance)

    def _on_lost(self, why: str) -> None:
        self._fail(why)
        self._lost.set()

    def _patience_s(self, job: Transaction) -> float:
        """How long after the request the whole answer must be there."""
        answer_s = self._timing.duration_s(job.request.answer_length + _ADDRESS_AND_CRC)
        return self._timeout_s(job) + answer_s

    def _timeout_s(self, job: Transaction) -> float:
        if job.timeout_s is not None:
            return job.timeout_s
        return self._response_time(job.request.unit).timeout_s

    def _probe_timeout_s(self, unit: int) -> float:
        """What the unit needed when it last answered, or else the slowest of the line."""
        own_s = self._response_time(unit).probe_s
        if own_s is not None:
            return own_s
        others = [each.probe_s for each in self._response_times.values()]
        return max((each for each in others if each is not None), default=self._first_timeout_s)

    def _response_time(self, unit: int) -> ResponseTime:
        known = self._response_times.get(unit)
        if known is None:
            known = self._response_times[unit] = ResponseTime(self._first_timeout_s)
        return known
