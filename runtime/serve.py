"""uvicorn as one task among others: a cancelled server ends after it has answered open requests."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI


class _TaskServer(uvicorn.Server):
    """A server that leaves signals to its process and turns cancellation into an orderly shutdown."""

    def __init__(self, config: uvicorn.Config, before_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_end = before_end

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: the process handles its signals itself."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections, even if cancelled meanwhile."""
        starting = asyncio.ensure_future(super().startup(sockets))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # asyncio accepts connections before it returns the server: until then nothing could close it.
            await starting
            self._shut_down()

    async def main_loop(self) -> None:
        """Serve until cancelled."""
        try:
            await super().main_loop()
        except asyncio.CancelledError:
            self._shut_down()
        finally:
            self._before_end()

    def _shut_down(self) -> None:
        """Let the orderly shutdown follow. It awaits open connections: it must not be cancelled as well."""
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        self.should_exit = True


async def serve(
    app: FastAPI, listener: socket.socket, *, grace_s: int, before_end: Callable[[], None] = lambda: None
) -> None:
    """Serve `app` on `listener` until cancelled.

    At the end `before_end` runs first, so that it can end long streams; open connections then have `grace_s`
    seconds.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        http="httptools",
        ws="none",
        timeout_graceful_shutdown=grace_s,
        server_header=False,
    )
    with listener:
        await _TaskServer(config, before_end).serve([listener])
