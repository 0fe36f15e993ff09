"""The cloud's machine and that of a gateway without internet, with a file between them."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloud.config import CloudConfig
from cloud.database import create_engine, upgrade
from cloud.ingest.transfer import StoredBundle, create_key
from cloud.plans.model import Assignment, DesiredPlan, Scope
from cloud.plans.resolved import WantedDocument, resolve_plan
from cloud.plans.store import PlanStore
from cloud.provisioning import import_inventory
from cloud.wiring import store_bundle_records
from edge.config.settings import GatewayConfig, load
from edge.outbox import Outbox
from edge.storage.state import StateStore
from protocols.events import DeviceEvent, EventType
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from protocols.lamp import CommandResult, CommandStatus, LampReading, Reason
from protocols.lighting.calendar import Calendar, CalendarRule
from protocols.lighting.program import LightingProgram
from tests.support.edge_cloud import clock_at

EVENING = datetime(2026, 6, 1, 13, 0, 0, 123_456, tzinfo=UTC)
RECORDS = 2500
CONFIG = """
[gateway]
id = "{gateway}"
area = "32.04.37"
latitude = -7.03
longitude = 107.52
time_zone = "Asia/Jakarta"
[outbox]
path = "{folder}/{gateway}.outbox.db"
[transfer]
key_file = "{folder}/{gateway}.key"
[[line]]
port = "/dev/ttyUSB0"
[[line.device]]
id = "SOR-00001"
unit = 1
"""


class Desk:
    """The cloud's machine and the gateway's, with the file between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundle = folder / "soreang-01.bundle"
        self.answer = folder / "soreang-01.bundle.answer"
        engine = create_engine(self.cloud.database_url)
        upgrade(engine)
        engine.dispose()
        self.config = self.gateway("soreang-01")

    def gateway(self, name: str) -> Path:
        config = self.folder / f"{name}.toml"
        config.write_text(CONFIG.format(gateway=name, folder=self.folder))
        shutil.copy(create_key(self.cloud.gateway_keys, name), self.folder / f"{name}.key")
        return config

    def run(self, *arguments: object, status: int = 0) -> str:
        environment = {
            "LENTERA_DATABASE_URL": f"sqlite:///{self.folder}/cloud.db",
            "LENTERA_TELEMETRY_URL": f"sqlite:///{self.folder}/telemetry.db",
            "LENTERA_GATEWAY_KEYS": str(self.folder / "keys"),
            "PATH": "/usr/bin:/bin",
        }
        done = subprocess.run(
            [sys.executable, "-m", "lentera", *map(str, arguments)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    @property
    def settings(self) -> GatewayConfig:
        return load(self.config)

    @property
    def cloud(self) -> CloudConfig:
        return CloudConfig(
            database_url=f"sqlite:///{self.folder}/cloud.db",
            telemetry_url=f"sqlite:///{self.folder}/telemetry.db",
            gateway_keys=self.folder / "keys",
        )

    def store_at(self, now: datetime, bundle: Path) -> StoredBundle:
        """As `store`, in this process and at that time; the answer lies beside the bundle."""
        stored = store_bundle_records(self.cloud, clock_at(now), bundle.read_bytes(), bundle.name)
        bundle.with_suffix(".answer").write_bytes(stored.answer)
        return stored

    def export(self) -> str:
        return self.run("edge", "export", "--config", self.config, self.bundle)

    def store(self, status: int = 0) -> str:
        return self.run("admin", "import", self.bundle, status=status)

    def stored(self) -> tuple[int, int, int]:
        """Readings, events and results in the cloud's stores."""
        return (
            count(self.folder / "telemetry.db", "readings"),
            count(self.folder / "cloud.db", "events"),
            count(self.folder / "cloud.db", "command_results"),
        )


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        number: int = database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608
        return number


async def fill(config: Path, epoch: int = 1_780_000_000_000) -> None:
    settings = load(config).outbox
    outbox, memory = Outbox(settings.path, lambda: epoch), StateStore(settings.state_path)
    await outbox.open()
    await memory.open()
    lit = LampReading("SOR-00001", EVENING, 100, 100, Reason.PROGRAM, 99.0, 228.0, 0.4, 90.0)
    for n in range(RECORDS - 2):
        outbox.append(replace(lit, time=EVENING + timedelta(minutes=n)))
    outbox.append(DeviceEvent("SOR-00001", EventType.COMMUNICATION_FAILURE, EVENING, True, "no answer"))
    outbox.append(CommandResult("c1", "SOR-00001", CommandStatus.CONFIRMED, EVENING, 40))
    await outbox.close()
    await memory.close()


def want_a_plan(folder: Path, level: int = 40) -> WantedDocument:
    """Put a town and a plan for its only lamp into the cloud; what the gateway should run then."""
    town = Inventory(
        [Area("32.04.37", "Soreang", -7.03, 107.52)],
        [Gateway("soreang-01", "32.04.37", -7.03, 107.52, "Asia/Jakarta")],
        [Lamp("SOR-00001", "32.04.37", "soreang-01", 1, 1, -7.03, 107.52)],
    )
    plan = DesiredPlan(
        {"dim": LightingProgram("dim", "Dim", initial_level_percent=level)},
        {"dim": Calendar("dim", "Dim", (CalendarRule("dim"),))},
        {},
        (Assignment(Scope.LAMP, "SOR-00001", "dim"),),
    )
    engine = create_engine(f"sqlite:///{folder}/cloud.db")
    import_inventory(engine, town)
    store = PlanStore(engine)
    store.save(store.load(), plan, store.revision())
    engine.dispose()
    return resolve_plan(plan, town).gateway_plan("soreang-01")
