"""The owner of one line: one transaction at a time, with the silences of the wire and its own timeouts.

A transaction waits in its lane, is sent when the wire has been quiet for long enough, and ends with its
response, a timeout, a corrupt frame or a lost port. A response that comes after its timeout is stale: it must
neither be taken for the response to a later request nor collide with one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from time import monotonic

import structlog

from edge.line.counters import LineCounters
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
    read_request,
    refusal,
    response_words,
    write_request,
)
from edge.line.lanes import Lane, Lanes, Transaction
from edge.line.port import Port, PortEvents
from edge.line.stale_responses import StaleResponses
from edge.line.timer import Timer, open_timer
from edge.line.timing import ResponseTimes, WireTiming
from protocols.modbus.codec import ReadBlock, Write

log = structlog.get_logger(__name__)

# Our choice: a converter that is back on the USB bus is in use again at once, without a busy loop.
_REOPEN_S = 1.0
# Our choice: a unit that timed out is left alone for so long, or for its own timeout where that is longer.
_STALE_RESPONSE_S = 1.0
# Our choice: a serial driver may pass on the rest of a frame in another piece, some milliseconds later.
_CORRUPT_GRACE_S = 0.01
# asyncio may call back up to its clock's resolution early: do not set the timer once more for that.
_TIMER_GRAIN_S = 0.0005
_BROADCAST = 0  # Modbus over serial line: address 0 is every unit, and none responds
_ADDRESS_AND_CRC = 3  # bytes of an RTU frame beside its PDU

OpenPort = Callable[[PortEvents], Awaitable[Port]]


class Line:
    """One bus and the transactions on it; `run` owns the port, the other methods wait for their turn.

    All times are those of `time.monotonic()`.
    """

    def __init__(
        self, name: str, open_port: OpenPort, framing: Framing, timing: WireTiming, first_timeout_s: float
    ) -> None:
        self.name = name
        self.counters = LineCounters()
        self._open_port = open_port
        self._framing = framing
        self._timing = timing
        self._lanes = Lanes()
        self._reads: dict[tuple[int, ReadBlock], Request] = {}
        self._port: Port | None = None
        self._timer: Timer | None = None
        self._timer_at = 0.0
        self.problem: str | None = None
        """Why the port cannot be used; None while it can."""
        self._lost = asyncio.Event()
        self._received = bytearray()
        self._quiet_at = 0.0
        self._transaction: Transaction | None = None
        self._tag = 0
        self._sent_at = 0.0
        self._garbage_bytes = 0
        self._expires_at = 0.0
        self._expiry_timer: asyncio.TimerHandle | None = None
        self._response_times = ResponseTimes(first_timeout_s)
        self._stale = StaleResponses()
        self._missed_at = -inf
        self._converter_queue_s = 0.0
        self._is_queued = False

    async def read(self, unit: int, block: ReadBlock, lane: Lane) -> Sequence[int]:
        """Return the words of a block.

        Raises:
            LineError: TransientLineError where trying again may help, RequestRefusedError where it will not.
        """
        request = self._reads.get((unit, block))
        if request is None:
            request = self._reads[unit, block] = read_request(unit, block)
        return response_words(request, await self._perform(request, lane))

    async def probe(self, unit: int, block: ReadBlock, lane: Lane) -> None:
        """Read one word of an unresponsive unit, waiting no longer than it may need.

        Raises:
            LineError: as of `read`; a refusal is a response too.
        """
        request = read_request(unit, ReadBlock(block.table, block.address, 1))
        await self._perform(request, lane, self._response_times.probe_timeout_s(unit))

    async def write(self, unit: int, write: Write, lane: Lane) -> None:
        """Write to one unit and wait for its acknowledgement.

        Raises:
            LineError: as of `read`. After a timeout the unit may have carried the write out.
        """
        await self._perform(write_request(unit, write), lane)

    async def broadcast(self, write: Write, lane: Lane) -> None:
        """Write to all units at once; none acknowledges it, so what it did must be read back.

        Raises:
            PortUnavailableError: nothing was sent.
        """
        await self._perform(write_request(_BROADCAST, write), lane)

    async def run(self) -> None:
        """Own the port until cancelled: open it, serve transactions, open it again when it is lost."""
        self._timer = open_timer(self._on_timer)
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
        """Return how long the line now waits for this unit, in seconds."""
        return self._response_times.of(unit).timeout_s

    async def _perform(self, request: Request, lane: Lane, timeout_s: float | None = None) -> bytes:
        if self.problem is not None:
            raise PortUnavailableError(f"{self.name}: {self.problem}")
        response: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._lanes.put(Transaction(lane, request, response, timeout_s))
        # With the timer set for the end of the silence there is nothing to do before it expires.
        if self._timer_at != self._quiet_at:
            self._advance()
        pdu = await response
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
            self._on_lost(str(error))
            return False
        # The port may be lost between its opening and this line, when `_on_lost` had nothing to close yet.
        if self._lost.is_set():
            port.close()
            return False
        self._port = port
        if self.problem is not None:
            log.info("line_reopened", port=self.name)
            self.counters.reopened += 1
        self.problem = None
        self._received.clear()
        # Another master, or a unit that was cut off in the middle of a frame, may have been sending.
        self._quiet_at = monotonic() + self._timing.silence_s
        return True

    def _on_lost(self, why: str) -> None:
        """Close the port and fail what waits for it; `run` opens it again."""
        # Once for all attempts: an adapter may stay unplugged for days.
        if self.problem is None:
            log.error("line_unavailable", port=self.name, error=why)
        self.problem = why
        self._close(PortUnavailableError(f"{self.name}: {why}"))
        self._lost.set()

    def _close(self, error: PortUnavailableError) -> None:
        # The port first: an end of a transaction lets the next request be sent where there is a port.
        if self._port is not None:
            self._port.close()
            self._port = None
        if self._transaction is not None:
            self._finish(error)
        self._lanes.fail_all(error)

    def _advance(self) -> None:
        """Send the next request if the wire is free and quiet; otherwise set the timer for when it is."""
        if self._transaction is not None or self._port is None or self._timer is None:
            return
        now = monotonic()
        if now < self._quiet_at:
            self._wake_at(self._timer, self._quiet_at)
        elif (transaction := self._lanes.take(now)) is not None:
            self._send(self._port, self._distinguishable(transaction, now), now)
        elif (released_at := self._lanes.next_release()) is not None:
            self._wake_at(self._timer, released_at)

    def _wake_at(self, timer: Timer, when: float) -> None:
        if when != self._timer_at:
            self._timer_at = when
            timer.set(when)

    def _on_timer(self) -> None:
        self._timer_at = 0.0
        self._advance()

    def _distinguishable(self, transaction: Transaction, now: float) -> Transaction:
        """Return the transaction, or one to send before it so that no stale response is taken for its own."""
        # Modbus TCP numbers its transactions, so a stale response is recognised by its number.
        if self._framing.has_transaction_ids:
            return transaction
        first = self._stale.distinguishing_read(transaction.request, now)
        if first is None:
            return transaction
        # It shares the future: a caller that is cancelled ends both, and an error of the first is its own.
        return Transaction(
            transaction.lane, first, transaction.response, transaction.timeout_s, before=transaction
        )

    def _send(self, port: Port, transaction: Transaction, now: float) -> None:
        request, timing = transaction.request, self._timing
        self._tag = (self._tag + 1) & 0xFFFF
        frame = self._framing.wrap(request, self._tag)
        # Bytes from before this request belong to nothing that is still awaited.
        self._received.clear()
        self._garbage_bytes = 0
        self.counters.requests += 1
        self._sent_at = now + timing.duration_s(len(frame))
        self._quiet_at = self._sent_at + timing.silence_s
        self._transaction = transaction
        try:
            port.write(frame)
        except OSError as error:
            self._on_lost(str(error))
            return
        if request.unit == _BROADCAST:
            # Units need time to carry a broadcast out (turnaround delay of the serial line specification).
            self._quiet_at = self._sent_at + timing.broadcast_pause_s
            self._finish(b"")
            return
        # A serial server queues requests: it may have to time out on the one before, first.
        queued_s = max(0.0, self._missed_at + self._converter_queue_s - self._sent_at)
        self._is_queued = queued_s > 0.0
        self._expire_at(self._sent_at + queued_s + self._patience_s(transaction))

    def _on_received(self, data: bytes) -> None:
        now = monotonic()
        # The silence is counted from the last byte on the wire, whichever device sent it.
        self._quiet_at = max(self._quiet_at, now + self._timing.silence_s)
        transaction = self._transaction
        # Most responses arrive in one piece: match that before the slower search for frames among garbage.
        received = bytes(self._received) + data if self._received else data
        if (
            transaction is not None
            and (pdu := self._framing.match_response(transaction.request, self._tag, received)) is not None
        ):
            self._on_response(transaction, pdu, now)
            return
        self._received += data
        frames, garbage = self._framing.take(self._received)
        for frame in frames:
            self._on_frame(frame, now)
        self._garbage_bytes += garbage
        if garbage and self._received_enough():
            grace_s = max(_CORRUPT_GRACE_S, 2 * self._timing.silence_s)
            self._expire_at(min(self._expires_at, now + grace_s))

    def _received_enough(self) -> bool:
        """Return whether a whole response may have been received: with fewer bytes it may still come."""
        received = self._garbage_bytes + len(self._received)
        return (
            self._transaction is not None
            and received >= self._transaction.request.response_length + _ADDRESS_AND_CRC
        )

    def _on_frame(self, frame: Frame, now: float) -> None:
        transaction = self._transaction
        if (
            transaction is not None
            and transaction.request.matches(frame.unit, frame.pdu)
            and frame.tag in (0, self._tag)  # 0: a serial frame has no transaction id
        ):
            self._on_response(transaction, frame.pdu, now)
        else:
            self._on_stray_frame(frame, now)

    def _on_response(self, transaction: Transaction, pdu: bytes, now: float) -> None:
        unit = transaction.request.unit
        response_s = self._timing.duration_s(len(pdu) + _ADDRESS_AND_CRC)
        # Time in a converter's queue is no property of the unit: it would raise the timeout of the unit.
        if not self._is_queued:
            self._response_times.of(unit).update(max(0.0, now - self._sent_at - response_s))
        self._missed_at = -inf
        self.counters.answers += 1
        self._stale.clear(unit)
        self._finish(pdu)

    def _on_stray_frame(self, frame: Frame, now: float) -> None:
        requested_at = self._stale.requested_at_of(frame.unit, len(frame.pdu))
        if requested_at is None:
            self.counters.foreign += 1
            return
        self.counters.late += 1
        self._converter_queue_s = min(
            max(self._converter_queue_s, now - requested_at), self._timing.longest_queue_s
        )
        self._response_times.of(frame.unit).update(now - requested_at)
        self._lanes.release(frame.unit)
        if self._transaction is not None and self._transaction.request.unit == frame.unit:
            # Only now does the unit begin with the request that is awaited.
            self._expire_at(now + self._patience_s(self._transaction))
        self._advance()

    def _expire_at(self, when: float) -> None:
        """Let the request expire at `when`. An earlier timer is left alone: most requests get a response."""
        self._expires_at = when
        if self._expiry_timer is not None:
            if self._expiry_timer.when() <= when:
                return
            self._expiry_timer.cancel()
        self._expiry_timer = asyncio.get_running_loop().call_at(when, self._on_expiry_timer)

    def _on_expiry_timer(self) -> None:
        self._expiry_timer = None
        if self._transaction is None:
            return
        if monotonic() < self._expires_at - _TIMER_GRAIN_S:
            self._expire_at(self._expires_at)
        else:
            self._on_expiry(self._transaction)

    def _on_expiry(self, transaction: Transaction) -> None:
        request = transaction.request
        where = f"{self.name}: unit {request.unit}"
        timeout_s = self._timeout_s(transaction)
        self._stale.timed_out(request, self._sent_at)
        self._missed_at = self._sent_at
        if not self._received_enough():
            # A response may still be in flight: it must not collide with the unit's next request.
            self._lanes.hold(request.unit, monotonic() + max(_STALE_RESPONSE_S, timeout_s))
        if self._garbage_bytes or self._received:
            self.counters.corrupt += 1
            self._finish(CorruptResponseError(f"{where} was received, but not in a valid frame"))
        else:
            self.counters.no_answers += 1
            self._finish(NoResponseError(f"{where} did not respond within {timeout_s * 1000:.0f} ms"))

    def _finish(self, outcome: bytes | Exception) -> None:
        # Not when its caller is cancelled: until here the unit may still send.
        transaction, self._transaction = self._transaction, None
        if transaction is not None and not transaction.response.done():
            if isinstance(outcome, Exception):
                transaction.response.set_exception(outcome)
            elif transaction.before is not None:
                self._lanes.put(transaction.before, first=True)
            else:
                transaction.response.set_result(outcome)
        if self._timer is not None and monotonic() < self._quiet_at:
            self._wake_at(self._timer, self._quiet_at)
        else:
            # After the callers that wait for this response: what they send next may have a higher priority.
            asyncio.get_running_loop().call_soon(self._advance)

    def _patience_s(self, transaction: Transaction) -> float:
        """Return how long after the request the whole response must have been received, in seconds."""
        response_s = self._timing.duration_s(transaction.request.response_length + _ADDRESS_AND_CRC)
        return self._timeout_s(transaction) + response_s

    def _timeout_s(self, transaction: Transaction) -> float:
        if transaction.timeout_s is not None:
            return transaction.timeout_s
        return self._response_times.of(transaction.request.unit).timeout_s
