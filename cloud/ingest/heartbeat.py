"""What an ingester says of itself every few seconds: whether its stores take anything, and when they did."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from cloud.live.model import IngestView

INTERVAL_S = 2.0
_LONGEST_STORE_S = 5.0  # a batch takes a small part of a second; past this a store refuses work or hangs


class Heartbeat:
    """The heartbeat's content; `wall` is in seconds, the instants are of domain time."""

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._began_s: float | None = None
        self._data_as_of: datetime | None = None

    def stored(self, instant: datetime | None) -> None:
        """Readings were stored at this instant; None where none ever were."""
        self._data_as_of = instant

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Something is being stored while the block runs, tries and failures included."""
        self._began_s = self._wall()
        try:
            yield
        finally:
            self._began_s = None

    def beat(self) -> IngestView:
        """The heartbeat of now."""
        stuck = self._began_s is not None and self._wall() - self._began_s > _LONGEST_STORE_S
        return IngestView(data_as_of=self._data_as_of, storing=not stuck)
