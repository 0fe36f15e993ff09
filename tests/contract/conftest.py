"""Every telemetry backend, each empty and on a server of its own."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from cloud.telemetry.open import open_store
from cloud.telemetry.store import TelemetryStore
from tests.conftest import free_port, require_program, wait_until

INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http_port}"
  log-enabled = false
"""


@contextmanager
def running(command: list[str], ready_url: str) -> Iterator[None]:
    """A server that answers at `ready_url` while the context is open."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        wait_until(
            lambda: process.poll() is not None or answers(ready_url), what=f"{command[0]} at {ready_url}"
        )
        assert process.poll() is None, f"{command[0]} ended by itself"
        yield
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real InfluxDB 1.x."""
    folder, port = tmp_path_factory.mktemp("influxd"), free_port()
    config = folder / "influxdb.conf"
    config.write_text(INFLUX_CONFIG.format(rpc_port=free_port(), http_port=port, folder=folder))
    command = [require_program("influxd"), "run", "-config", str(config)]
    with running(command, f"http://127.0.0.1:{port}/ping"):
        yield port


@contextmanager
def victoria_metrics(folder: Path, *options: str) -> Iterator[int]:
    """The port of a real VictoriaMetrics; it keeps all in one name space, so each test has its own."""
    port = free_port()
    command = [
        require_program("victoria-metrics"),
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder}",
        "-retentionPeriod=100y",
        "-dedup.minScrapeInterval=1ms",
        "-memory.allowedBytes=200MB",
        *options,
    ]
    with running(command, f"http://127.0.0.1:{port}/health"):
        yield port


def sqlite_store(folder: Path, _request: pytest.FixtureRequest) -> Iterator[TelemetryStore]:
    yield open_store(f"sqlite:///{folder}/telemetry/readings.db")


def influx_store(folder: Path, request: pytest.FixtureRequest) -> Iterator[TelemetryStore]:
    yield open_store(f"influxdb://127.0.0.1:{request.getfixturevalue('influxd')}/{folder.name}")


def victoria_store(folder: Path, _request: pytest.FixtureRequest) -> Iterator[TelemetryStore]:
    with victoria_metrics(folder) as port:
        yield open_store(f"victoriametrics://127.0.0.1:{port}?flush=true")


Backend = Callable[[Path, pytest.FixtureRequest], Iterator[TelemetryStore]]
BACKENDS: dict[str, Backend] = {
    "sqlite": sqlite_store,
    "influxdb-1": influx_store,
    "victoria-metrics": victoria_store,
}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def any_store(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TelemetryStore]:
    yield from BACKENDS[backend](tmp_path, request)


@pytest.fixture
def keeps_text(backend: str) -> bool:
    return backend != "victoria-metrics"
