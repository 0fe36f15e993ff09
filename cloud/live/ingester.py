"""Whether an ingester is at work, judged by an API process from the signs of life it hears."""

import time
from collections.abc import Callable
from datetime import datetime

from cloud.live.model import IngestView
from protocols.sparkplug.messages import HostState

PATIENCE_S = 10.0
"""How long an ingester may be silent, and after a start how long nothing need be known of one."""


class IngesterMonitor:
    """Signs of life of whichever ingester is at work; times are wall seconds, not domain time."""

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._heard_s: float | None = None
        self._left_s: float | None = None
        self._state_ms = 0
        self._data_as_of: datetime | None = None

    def begin(self) -> None:
        """Listen from now on: an ingester has this long to be heard."""
        if self._heard_s is None:
            self._heard_s = self._wall()

    def heartbeat(self, beat: IngestView) -> None:
        """Take a heartbeat; one of an ingester that gets nothing stored counts as none."""
        if beat.data_as_of is not None:
            self._data_as_of = beat.data_as_of
        if beat.storing:
            self._heard_s, self._left_s = self._wall(), None

    def host_state(self, state: HostState) -> None:
        """Take what the broker keeps of the primary host; it is back only when it is heard."""
        if state.timestamp < self._state_ms:
            return  # the will of one whose place another has taken
        self._state_ms = state.timestamp
        if not state.online and self._left_s is None:
            self._left_s = self._wall()

    @property
    def online(self) -> bool:
        """Whether one is at work, or may be: at first nothing is known."""
        return self._away_s() < 0

    @property
    def lost(self) -> bool:
        """Whether none has been at work for so long that this is no restart."""
        return self._away_s() > PATIENCE_S

    @property
    def data_as_of(self) -> datetime | None:
        """The newest instant at which readings were stored; None while none is known."""
        return self._data_as_of

    def _away_s(self) -> float:
        """How long none has been at work; negative while one is."""
        now_s = self._wall()
        silent_s = -PATIENCE_S if self._heard_s is None else now_s - self._heard_s - PATIENCE_S
        return silent_s if self._left_s is None else max(silent_s, now_s - self._left_s)
