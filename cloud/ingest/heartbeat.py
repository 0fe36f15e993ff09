"""The ingester's heartbeat: whether its stores take batches, and when they last took readings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from cloud.live.model import IngestView

INTERVAL_S = 2.0
_LONGEST_STORE_S = 5.0  # a batch takes a small fraction of a second; past this a store fails or hangs


class Heartbeat:
    """The content of the next heartbeat; `wall` is in seconds.

    `data_as_of` is when readings were stored last, in domain time; None where none ever were.
    """

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._began_s: float | None = None
        self.data_as_of: datetime | None = None

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Enclose the storing of one batch, retries included."""
        # A store blocks a thread of its own, so heartbeats go on and can report that nothing is stored.
        self._began_s = self._wall()
        try:
            yield
        finally:
            self._began_s = None

    def beat(self) -> IngestView:
        """Return the heartbeat to send now."""
        stuck = self._began_s is not None and self._wall() - self._began_s > _LONGEST_STORE_S
        return IngestView(data_as_of=self.data_as_of, storing=not stuck)
