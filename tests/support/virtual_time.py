"""An event loop whose time jumps to the next timer: a month of waiting takes seconds, files are real."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_REAL_WAIT_S = 0.05


class _Selector(selectors.DefaultSelector):
    """Where asyncio would wait, time moves instead; while threads work it stands still."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:
            return super().select(0)
        if timeout is None or self.loop.busy:
            return super().select(_REAL_WAIT_S)
        if found := super().select(0):
            return found
        self.loop.advance(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Begins at 0."""

    def __init__(self) -> None:
        self._virtual_s = 0.0
        self.busy = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._virtual_s

    def advance(self, seconds: float) -> None:
        self._virtual_s += seconds

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Any,
        func: Callable[..., T],
        *args: Any,
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self.busy += 1  # not before: with work that could not be started, time would stand still for ever
        future.add_done_callback(self._done)
        return future

    def _done(self, _: object) -> None:
        self.busy -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


async def passes(seconds: float) -> None:
    """So much time goes by in the world that is played; a loop in real time is refused, which would wait."""
    if not isinstance(asyncio.get_running_loop(), VirtualTimeLoop):
        raise TypeError("time passes by itself only in virtual time: wait for a condition instead")
    await asyncio.sleep(seconds)
