"""Notifies systemd of start, liveness and end (sd_notify(3)); does nothing where systemd did not start us."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog

from edge.supervision.liveness import Progress, StallDetector
from runtime.failure_reporter import FailureReporter

log = structlog.get_logger(__name__)

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"

_KEEPALIVES_PER_TIMEOUT = 3
"""sd_watchdog_enabled(3) recommends two; a third allows for one that a busy processor delays."""

_CHECK_EVERY_S = 10.0
"""How often to look for stalls where systemd expects no keep-alive: they are logged in any case."""


class SystemdNotifier:
    """Sends keep-alives as long as the event loop runs and nothing in `progress` has stalled.

    Without them systemd kills the process and starts it again, so they stop only for a fault that a restart
    can end.
    """

    def __init__(
        self, environment: Mapping[str, str], progress: Callable[[], Iterable[Progress]] = lambda: ()
    ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._timeout_us = environment.get("WATCHDOG_USEC", "")
        self._process = environment.get("WATCHDOG_PID", "")
        self._progress = progress
        self._detector = StallDetector()
        self._stalled: tuple[str, ...] = ()
        self._reporter = FailureReporter(
            log, "systemd_notification_failed", "systemd_notification_recovered", level="warning"
        )

    @property
    def keepalive_s(self) -> float | None:
        """Seconds between two keep-alives; None where systemd expects none from this process."""
        if not self._timeout_us.isdecimal() or self._process not in ("", str(os.getpid())):
            return None
        return int(self._timeout_us) / 1e6 / _KEEPALIVES_PER_TIMEOUT

    async def run(self) -> None:
        """Notify of the start, send keep-alives until cancelled, then notify of the end."""
        self.notify(READY)
        keepalive_s = self.keepalive_s
        try:
            while True:
                await asyncio.sleep(_CHECK_EVERY_S if keepalive_s is None else keepalive_s)
                if not self.find_stalls() and keepalive_s is not None:
                    self.notify(ALIVE)
        finally:
            self.notify(STOPPING)

    def find_stalls(self) -> tuple[str, ...]:
        """Return the names of stalled components; logs each stall once, and when the last one has ended."""
        stalled = self._detector.stalled(self._progress(), time.monotonic())
        if new := sorted(set(stalled) - set(self._stalled)):
            log.error("stall_detected", components=new)
        if self._stalled and not stalled:
            log.info("stall_ended", components=sorted(self._stalled))
        self._stalled = stalled
        return stalled

    def notify(self, state: str) -> None:
        """Send one state, such as `READY=1`; an error is logged once, and so is its end."""
        if not self._address:
            return
        # A leading @ is systemd's spelling of the NUL byte of Linux's abstract socket names.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                # A systemd that does not read must not hold up the event loop.
                channel.setblocking(False)
                channel.sendto(state.encode(), address)
        except OSError as error:
            self._reporter.failed(error, state=state)
        else:
            self._reporter.recovered(state=state)
