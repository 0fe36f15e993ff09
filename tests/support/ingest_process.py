"""An ingester as a process of its own, to be killed: `python ingest_process.py PORT FOLDER`."""

import asyncio
import sys
import time
from pathlib import Path

from cloud.database import create_engine, upgrade
from cloud.ingest.service import IngestComponents, IngestLimits, run_ingest
from cloud.inventory.store import InventoryStore
from cloud.mqtt import BrokerAddress
from cloud.telemetry.open import open_store
from protocols.clock import system_clock


def main(port: int, folder: Path) -> None:
    """Ingest from the broker at `port` into `folder` until killed."""
    engine = create_engine(f"sqlite:///{folder}/lentera.db")
    upgrade(engine)
    parts = IngestComponents(
        engine=engine,
        telemetry=open_store(f"sqlite:///{folder}/telemetry.db"),
        broker=BrokerAddress("127.0.0.1", port),
        load_inventory=InventoryStore(engine).load,
        clock=system_clock(time.time),
        limits=IngestLimits(linger_s=0.02),
    )
    asyncio.run(run_ingest(parts))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
