"""What is read of a controller's own settings never undoes what was told meanwhile: in virtual time."""

import asyncio

from edge.control.controller_watchdog import ControllerWatchdog, ControllerWatchdogSettings
from edge.line import Lane
from tests.support import virtual_time
from tests.support.street import EXCHANGE_S, FADE, MASK, TIMEOUT, Block


def test_a_ramp_told_while_the_watchdog_is_set_is_not_forgotten() -> None:
    async def main() -> None:
        block = Block()
        lamp, controller = block.lamps[0], block.controller()
        controller.holdings[:] = [0, 0, 60, 0, 0]
        fallback = ControllerWatchdog(block.street, block.lamps, ControllerWatchdogSettings(3600, 100))  # type: ignore[arg-type]
        block.reader.add_observer(fallback.observe)
        block.want(40)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(fallback.run())
            await block.reader.read(lamp, Lane.READING)
            await virtual_time.passes(2.5 * EXCHANGE_S)
            assert controller.writes == [(TIMEOUT, 3600)]
            await block.teller.settle([lamp], Lane.COMMAND, 30.0)
            assert lamp.written_ramp_s == 30.0
            await virtual_time.passes(5)
            assert lamp.written_ramp_s == 30.0
            assert controller.holdings == [40, 300, 3600, 100, 100]
            running.cancel()

    virtual_time.run(main())


def test_a_fade_found_in_a_controller_is_known_and_one_it_does_not_tell_is_not() -> None:
    async def main() -> None:
        for found, known in ((600, 60.0), (MASK, None)):
            block = Block()
            lamp = block.lamps[0]
            lamp.written_ramp_s = 0.0
            block.controller().holdings[FADE] = found
            fallback = ControllerWatchdog(block.street, block.lamps, ControllerWatchdogSettings(3600, 100))  # type: ignore[arg-type]
            block.reader.add_observer(fallback.observe)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(fallback.run())
                await block.reader.read(lamp, Lane.READING)
                await virtual_time.passes(1)
                running.cancel()
            assert lamp.written_ramp_s == known

    virtual_time.run(main())
