"""The committed protobuf modules are what the .proto gives."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
PROTO = "protocols/sparkplug/sparkplug_b.proto"


def test_the_generated_modules_are_up_to_date(tmp_path: Path) -> None:
    plugin = Path(sys.executable).parent / "protoc-gen-mypy"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--plugin=protoc-gen-mypy={plugin}"]
    outputs = [f"--python_out={tmp_path}", f"--mypy_out={tmp_path}", PROTO]
    subprocess.run([*command, *outputs], cwd=ROOT, check=True, capture_output=True)
    for name in ("sparkplug_b_pb2.py", "sparkplug_b_pb2.pyi"):
        fresh = tmp_path / "protocols" / "sparkplug" / name
        committed = ROOT / "protocols" / "sparkplug" / name
        assert committed.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), name
