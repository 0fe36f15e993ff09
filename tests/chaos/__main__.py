"""`make chaos ARGS="--faults 1000 --seed 7"`: a long storm; exit status 1 when it cost a record.

On two cores: about 60 faults and 1,250 records a minute, so 17 minutes for 1,000 faults. The same seed draws
the same faults; at which instruction they strike is the machine's affair, so a second run is another test.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.chaos.storm import Storm
from tests.chaos.town import running_town

FAULTS_PER_BURST = 25


def main() -> None:
    """Run bursts until there were enough faults; the folder stays, for what it may show."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="a new one, to keep databases and logs in")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="lentera-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    # However it is ended, its processes and its disks are to end with it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began, stuck = time.monotonic(), ""
    with running_town(folder, options.seed) as town:
        storm = Storm(town, options.seed)
        while (left := options.faults - storm.toll.faults.total()) > 0:
            try:
                verdict = storm.burst(min(left, FAULTS_PER_BURST))
            except pytest.fail.Exception as error:
                stuck = str(error)
                storm.audit()
                break
            minutes = (time.monotonic() - began) / 60
            done = storm.toll.faults.total()
            _say(f"{minutes:5.1f} min  {done}/{options.faults} faults  {verdict.summary()}")
            if not verdict.holds:
                break
    for line in storm.toll.lines():
        _say(line)
    if stuck:
        _say(f"did not come back to life: {stuck}")
    for line in storm.toll.verdict.examples(20):
        _say(line)
    _say(f"seed {options.seed}, {(time.monotonic() - began) / 60:.1f} minutes, all in {folder}")
    sys.exit(0 if storm.toll.holds and not stuck else 1)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
