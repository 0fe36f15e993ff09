"""`make fuzz`: bytes that a coverage-guided fuzzer makes, into every decoder of untrusted bytes."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import ALL
from tests.support.decoders import DECODERS, HOSTILE_BYTES

_MOST_BYTES = 4_096
_MOST_SECONDS_PER_INPUT = 10
_MOST_MEMORY_MB = 2_048


def main() -> int:
    """Fuzz each decoder in a process of its own; return the exit status."""
    options = _options()
    failed = [name for name in options.only or DECODERS if not _fuzz(name, options.inputs)]
    for name in failed:
        sys.stdout.write(f"FAILED {name}\n")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="inputs for each decoder")
    parser.add_argument(
        "--only", action="append", choices=[*DECODERS, ALL], help=f"one decoder, or {ALL!r} in one process"
    )
    return parser.parse_args()


def _fuzz(name: str, inputs: int) -> bool:
    """Run one decoder's process; True when every input led to a result or the documented error."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, body in enumerate(HOSTILE_BYTES.values()):
            (corpus / f"hostile-{number}").write_bytes(body)
        command = [sys.executable, "-m", "tests.fuzz.target", name]
        limits = [f"-runs={inputs}", f"-max_len={_MOST_BYTES}", f"-artifact_prefix={folder}/"]
        guards = [f"-timeout={_MOST_SECONDS_PER_INPUT}", f"-rss_limit_mb={_MOST_MEMORY_MB}"]
        run = subprocess.run(
            [*command, *limits, *guards, str(corpus)], capture_output=True, text=True, check=False
        )
    passed = run.returncode == 0
    if not passed:
        sys.stdout.write(f"{run.stdout[-3_000:]}\n{run.stderr[-3_000:]}\n")
    verdict, took_s = "ok" if passed else "FAILED", time.monotonic() - began_s
    sys.stdout.write(f"{verdict:6} {name}: {inputs} inputs, {took_s:.0f} s\n")
    sys.stdout.flush()
    return passed


if __name__ == "__main__":
    sys.exit(main())
