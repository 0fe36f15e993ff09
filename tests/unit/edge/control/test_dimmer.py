"""What a dimmer does when lamps do not follow, restart, or follow again: in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from edge.control.dimmer import Dimmer
from edge.control.levels import Levels
from edge.control.ports import Confirmation
from edge.devices.device import Device, device_of
from edge.line import Lane
from protocols.events import DeviceEvent, EventType
from protocols.lighting.plan import DEFAULT_PLAN
from protocols.lighting.priority import Override
from protocols.lighting.program import Place
from protocols.modbus.builtin import load_builtin
from protocols.modbus.profile import Profile, parse_profile
from tests.support import virtual_time
from tests.support.street import EXCHANGE_S, FADE, LEVEL, WRITE_ONLY, Block

PLACE = Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta"))
NO_COUNTER = """id = "bridge"
name = "Answers for a gear that may restart"
kind = "lamp"
[[register]]
name = "target_level_percent"
table = "holding"
address = 0
type = "u16"
access = "rw"
[[register]]
name = "power_cycle_seen"
table = "input"
address = 2
type = "bool"
bit = 7
"""


class Night(Block):
    """A block at 20:00, kept by a dimmer: 100 % by the plan."""

    def __init__(self, lamps: int = 1, profile: Profile | None = None, *others: Device) -> None:
        profiles = {} if profile is None else {1: profile}
        super().__init__(lamps, profiles, others, may_broadcast=not others)
        self.levels = Levels(DEFAULT_PLAN, PLACE, 100, {})
        self.dimmer = Dimmer(self.writer, self.levels, self.clock, self.records)
        self.reader.lamp_observers.append(self.dimmer)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While the dimmer runs; first until every lamp was written to."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.dimmer.run())
            await virtual_time.passes(1.0)
            yield
            running.cancel()

    def put(self, level: int) -> None:
        """Override all lamps."""
        for lamp in self.lamps:
            self.levels.put_override(lamp.id, Override(f"to-{level}", level, self.clock.now()))
        self.dimmer.refresh()

    async def poll(self) -> None:
        """Read every lamp, and give the dimmer time to see to it."""
        for lamp in self.lamps:
            await self.reader.poll(lamp, Lane.READING)
        await virtual_time.passes(1.0)

    def failures(self) -> list[bool]:
        """Whether a dimming failure began, or ended, in order."""
        return [
            each.active
            for each in self.records
            if isinstance(each, DeviceEvent) and each.type is EventType.DIMMING_FAILURE
        ]


def run(main: Coroutine[object, object, None]) -> None:
    virtual_time.run(main)


def test_a_dimming_failure_is_recorded_and_its_end_too() -> None:
    async def main() -> None:
        night = Night()
        night.controller().ignores = True
        async with night.kept():
            assert night.failures() == [True]
            await virtual_time.passes(95)
            assert night.failures() == [True]
            night.controller().ignores = False
            await virtual_time.passes(31)
            assert night.failures() == [True, False]

    run(main())


def test_a_confirmed_command_ends_the_dimming_failure() -> None:
    async def main() -> None:
        night = Night()
        night.controller().ignores = True
        async with night.kept():
            night.controller().ignores = False
            night.put(40)
            assert not await night.dimmer.apply(night.lamps, Lane.COMMAND)
            assert night.failures() == [True, False]
            night.dimmer.wake()
            await virtual_time.passes(60)
            assert night.failures() == [True, False]

    run(main())


def test_a_lamp_that_never_reports_its_level_is_a_dimming_failure() -> None:
    async def main() -> None:
        night = Night()
        night.controller().masks = True
        async with night.kept():
            event = next(each for each in night.records if isinstance(each, DeviceEvent))
            assert (event.type, event.info) == (
                EventType.DIMMING_FAILURE,
                "does not report its level, expected 100 %",
            )

    run(main())


def test_a_new_level_is_written_at_once_whatever_came_of_the_last() -> None:
    async def main() -> None:
        night = Night()
        night.controller().ignores = True
        async with night.kept():
            night.controller().ignores = False
            night.put(40)
            night.dimmer.wake()
            await virtual_time.passes(1.0)
            assert night.controller().holdings[LEVEL] == 40

    run(main())


def test_a_restarted_controller_gets_level_and_fade_again() -> None:
    async def main() -> None:
        night = Night()
        async with night.kept():
            night.put(40)
            await night.dimmer.apply(night.lamps, Lane.COMMAND, 30.0)
            night.controller().writes.clear()
            night.controller().restart()
            await night.poll()
            assert night.controller().writes == [(FADE, 0), (LEVEL, 40)]

    run(main())


def test_a_restarted_gear_without_a_boot_counter_is_written_once() -> None:
    async def main() -> None:
        night = Night(1, parse_profile(NO_COUNTER, "bridge.toml"))
        async with night.kept():
            await night.poll()
            night.controller().writes.clear()
            night.controller().status = 1 << 7  # the bridge still gives back what was written
            for _ in range(3):
                await night.poll()
            assert night.controller().writes == [(LEVEL, 100)]
            resets = [each for each in night.records if isinstance(each, DeviceEvent)]
            assert [each.type for each in resets] == [EventType.DEVICE_RESET]
            night.controller().status = 0
            await night.poll()
            night.controller().status = 1 << 7
            await night.poll()
            assert night.controller().writes == [(LEVEL, 100)] * 2

    run(main())


def test_a_ramp_longer_than_any_read_back_is_no_failure() -> None:
    async def main() -> None:
        night = Night()
        async with night.kept():
            night.put(40)
            assert not await night.dimmer.apply(night.lamps, Lane.COMMAND, 600.0)
            night.dimmer.wake()
            for _ in range(5):
                await night.poll()
            assert night.controller().writes[-2:] == [(FADE, 6000), (LEVEL, 40)]
            assert not night.failures()

    run(main())


def test_a_confirmation_says_when_it_rests_on_an_acknowledgement_alone() -> None:
    async def main() -> None:
        for profile, caveat in ((None, ""), (WRITE_ONLY, "acknowledged; the lamp never reports its level")):
            night = Night(1, profile)
            async with night.kept():
                night.put(40)
                confirmations: list[Confirmation] = []
                await night.dimmer.apply(night.lamps, Lane.COMMAND, on_confirmed=confirmations.append)
                assert confirmations == [Confirmation(night.lamps[0], 40, caveat)]

    run(main())


def test_a_lamp_is_left_alone_while_a_command_is_applied_to_it() -> None:
    async def main() -> None:
        night = Night()
        async with night.kept():
            night.controller().writes.clear()
            night.controller().masks = True
            night.put(40)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(night.dimmer.apply(night.lamps, Lane.COMMAND, 30.0))
                while not night.controller().writes:
                    night.dimmer.wake()
                    await virtual_time.passes(EXCHANGE_S / 2)
                night.dimmer.wake()
            # With the ramp of the command each time, never with that of the plan.
            assert night.controller().writes[0] == (FADE, 300)
            assert (FADE, 0) not in night.controller().writes

    run(main())


def test_a_line_with_a_meter_is_written_lamp_by_lamp() -> None:
    async def main() -> None:
        for others, broadcasts in (((), 2), ((device_of("cabinet", 201, load_builtin("pzem-016")),), 0)):
            night = Night(5, None, *others)
            async with night.kept():
                assert len(night.street.broadcasts) == broadcasts
                assert all(each.holdings[LEVEL] == 100 for each in night.street.units.values())

    run(main())
