"""Holds a cabinet's contactor in its target state, and verifies it by the auxiliary contact."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from edge.clock.timekeeper import Timekeeper
from edge.config.line_settings import DeviceConfig
from edge.control.contactor_io import ContactorIo, wiring_of
from edge.control.levels import Levels
from edge.control.ports import Confirmation, OnConfirmed, Problem, Problems, problem_of
from edge.devices.device import Device
from edge.line import Lane, Line, LineError, RequestRefusedError
from edge.outbox import RecordSink
from edge.polling.reader import DeviceReader
from protocols.cabinet import CabinetReading, SwitchState
from protocols.clock import wall_seconds_until
from protocols.events import DeviceEvent, EventType
from protocols.lamp import Reason
from protocols.lighting.priority import EffectiveLevel
from protocols.modbus.codec import CodecError
from runtime.failure_reporter import FailureReporter

log = structlog.get_logger(__name__)

SHORTEST_DWELL: Final = timedelta(seconds=60)
"""The shortest time between two writes of the same state, except by command. Our choice: a module that resets
every few seconds would wear the contactor out. A change by plan or photocell is written at once.
"""

ATTEMPTS: Final = 4

_FELL_AGAIN: Final = Problem(f"relay fell within {SHORTEST_DWELL.seconds} s", is_final=True)

_TRAVEL_S = 0.3
"""Between two reads of the auxiliary contact. Our choice: longer than a large contactor takes to move."""

_RETRY_S = 3.0
_RETRY_DISOBEDIENT_S = 30.0
_LONGEST_WAIT_S = 60.0

_NO_CONTACT = "relay set; there is no auxiliary contact"


class Contactor:
    """The `Actuator` of one cabinet's contactor: any level above 0 % closes it, 0 % opens it.

    At the start, and whenever its module is back, the state of now is written. `stays_closed` is for
    contactors that feed controllers: closed whatever the plan says, until a command.
    """

    def __init__(
        self,
        device: Device,
        io: ContactorIo,
        reader: DeviceReader,
        *,
        levels: Levels,
        timekeeper: Timekeeper,
        records: RecordSink,
        stays_closed: bool,
    ) -> None:
        self.device = device
        self._io = io
        self._reader = reader
        self._levels = levels
        self._timekeeper = timekeeper
        self._records = records
        self._stays_closed = stays_closed
        self.target: EffectiveLevel | None = None
        """The level the contactor should have, why and until when; None before the first decision."""
        self._verified: bool | None = None
        """Whether it is closed, as last verified and not disproved since; None while that is unknown."""
        self._wake = asyncio.Event()
        self._switching = asyncio.Lock()
        self._retry_at = 0.0
        self._relay_set: bool | None = None
        self._relay_is_open = False
        self._has_opened = False
        self._switched_at: datetime | None = None
        self._conditions: dict[EventType, bool] = {}
        self._failures = FailureReporter(
            log, "contactor_unavailable", "contactor_available", level="warning", device=device.id
        )

    @property
    def is_wanted(self) -> bool:
        """Whether the contactor should be closed."""
        return self.target is not None and bool(self.target.level_percent)

    async def run(self) -> None:
        """Hold the contactor in its target state, until cancelled."""
        while True:
            # Cleared before the target is computed: a change after that ends the wait below.
            self._wake.clear()
            next_change = self.refresh()
            wall = asyncio.get_running_loop().time()
            may_respond = not self._reader.presences[self.device].is_unresponsive
            if self._verified is not self.is_wanted and may_respond and self._retry_at <= wall:
                self._report_outcome(await self._switch_and_verify(Lane.READ_BACK))
                continue
            waits = [_LONGEST_WAIT_S]
            if next_change is not None:
                waits.append(wall_seconds_until(self._timekeeper, next_change))
            if self._retry_at > wall:
                waits.append(self._retry_at - wall)
            try:
                async with asyncio.timeout(max(min(waits), 0.001)):
                    await self._wake.wait()
            except TimeoutError:
                if self._io.wiring.contact is None:
                    self._verified = None  # readings do not show its state: read the relay again

    def refresh(self) -> datetime | None:
        """Set the target to what should be now; returns when that may change next, None if never."""
        was_wanted, level = self.is_wanted, self._levels.at(self.device.id, self._timekeeper.now())
        if self._stays_closed and level.reason is not Reason.OVERRIDE:
            level = EffectiveLevel(100, Reason.DEFAULT, level.until)
        self.target = level
        if self.is_wanted is not was_wanted:
            # That the state before could not be reached is no evidence about the new one.
            self._retry_at = 0.0
        return level.until

    def wake(self) -> None:
        """Compare target and contactor again."""
        self._wake.set()

    def observe(self, device: Device, reading: CabinetReading) -> None:
        """Act on a poll that shows the contactor in another state than verified, or its module back."""
        if device is not self.device:
            return
        if reading.contactor_state is not None:
            is_closed = reading.contactor_state is SwitchState.ON
            self._clear_disproved(is_closed)
            if is_closed is self.is_wanted:
                # It moves again: verify it now, so that its fault ends.
                self._retry_at = 0.0
            if is_closed is not self._verified:
                self._verified = None
        if self._verified is None:
            self._wake.set()

    def state_lost(self, device: Device) -> None:
        """Verify the contactor again: its module restarted, or cannot be reached."""
        if device is self.device:
            self._verified = None

    async def apply(
        self,
        devices: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,  # noqa: ARG002 - a contactor has no ramp
        on_confirmed: OnConfirmed | None = None,
    ) -> Problems:
        """Bring the contactor to its target for a command; see `Actuator.apply`."""
        problem = await self._switch_and_verify(lane)
        self._report_outcome(problem)
        if problem is not None:
            return dict.fromkeys(devices, problem)
        if on_confirmed is not None:
            level = None if self.target is None else self.target.level_percent
            on_confirmed(
                Confirmation(self.device, level, _NO_CONTACT if self._io.wiring.contact is None else "")
            )
        return {}

    async def _switch_and_verify(self, lane: Lane) -> Problem | None:
        # A command may arrive while `run` switches, and each would mistake the other's write for its own.
        async with self._switching:
            before = self._switched_at
            problem: Problem | None = None
            for attempt in range(ATTEMPTS):
                if attempt:
                    await asyncio.sleep(_TRAVEL_S)
                try:
                    problem = await self._attempt(lane)
                except (LineError, CodecError) as error:
                    problem = Problem(str(error), is_final=problem_of(error).is_final)
                if problem is None or problem.is_final:
                    break
        if self._switched_at != before:
            # So that the cloud sees the new state at once, not at the next poll.
            with suppress(LineError):  # the reader has recorded it
                await self._reader.poll(self.device, Lane.READING)
        return problem

    async def _attempt(self, lane: Lane) -> Problem | None:
        wanted = self.is_wanted
        if await self._io.relay(lane) is not wanted:
            if wanted is self._relay_set and lane is not Lane.COMMAND and self._dwell_s() > 0:
                return _FELL_AGAIN
            if (problem := await self._switch(wanted, lane)) is not None:
                return problem
        register = self._io.wiring.contact
        contact = wanted if register is None else await self._io.read(register, lane)
        if contact is None:
            return Problem("auxiliary contact has no valid value", is_final=True)
        self._relay_is_open = not wanted
        self._clear_disproved(contact)
        if contact is not wanted:
            relay, found = _state(wanted), _state(contact)
            return Problem(f"relay is {relay}, auxiliary contact is {found}", disobeyed=True)
        self._verified = wanted
        return None

    def _dwell_s(self) -> float:
        """Wall seconds until the relay may be set to the same again."""
        if self._switched_at is None:
            return 0.0
        return wall_seconds_until(self._timekeeper.steady, self._switched_at + SHORTEST_DWELL)

    async def _switch(self, closed: bool, lane: Lane) -> Problem | None:
        # Before the write: one without a response may have moved the contactor even so.
        self._has_opened = self._relay_is_open = False
        self._switched_at = self._timekeeper.steady.now()
        try:
            await self._io.put(closed, lane)
        except RequestRefusedError as error:
            return Problem(str(error), disobeyed=True, is_final=True)
        reason = None if self.target is None else self.target.reason
        log.info("contactor_switched", device=self.device.id, to=_state(closed), reason=reason)
        if await self._io.relay(lane) is not closed:
            return Problem(f"relay does not go {_state(closed)}", disobeyed=True)
        self._relay_set = closed
        return None

    def _report_outcome(self, problem: Problem | None) -> None:
        """Plan the next attempt, and report a contactor that disobeys or cannot be switched at all."""
        if problem is None:
            self._retry_at = 0.0
            self._failures.recovered()
            return
        pause_s = _RETRY_DISOBEDIENT_S if problem.disobeyed else _RETRY_S
        if problem is _FELL_AGAIN:
            pause_s = self._dwell_s()
        self._retry_at = asyncio.get_running_loop().time() + pause_s
        if not problem.disobeyed:
            # Otherwise the failure of the module, or of the whole line, has been reported already.
            if self._reader.presences[self.device].is_responsive and self._io.line.problem is None:
                self._failures.failed(problem.error)
        elif self.is_wanted:
            self._report_condition(EventType.SWITCHING_ERROR_OFF, True, problem.error)
        elif self._has_opened:
            # A welded contactor cannot go from open to closed, so this was the manual switch.
            self._report_condition(EventType.LOCAL_OVERRIDE, True, SwitchState.ON.value)
        elif not self._conditions.get(EventType.LOCAL_OVERRIDE):
            self._report_condition(EventType.SWITCHING_ERROR_ON, True, problem.error)

    def _clear_disproved(self, is_closed: bool) -> None:
        """End the conditions that a position of the auxiliary contact rules out."""
        # Only a contactor that has been seen open since its relay opened is not stuck in ON.
        self._has_opened = self._relay_is_open and (self._has_opened or not is_closed)
        if is_closed:
            self._report_condition(EventType.SWITCHING_ERROR_OFF, False)
        else:
            self._report_condition(EventType.SWITCHING_ERROR_ON, False)
            self._report_condition(EventType.LOCAL_OVERRIDE, False)

    def _report_condition(self, kind: EventType, active: bool, info: str = "") -> None:
        """Log and record when a condition begins or ends; its absence once after each start."""
        if self._conditions.get(kind) is active:
            return
        # The cloud may still hold a condition from before the restart: its absence is reported too.
        self._conditions[kind] = active
        if active:
            log.warning("contactor_fault", device=self.device.id, condition=kind.value, error=info)
        self._records.append(DeviceEvent(self.device.id, kind, self._timekeeper.now(), active, info))


def contactors_of(
    devices: Iterable[tuple[DeviceConfig, Device]],
    line: Line,
    reader: DeviceReader,
    *,
    levels: Levels,
    timekeeper: Timekeeper,
    records: RecordSink,
) -> tuple[Contactor, ...]:
    """Return the contactors configured among a line's devices, registered as observers of `reader`."""
    contactors = []
    for config, device in devices:
        wiring = wiring_of(device)
        if config.contactor is None or wiring is None:
            continue
        contactor = Contactor(
            device,
            ContactorIo(line, wiring),
            reader,
            levels=levels,
            timekeeper=timekeeper,
            records=records,
            stays_closed=config.contactor.follows == "always",
        )
        reader.cabinet_observers.append(contactor)
        reader.state_loss_observers.append(contactor)
        contactors.append(contactor)
    return tuple(contactors)


def _state(closed: bool) -> str:
    return (SwitchState.ON if closed else SwitchState.OFF).value
