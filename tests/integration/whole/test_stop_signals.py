"""Every long-running command ends in order at a stop signal, however it was started."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PATIENCE_S, accepts_connections, free_port, wait_until
from tests.integration.whole.test_systemd_units import SETTINGS

STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]

# What a shell script does for the processes it puts into the background, and `nohup` for other signals.
IGNORING = ("sh", "-c", 'trap "" INT TERM; exec "$0" "$@"')

Command = tuple[list[str], dict[str, str]]


def sim(folder: Path, port: int) -> Command:
    return ["sim", "--lamps", "2", "--run-dir", str(folder / "sim"), "--port", str(port)], {}


def edge(folder: Path, port: int) -> Command:
    config = folder / "g.toml"
    line = folder / "no-such-line"
    settings = SETTINGS.format(broker=free_port(), folder=folder, line=line)
    config.write_text(settings.replace("[status]\nport = 0", f"[status]\nport = {port}"))
    return ["edge", "--config", str(config)], {}


def cloud(folder: Path, port: int) -> Command:
    return ["cloud"], {
        "LENTERA_DATABASE_URL": f"sqlite:///{folder}/cloud.db",
        "LENTERA_TELEMETRY_URL": f"sqlite:///{folder}/telemetry.db",
        "LENTERA_GATEWAY_KEYS": str(folder / "keys"),
        "LENTERA_MQTT_PORT": str(free_port()),
        "LENTERA_HTTP_PORT": str(port),
    }


@pytest.mark.parametrize(("number", "status"), STOPS, ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("start", [(), IGNORING], ids=["in front", "in the background"])
@pytest.mark.parametrize("command", [sim, edge, cloud], ids=lambda command: command.__name__)
def test_a_stop_signal_ends_the_process_in_order(
    tmp_path: Path,
    command: Callable[[Path, int], Command],
    start: tuple[str, ...],
    number: signal.Signals,
    status: int,
) -> None:
    port = free_port()
    arguments, environment = command(tmp_path, port)
    with subprocess.Popen(
        [*start, sys.executable, "-m", "lentera", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            wait_until(lambda: accepts_connections(port), what=f"lentera {arguments[0]}")
            process.send_signal(number)
            _, log = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert process.returncode == status
    assert b"Traceback" not in log
