"""Every telemetry backend, each empty and on a server of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.telemetry.sqlite import SqliteTelemetry
from cloud.telemetry.store import TelemetryStore


def sqlite_store(folder: Path) -> Iterator[TelemetryStore]:
    yield SqliteTelemetry.open(folder / "telemetry" / "readings.db")


BACKENDS: dict[str, Callable[[Path], Iterator[TelemetryStore]]] = {"sqlite": sqlite_store}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def any_store(backend: str, tmp_path: Path) -> Iterator[TelemetryStore]:
    yield from BACKENDS[backend](tmp_path)


@pytest.fixture
def keeps_text(backend: str) -> bool:
    return backend != "victoria-metrics"
