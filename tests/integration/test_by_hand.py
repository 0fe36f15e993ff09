"""A kecamatan without internet: records leave a gateway as a file, and the answer comes back as one."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.control.desired import Assignment, DesiredPlan, Scope
from cloud.control.planstore import PlanStore
from cloud.control.town import WantedDocument, lay
from cloud.database import create_engine
from cloud.inventory.service import import_inventory
from edge.config import load
from edge.memory import Memory
from edge.outbox import Outbox
from protocols.events import DeviceEvent, EventType
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from protocols.lamp import CommandResult, CommandStatus, LampReading, Reason
from protocols.lighting.calendar import Calendar, CalendarRule
from protocols.lighting.plan import decode_plan, plan_hash
from protocols.lighting.program import LightingProgram

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
[by_hand]
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
        self.parcel = folder / "soreang-01.parcel"
        self.answer = folder / "soreang-01.parcel.answer"
        self.run("admin", "migrate")
        self.config = self.gateway("soreang-01")

    def gateway(self, name: str) -> Path:
        config = self.folder / f"{name}.toml"
        config.write_text(CONFIG.format(gateway=name, folder=self.folder))
        made = self.run("admin", "create-gateway-key", name)
        shutil.copy(made.strip(), self.folder / f"{name}.key")
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

    def export(self) -> str:
        return self.run("edge", "export", "--config", self.config, self.parcel)

    def store(self, status: int = 0) -> str:
        return self.run("admin", "import", self.parcel, status=status)

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
    outbox, memory = Outbox(settings.path, lambda: epoch), Memory(settings.memory_path)
    await outbox.open()
    await memory.open()
    lit = LampReading("SOR-00001", EVENING, 100, 100, Reason.PROGRAM, 99.0, 228.0, 0.4, 90.0)
    for n in range(RECORDS - 2):
        outbox.append(replace(lit, time=EVENING + timedelta(minutes=n)))
    outbox.append(DeviceEvent("SOR-00001", EventType.COMMUNICATION_FAILURE, EVENING, True, "no answer"))
    outbox.append(CommandResult("c1", "SOR-00001", CommandStatus.CONFIRMED, EVENING, 40))
    await outbox.close()
    await memory.close()


def want_a_plan(folder: Path) -> WantedDocument:
    """Put a town and a plan for its only lamp into the cloud; what the gateway should run then."""
    town = Inventory(
        [Area("32.04.37", "Soreang", -7.03, 107.52)],
        [Gateway("soreang-01", "32.04.37", -7.03, 107.52, "Asia/Jakarta")],
        [Lamp("SOR-00001", "32.04.37", "soreang-01", 1, 1, -7.03, 107.52)],
    )
    plan = DesiredPlan(
        {"dim": LightingProgram("dim", "Dim", initial_level_percent=40)},
        {"dim": Calendar("dim", "Dim", (CalendarRule("dim"),))},
        {},
        (Assignment(Scope.LAMP, "SOR-00001", "dim"),),
    )
    engine = create_engine(f"sqlite:///{folder}/cloud.db")
    import_inventory(engine, town)
    store = PlanStore(engine)
    store.save(store.load(), plan, store.revision())
    engine.dispose()
    return lay(plan, town).gateway_plan("soreang-01")


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    """A gateway with records, and a cloud with none."""
    here = Desk(tmp_path)
    await fill(here.config)
    return here


async def test_there_and_back_twice_and_nothing_is_lost_or_doubled(desk: Desk) -> None:
    wanted = want_a_plan(desk.folder)
    assert desk.export().startswith(f"{RECORDS} records")
    assert desk.store().startswith(f"{RECORDS} records of soreang-01 stored")
    first = desk.stored()
    assert first[:2] == (RECORDS - 2, 1)
    desk.store()
    assert desk.stored() == first

    said = desk.run("edge", "import", "--config", desk.config, desk.answer)
    assert said.startswith(f"{RECORDS} records")
    settings = load(desk.config).outbox
    memory, outbox = Memory(settings.memory_path), Outbox(settings.path, lambda: 1)
    await memory.open()
    await outbox.open()
    brought = await memory.brought_plan()
    assert brought is not None
    assert (brought, plan_hash(brought)) == (wanted.document, wanted.hash)
    assert decode_plan(brought, "brought").calendar_of("SOR-00001") == "dim"
    assert await outbox.count() == 0
    await memory.close()
    await outbox.close()
    assert desk.run("edge", "import", "--config", desk.config, desk.answer).startswith("0 records")
    assert desk.export().startswith("0 records")


@pytest.mark.parametrize("at", [30, 200, -100, -1])
async def test_a_tampered_parcel_is_refused_whole(desk: Desk, at: int) -> None:
    desk.export()
    content = bytearray(desk.parcel.read_bytes())
    content[at] ^= 1
    desk.parcel.write_bytes(content)
    assert "soreang-01.parcel: " in desk.store(status=2)
    assert desk.stored()[1:] == (0, 0)
    assert not (desk.folder / "telemetry.db").exists() or desk.stored()[0] == 0
    assert not desk.answer.exists()


async def test_a_tampered_answer_changes_nothing(desk: Desk) -> None:
    desk.export()
    desk.store()
    content = bytearray(desk.answer.read_bytes())
    content[-70] ^= 1
    desk.answer.write_bytes(content)
    said = desk.run("edge", "import", "--config", desk.config, desk.answer, status=2)
    assert "signature does not fit" in said
    assert count(load(desk.config).outbox.path, "records") == RECORDS


async def test_an_answer_for_another_outbox_is_refused(desk: Desk) -> None:
    desk.export()
    desk.store()
    path = load(desk.config).outbox.path
    for file in path.parent.glob(path.name + "*"):
        file.unlink()
    await fill(desk.config, epoch=1_790_000_000_000)
    said = desk.run("edge", "import", "--config", desk.config, desk.answer, status=2)
    assert "outbox 1780000000000, expected an answer for this gateway's outbox" in said
    assert count(path, "records") == RECORDS


async def test_one_gateway_cannot_speak_for_another(desk: Desk) -> None:
    other = desk.gateway("soreang-02")
    shutil.copy(desk.folder / "soreang-02.key", desk.folder / "soreang-01.key")
    desk.export()
    assert "signature does not fit" in desk.store(status=2)
    assert other.exists()


async def test_without_a_key_nothing_is_written(desk: Desk) -> None:
    (desk.folder / "soreang-01.key").unlink()
    said = desk.run("edge", "export", "--config", desk.config, desk.parcel, status=2)
    assert "expected a readable key" in said
    assert not desk.parcel.exists()
