"""Whether an ingester is running, judged by an API process from heartbeats and the host's STATE."""

import time
from collections.abc import Callable
from datetime import datetime

from cloud.live.model import IngestView
from protocols.sparkplug.messages import HostState

PATIENCE_S = 10.0
"""How long heartbeats may be missing, also after a start, before the ingester counts as offline."""


class IngesterMonitor:
    """The presence of the one active ingester; times are wall seconds, not domain time."""

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._heard_s: float | None = None
        self._left_s: float | None = None
        self._state_ms = 0
        self.data_as_of: datetime | None = None
        """The newest instant at which readings were stored; None while none is known."""

    def begin(self) -> None:
        """Start waiting: the first heartbeat may take `PATIENCE_S` from now."""
        if self._heard_s is None:
            self._heard_s = self._wall()

    def heartbeat(self, beat: IngestView) -> None:
        """Record a heartbeat; one of an ingester that can store nothing does not count."""
        if beat.data_as_of is not None:
            self.data_as_of = beat.data_as_of
        if beat.storing:
            self._heard_s, self._left_s = self._wall(), None

    def host_state(self, state: HostState) -> None:
        """Record the host's retained STATE; only a heartbeat proves that it runs again."""
        if state.timestamp < self._state_ms:
            return  # the will of a connection that another has replaced since
        self._state_ms = state.timestamp
        if not state.online and self._left_s is None:
            self._left_s = self._wall()

    @property
    def online(self) -> bool:
        """Whether an ingester is running; also true after the start, until `PATIENCE_S` have passed."""
        return self._away_s() < 0

    @property
    def lost(self) -> bool:
        """Whether no ingester has been running for more than `PATIENCE_S`, which a restart does not take."""
        return self._away_s() > PATIENCE_S

    def _away_s(self) -> float:
        """Return for how long none has been running; negative while one is."""
        now_s = self._wall()
        silent_s = -PATIENCE_S if self._heard_s is None else now_s - self._heard_s - PATIENCE_S
        return silent_s if self._left_s is None else max(silent_s, now_s - self._left_s)
