"""Runs the coroutine of a command until it returns or a signal stops it."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def run_until_stopped(start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run what `start` makes; SIGINT or SIGTERM cancels it, a second signal ends the process at once.

    Raises:
        SystemExit: 128 + the signal's number, when the cancellation has come out of the coroutine.
    """
    received: list[int] = []

    async def stoppable() -> None:
        with _cancelled_by_signals(received):
            await start()

    try:
        asyncio.run(stoppable())
    except (asyncio.CancelledError, KeyboardInterrupt) as ended:
        if not received and isinstance(ended, asyncio.CancelledError):
            raise
        sys.exit(128 + (received[0] if received else signal.SIGINT))


@contextmanager
def _cancelled_by_signals(received: list[int]) -> Iterator[None]:
    """Cancel the current task at the first SIGINT or SIGTERM and note its number in `received`.

    `asyncio.run` has a handler of its own, but only for SIGINT, and not where the process inherited SIGINT
    as ignored. A shell script starts its background processes like that: they could not be stopped.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def stop(number: int, _: FrameType | None) -> None:
        received.append(number)
        _restore_defaults()
        if task is not None:
            task.cancel()
        # A handler may run while the loop waits for events: without an event it would go on waiting.
        loop.call_soon_threadsafe(lambda: None)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        yield
    finally:
        _restore_defaults()


def _restore_defaults() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
