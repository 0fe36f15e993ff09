"""The units as systemd judges them, and a gateway that speaks to it as they promise."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge.config.settings import load
from tests.conftest import PATIENCE_S, free_port
from tests.support.modbus_slave import SlaveLine, Unit

ROOT = Path(__file__).parents[3]
UNITS = sorted((ROOT / "packaging" / "systemd").glob("*.service"))
MOST_EXPOSED = 20  # of 100: systemd calls up to 19 "OK" and the usual service 96 "UNSAFE"


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(params=UNITS, ids=lambda unit: unit.stem)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit that names a program which is there: systemd looks whether it is."""
    source: Path = request.param
    path = tmp_path / source.name
    path.write_text(re.sub(r"/opt/lentera/\.venv/bin/lentera", sys.executable, source.read_text()))
    return path


def test_there_is_a_unit_for_every_process() -> None:
    assert [unit.stem for unit in UNITS] == ["lentera-cloud-api", "lentera-cloud-ingest", "lentera-edge"]


def test_systemd_finds_no_mistake(unit: Path) -> None:
    verdict = analyze("verify", "--man=no", str(unit))
    about_unit = [line for line in verdict.stderr.splitlines() if "lentera" in line]
    assert about_unit == []
    assert verdict.returncode == 0


def test_the_service_may_do_little_else(unit: Path) -> None:
    verdict = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit))
    assert verdict.returncode == 0, verdict.stdout[-2000:]


def test_mistakes_would_be_found(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("[Service]", "[Service]\nProtectSistem=strict\nExecStart="))
    assert "ProtectSistem" in analyze("verify", "--man=no", str(unit)).stderr


def sections(path: Path) -> dict[str, dict[str, list[str]]]:
    """A unit's settings, each with its values in order."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in path.read_text().splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            settings = found.setdefault(heading[1], {})
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_what_each_service_must_not_do_is_said_where_systemd_is_not_here_to_judge(path: Path) -> None:
    service = sections(path)["Service"]
    for name, value in {
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "NoNewPrivileges": "yes",
        "PrivateTmp": "yes",
        "DevicePolicy": "closed",
        "CapabilityBoundingSet": "",
        "MemoryDenyWriteExecute": "yes",
        "Restart": "always",
    }.items():
        assert service[name] == [value], name
    assert service["User"] != ["root"]
    assert service["StateDirectory"]
    assert sections(path)["Unit"]["StartLimitIntervalSec"] == ["0"]


def test_the_gateway_sees_serial_ports_only_and_is_started_again_when_it_hangs() -> None:
    service = sections(ROOT / "packaging/systemd/lentera-edge.service")["Service"]
    assert service["SupplementaryGroups"] == ["dialout"]
    assert {"char-ttyUSB rw", "char-ttyACM rw", "char-ttyS rw"} <= set(service["DeviceAllow"])
    assert all(re.fullmatch(r"char-tty\w+ rw", each) for each in service["DeviceAllow"])
    assert (service["Type"], service["WatchdogSec"]) == (["notify"], ["30"])


def test_the_example_settings_fit_the_unit_and_pass_the_check() -> None:
    example = ROOT / "packaging" / "gateway.toml"
    config = load(example)
    service = sections(ROOT / "packaging/systemd/lentera-edge.service")["Service"]
    assert config.outbox.path.parent == Path("/var/lib") / service["StateDirectory"][0]
    assert config.clock.synchronized_file == Path("/run/systemd/timesync/synchronized")
    run = subprocess.run(
        [sys.executable, "-m", "lentera", "edge", "--config", str(example), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for field in ("host", "username", "password"):
        assert f"mqtt.{field} is still 'FILL-IN'" in run.stdout


SETTINGS = """
[gateway]
id = "g"
area = "a"
latitude = -7.03
longitude = 107.52
time_zone = "Asia/Jakarta"
[mqtt]
port = {broker}
[outbox]
path = "{folder}/outbox.db"
[status]
port = 0
[[line]]
port = "{line}"
baud = 38400
[[line.device]]
id = "L1"
unit = 1
"""


def test_a_gateway_says_when_it_is_ready_beats_and_ends_when_interrupted(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, SlaveLine({1: Unit()}, 38400) as slave:
        systemd.bind(f"{tmp_path}/notify")
        systemd.settimeout(PATIENCE_S)
        config = tmp_path / "g.toml"
        config.write_text(SETTINGS.format(broker=free_port(), folder=tmp_path, line=slave.path))
        with subprocess.Popen(
            [sys.executable, "-m", "lentera", "edge", "--config", str(config)],
            env={"NOTIFY_SOCKET": f"{tmp_path}/notify", "WATCHDOG_USEC": "600000"},
            stderr=subprocess.PIPE,
        ) as process:
            try:
                assert systemd.recv(64) == b"READY=1"
                assert systemd.recv(64) == b"WATCHDOG=1"
                process.send_signal(signal.SIGINT)
                while (state := systemd.recv(64)) == b"WATCHDOG=1":
                    pass
                assert state == b"STOPPING=1"
                _, log = process.communicate(timeout=PATIENCE_S)
            finally:
                process.kill()
    assert process.returncode == 130
    assert b"Traceback" not in log
