"""A real ingester in a process of its own, for benchmarks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud.database import create_engine, upgrade
from cloud.provisioning import import_inventory
from protocols.inventory.model import Inventory
from tests.conftest import wait_until


@contextmanager
def running_ingester(folder: Path, broker_port: int, inventory: Inventory) -> Iterator[None]:
    """It knows `inventory` and keeps its SQLite files, cloud.db and telemetry.db, in `folder`."""
    database = f"sqlite:///{folder / 'cloud.db'}"
    engine = create_engine(database)
    upgrade(engine)
    import_inventory(engine, inventory)
    engine.dispose()
    settings = {
        "LENTERA_DATABASE_URL": database,
        "LENTERA_TELEMETRY_URL": f"sqlite:///{folder / 'telemetry.db'}",
        "LENTERA_MQTT_PORT": str(broker_port),
    }
    with (folder / "ingest.log").open("wb") as log:
        command = [sys.executable, "-m", "lentera", "cloud", "--role", "ingest"]
        process = subprocess.Popen(command, env={**os.environ, **settings}, stderr=log)
    try:
        wait_until(lambda: b"broker reached" in (folder / "ingest.log").read_bytes(), 30, "the ingester")
        yield
    finally:
        process.terminate()
        process.wait()
