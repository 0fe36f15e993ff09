"""What is read of a controller's own settings never undoes what was written meanwhile: in virtual time."""

import asyncio

import pytest

from edge.control.controller_watchdog import ControllerWatchdog, ControllerWatchdogSettings
from edge.line import Lane, NoResponseError
from tests.support import virtual_time
from tests.support.street import EXCHANGE_S, FADE, MASK, TIMEOUT, Block


def watchdog_of(block: Block) -> ControllerWatchdog:
    """That of the block's lamps, which looks at each poll."""
    settings = ControllerWatchdogSettings(3600, 100)
    watchdog = ControllerWatchdog(block.street, block.reader, block.writer, block.lamps, settings)  # type: ignore[arg-type]
    block.reader.lamp_observers.append(watchdog)
    return watchdog


def test_a_ramp_written_while_the_watchdog_is_set_is_not_forgotten() -> None:
    async def main() -> None:
        block = Block()
        lamp, controller = block.lamps[0], block.controller()
        controller.holdings[:] = [0, 0, 60, 0, 0]
        watchdog = watchdog_of(block)
        block.want(40)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(watchdog.run())
            await block.reader.poll(lamp, Lane.READING)
            await virtual_time.passes(2.5 * EXCHANGE_S)
            assert controller.writes == [(TIMEOUT, 3600)]
            await block.writer.write_and_verify([lamp], Lane.COMMAND, 30.0)
            assert block.written()[1] == 30.0
            await virtual_time.passes(5)
            assert block.written()[1] == 30.0
            assert controller.holdings == [40, 300, 3600, 100, 100]
            running.cancel()

    virtual_time.run(main())


def test_a_controller_that_fell_silent_is_configured_at_its_return() -> None:
    async def main() -> None:
        block = Block()
        lamp, controller = block.lamps[0], block.controller()
        controller.holdings[TIMEOUT] = 60
        watchdog = watchdog_of(block)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(watchdog.run())
            await block.reader.poll(lamp, Lane.READING)
            controller.is_silent = True
            for _ in range(3):
                with pytest.raises(NoResponseError):
                    await block.reader.poll(lamp, Lane.READING)
            await virtual_time.passes(300)
            controller.is_silent = False
            await block.reader.poll(lamp, Lane.READING)
            await virtual_time.passes(61)
            running.cancel()
        assert controller.writes == [(TIMEOUT, 3600)]

    virtual_time.run(main())


def test_a_fade_found_in_a_controller_is_known_unless_it_is_masked() -> None:
    async def main() -> None:
        for found, known in ((600, 60.0), (MASK, None)):
            block = Block()
            lamp = block.lamps[0]
            block.writer.record_ramp(lamp, 0.0)
            block.controller().holdings[FADE] = found
            watchdog = watchdog_of(block)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(watchdog.run())
                await block.reader.poll(lamp, Lane.READING)
                await virtual_time.passes(1)
                running.cancel()
            assert block.written()[1] == known

    virtual_time.run(main())
