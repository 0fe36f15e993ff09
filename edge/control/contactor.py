"""Keeps a cabinet's contactor where it should be, and proves by its auxiliary contact that it went there."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from edge.clock.timekeeper import Timekeeper
from edge.config.line_settings import DeviceConfig
from edge.control.contactor_io import ContactorIo, wiring_of
from edge.control.level_writer import Problem, Problems, problem_of
from edge.control.levels import Levels
from edge.devices.device import Device
from edge.line import Lane, Line, LineError, RequestRefusedError
from edge.outbox import Record
from edge.polling.reader import Reader
from protocols.cabinet import CabinetReading, SwitchState
from protocols.clock import wall_seconds_until
from protocols.events import DeviceEvent, EventType
from protocols.lamp import Reason
from protocols.modbus.codec import CodecError

log = structlog.get_logger(__name__)

SHORTEST_DWELL: Final = timedelta(seconds=60)
"""So long after a relay was set it is not set to the same again, but by command: a module that starts anew
every few seconds would wear the contactor out. What the plan or a photocell changes is done at once.
"""

ATTEMPTS: Final = 4

_FELL_AGAIN: Final = Problem(f"relay fell within {SHORTEST_DWELL.seconds} s", is_final=True)
_TRAVEL_S = 0.3
"""Between two looks at the contact: big contactors take a tenth of a second to move."""

_RETRY_S = 3.0
_RETRY_DISOBEDIENT_S = 30.0
_LONGEST_WAIT_S = 60.0


class Contactor:
    """One cabinet's contactor. At the start, and whenever its module comes back, the state of now holds.

    What the device was told is kept in it as of a lamp: 100 % is closed, 0 % is open.
    """

    def __init__(
        self,
        device: Device,
        gear: ContactorIo,
        reader: Reader,
        *,
        levels: Levels,
        keeper: Timekeeper,
        record: Callable[[Record], object],
        stays_closed: bool,
    ) -> None:
        self.device = device
        self._gear = gear
        self._reader = reader
        self._levels = levels
        self._keeper = keeper
        self._record = record
        self._stays_closed = stays_closed
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._retry_at = 0.0
        self._complaint: str | None = None
        self._relay_set: bool | None = None
        self._relay_is_open = False
        self._has_opened = False
        self._switched_at: datetime | None = None
        self._conditions: dict[EventType, bool] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether the contactor should be closed."""
        return bool(self.device.target_level_percent)

    async def run(self) -> None:
        """Keep the contactor where it should be now, until cancelled."""
        while True:
            self._wake.clear()
            next_change = self.refresh()
            wall = asyncio.get_running_loop().time()
            if self._is_stale() and self._retry_at <= wall:
                self._judge(await self._settle(Lane.READ_BACK))
                continue
            try:
                async with asyncio.timeout(self._wait_s(next_change, wall)):
                    await self._wake.wait()
            except TimeoutError:
                if not self._gear.has_contact:
                    self.device.written_level_percent = None  # readings do not tell: look at the relay

    def refresh(self) -> datetime | None:
        """Set the device's target to what should be now; returns when that may change next."""
        before, level = self.is_wanted, self._levels.at(self.device.id, self._keeper.now())
        is_plan = self._stays_closed and level.reason is not Reason.OVERRIDE
        self.device.target_level_percent = 100 if is_plan else level.level_percent
        self.device.reason = Reason.DEFAULT if is_plan else level.reason
        if self.is_wanted is not before:
            self._retry_at = 0.0
        return level.until

    def wake(self) -> None:
        """Look again at where the contactor should be and is."""
        self._wake.set()

    def observe(self, device: Device) -> None:
        """A reading came: one of a contactor elsewhere than it was told is a reason to look."""
        reading = device.last_reading
        if device is not self.device or not isinstance(reading, CabinetReading):
            return
        if reading.contactor_state is not None:
            is_closed = reading.contactor_state is SwitchState.ON
            self._notice(is_closed)
            if is_closed is self.is_wanted:
                self._retry_at = 0.0
            if device.written_level_percent is not None and is_closed is not bool(
                device.written_level_percent
            ):
                device.written_level_percent = None
        if device.written_level_percent is None:
            self._wake.set()

    async def settle(
        self,
        devices: Iterable[Device],
        lane: Lane,
        ramp_s: float = 0.0,  # noqa: ARG002 - as of lamps
        on_confirmed: Callable[[Device], None] | None = None,
    ) -> Problems:
        """Bring the contactor to its target; returns it, and why, where it did not go there."""
        problem = await self._settle(lane)
        self._judge(problem)
        if problem is not None:
            return dict.fromkeys(devices, problem)
        if on_confirmed is not None:
            on_confirmed(self.device)
        return {}

    def _is_stale(self) -> bool:
        device = self.device
        is_told = device.written_level_percent is not None
        is_right = is_told and bool(device.written_level_percent) is self.is_wanted
        return not is_right and device.answering is not False

    def _wait_s(self, next_change: datetime | None, wall: float) -> float:
        waits = [_LONGEST_WAIT_S]
        if next_change is not None:
            waits.append(wall_seconds_until(self._keeper, next_change))
        if self._retry_at > wall:
            waits.append(self._retry_at - wall)
        return max(min(waits), 0.001)

    async def _settle(self, lane: Lane) -> Problem | None:
        async with self._turn:
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
            with suppress(LineError):  # the reader has said so
                await self._reader.read(self.device, Lane.READING)
        return problem

    async def _attempt(self, lane: Lane) -> Problem | None:
        wanted = self.is_wanted
        if await self._gear.relay(lane) is not wanted:
            if wanted is self._relay_set and lane is not Lane.COMMAND and self._dwell_s() > 0:
                return _FELL_AGAIN
            if (problem := await self._switch(wanted, lane)) is not None:
                return problem
        contact = await self._gear.contact(lane) if self._gear.has_contact else wanted
        if contact is None:
            return Problem("auxiliary contact says nothing", is_final=True)
        self._relay_is_open = not wanted
        self._notice(contact)
        if contact is not wanted:
            told, is_at = _state(wanted), _state(contact)
            return Problem(f"relay is {told}, auxiliary contact says {is_at}", disobeyed=True)
        self.device.written_level_percent = 100 if wanted else 0
        return None

    def _dwell_s(self) -> float:
        """Wall seconds until the relay may be set to the same again."""
        if self._switched_at is None:
            return 0.0
        return wall_seconds_until(self._keeper.steady, self._switched_at + SHORTEST_DWELL)

    async def _switch(self, closed: bool, lane: Lane) -> Problem | None:
        self._has_opened = self._relay_is_open = False
        self._switched_at = self._keeper.steady.now()
        try:
            await self._gear.put(closed, lane)
        except RequestRefusedError as error:
            return Problem(str(error), disobeyed=True, is_final=True)
        log.info("contactor switched", cabinet=self.device.id, to=_state(closed), why=self.device.reason)
        if await self._gear.relay(lane) is not closed:
            return Problem(f"relay does not go {_state(closed)}", disobeyed=True)
        self._relay_set = closed
        return None

    def _judge(self, problem: Problem | None) -> None:
        """What did not work is tried again; what did not obey is reported."""
        if problem is None:
            self._retry_at = 0.0
            self._complain(None)
            return
        pause_s = _RETRY_DISOBEDIENT_S if problem.disobeyed else _RETRY_S
        if problem is _FELL_AGAIN:
            pause_s = self._dwell_s()
        self._retry_at = asyncio.get_running_loop().time() + pause_s
        if not problem.disobeyed:
            if self.device.answering and self._gear.has_port:  # else its silence is told
                self._complain(problem.why)
        elif self.is_wanted:
            self._report(EventType.SWITCHING_ERROR_OFF, True, problem.why)
        elif self._has_opened:
            # It was open, and what welds stays closed but does not close: that was a hand.
            self._report(EventType.LOCAL_OVERRIDE, True, SwitchState.ON.value)
        elif not self._conditions.get(EventType.LOCAL_OVERRIDE):
            self._report(EventType.SWITCHING_ERROR_ON, True, problem.why)

    def _complain(self, why: str | None) -> None:
        """Say once that the contactor cannot be seen to, and once that it can again."""
        if (self._complaint is None) is not (why is None):
            say = log.info if why is None else log.warning
            say(
                "contactor is seen to again" if why is None else "contactor cannot be seen to",
                cabinet=self.device.id,
                why=why or self._complaint,
            )
        self._complaint = why

    def _notice(self, is_closed: bool) -> None:
        """What the contact says cannot be any more: only a contactor that opened is not stuck in ON."""
        self._has_opened = self._relay_is_open and (self._has_opened or not is_closed)
        if is_closed:
            self._report(EventType.SWITCHING_ERROR_OFF, False)
        else:
            self._report(EventType.SWITCHING_ERROR_ON, False)
            self._report(EventType.LOCAL_OVERRIDE, False)

    def _report(self, kind: EventType, active: bool, info: str = "") -> None:
        """Record when a condition begins or ends; after a start once that it is not so, if it is not."""
        if self._conditions.get(kind) is active:
            return
        self._conditions[kind] = active
        if active:
            log.warning(
                "contactor is not where it should be", cabinet=self.device.id, what=kind.value, why=info
            )
        self._record(DeviceEvent(self.device.id, kind, self._keeper.now(), active, info))


def contactors_of(
    devices: Iterable[tuple[DeviceConfig, Device]],
    line: Line,
    reader: Reader,
    *,
    levels: Levels,
    keeper: Timekeeper,
    record: Callable[[Record], object],
) -> tuple[Contactor, ...]:
    """The contactors that the settings of a line's devices ask for, told of every reading."""
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
            keeper=keeper,
            record=record,
            stays_closed=config.contactor.follows == "always",
        )
        reader.add_observer(contactor.observe)
        contactors.append(contactor)
    return tuple(contactors)


def _state(closed: bool) -> str:
    return (SwitchState.ON if closed else SwitchState.OFF).value
