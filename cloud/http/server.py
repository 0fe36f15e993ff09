"""uvicorn as one task among others: it ends when its task is cancelled, after answering what it has begun."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

_GRACE_S = 5


class ListenError(OSError):
    """An address that can't be listened on."""


class TaskServer(uvicorn.Server):
    """A server that leaves signals to whoever runs it and turns cancellation into an orderly end."""

    def __init__(self, config: uvicorn.Config, before_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_end = before_end

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: signals are the process's matter."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections, even if cancelled meanwhile: before that no server could be closed."""
        starting = asyncio.ensure_future(super().startup(sockets))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await starting
            self._exit_instead_of_cancelling()

    async def main_loop(self) -> None:
        """Serve until cancelled; streams are asked to end, so that the rest of the shutdown need not wait."""
        try:
            await super().main_loop()
        except asyncio.CancelledError:
            self._exit_instead_of_cancelling()
        finally:
            self._before_end()

    def _exit_instead_of_cancelling(self) -> None:
        """Let uvicorn's own shutdown follow, which a cancelled task would not get through."""
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        self.should_exit = True


async def serve(app: FastAPI, listener: socket.socket, before_end: Callable[[], None]) -> None:
    """Serve `app` until cancelled; `before_end` runs before open connections are waited for."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        http="httptools",
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
    )
    with listener:
        await TaskServer(config, before_end).serve([listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises ListenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ListenError(
            f"can't listen on {host}:{port} ({os.strerror(error.errno or 0)}), expected a free address"
        ) from error
