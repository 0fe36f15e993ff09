"""A short run of the fuzzer, and that it sees a decoder that raises what it does not document."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import ALL

pytest.importorskip("atheris", reason="the fuzzer is installed on Linux only")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_no_decoder_raises_what_it_does_not_document() -> None:
    run = _fuzz("-m", "tests.fuzz", "--only", ALL, "--inputs", "20000")
    assert run.returncode == 0, run.stdout
    assert f"ok     {ALL}: 20000 inputs" in run.stdout


def test_an_undocumented_error_ends_the_run(tmp_path: Path) -> None:
    """Else a fuzzer that catches everything would never find anything."""
    broken = "from tests.support import decoders; decoders.DECODERS['plan'] = (bytes.decode, KeyError)"
    started = "import runpy; runpy.run_module('tests.fuzz.target', run_name='__main__')"
    run = _fuzz("-c", f"{broken}; {started}", "plan", "-runs=20000", f"-artifact_prefix={tmp_path}/")
    assert run.returncode != 0
    assert list(tmp_path.glob("crash-*"))
    assert "UnicodeDecodeError" in run.stderr + run.stdout


def _fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
