"""Tells systemd that the gateway has started, goes on and ends (sd_notify); silent where systemd is not."""

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Final

import structlog

log = structlog.get_logger(__name__)

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"

_BEATS_PER_TIMEOUT = 3


class Watchdog:
    """Beats as long as the event loop turns: a process that hangs is killed and started again by systemd."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._timeout_us = environment.get("WATCHDOG_USEC", "")
        self._process = environment.get("WATCHDOG_PID", "")
        self._failing = False

    @property
    def beat_s(self) -> float | None:
        """Seconds between two beats; None where none are wanted from this process."""
        if not self._timeout_us.isdecimal() or self._process not in ("", str(os.getpid())):
            return None
        return int(self._timeout_us) / 1e6 / _BEATS_PER_TIMEOUT

    async def run(self) -> None:
        """Say that all has started, beat until cancelled, and say that it ends."""
        self.tell(READY)
        beat_s = self.beat_s
        try:
            while True:
                await asyncio.sleep(3600 if beat_s is None else beat_s)
                if beat_s is not None:
                    self.tell(ALIVE)
        finally:
            self.tell(STOPPING)

    def tell(self, state: str) -> None:
        """Send one state, where somebody listens."""
        if not self._address:
            return
        # A leading @ stands for the NUL of Linux's abstract names.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.setblocking(False)
                channel.sendto(state.encode(), address)
        except OSError as error:
            if not self._failing:
                log.warning("systemd cannot be told", state=state, why=str(error))
            self._failing = True
        else:
            self._failing = False
