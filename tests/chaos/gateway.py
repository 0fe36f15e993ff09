"""A gateway process whose domain clock can be set wrong: `python -m tests.chaos.gateway CONFIG STEP_FILE`.

The file holds seconds; the clock the gateway goes by is that much off the town's.
"""

import asyncio
import os
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from edge.config.settings import load
from edge.gateway import run_gateways
from lentera.clocks import clock_from
from lentera.logs import configure_logs
from protocols.clock import Clock

_LOOK_EVERY_S = 0.1


class SteppingClock:
    """Another clock plus what stands in a file."""

    def __init__(self, right: Clock, step_file: Path) -> None:
        self._right = right
        self._step_file = step_file
        self._off = timedelta()
        self._looked_at = float("-inf")

    @property
    def speed(self) -> float:
        """The speed of the right clock."""
        return self._right.speed

    def now(self) -> datetime:
        """The wrong time."""
        wall = time.monotonic()
        if wall - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = wall
            self._off = timedelta(seconds=float(self._step_file.read_text()))
        return self._right.now() + self._off


def main() -> None:
    """Run until ended."""
    config, step_file = map(Path, sys.argv[1:])
    configure_logs()
    asyncio.run(run_gateways([load(config)], SteppingClock(clock_from(os.environ), step_file)))


if __name__ == "__main__":
    main()
