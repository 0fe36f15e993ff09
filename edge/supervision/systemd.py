"""Tells systemd that the gateway has started, goes on and ends (sd_notify); silent where systemd is not."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog

from edge.supervision.liveness import Progress, StallDetector

log = structlog.get_logger(__name__)

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"

_BEATS_PER_TIMEOUT = 3
_LOOK_EVERY_S = 10.0


class Watchdog:
    """Beats as long as the event loop turns and nothing in `pulses` is stuck.

    Without a beat systemd kills the process and starts it again: that is for what only a restart can cure.
    """

    def __init__(
        self, environment: Mapping[str, str], pulses: Callable[[], Iterable[Progress]] = lambda: ()
    ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._timeout_us = environment.get("WATCHDOG_USEC", "")
        self._process = environment.get("WATCHDOG_PID", "")
        self._pulses = pulses
        self._vigil = StallDetector()
        self._stuck: tuple[str, ...] = ()
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
                await asyncio.sleep(_LOOK_EVERY_S if beat_s is None else beat_s)
                if self._all_goes_on() and beat_s is not None:
                    self.tell(ALIVE)
        finally:
            self.tell(STOPPING)

    def _all_goes_on(self) -> bool:
        """Whether nothing is stuck; says once when that ends or begins again."""
        stuck = self._vigil.stuck(self._pulses(), time.monotonic())
        if new := sorted(set(stuck) - set(self._stuck)):
            log.error("stuck: systemd is not told that all goes on", parts=new)
        if self._stuck and not stuck:
            log.info("nothing is stuck any more", parts=sorted(self._stuck))
        self._stuck = stuck
        return not stuck

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
            if self._failing:
                log.info("systemd can be told again", state=state)
            self._failing = False
