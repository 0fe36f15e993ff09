"""Which plan a gateway without internet follows is known from the files that are carried."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.database import create_engine
from cloud.fleet.gateways import GatewayStates
from cloud.fleet.views import GatewayDetail
from cloud.ingest.batch import Batch
from cloud.ingest.commit import Committer
from cloud.ingest.inventory_cache import InventoryCache
from cloud.inventory.store import InventoryStore
from cloud.plans.active import PlanInForce
from cloud.plans.store import PlanStore
from cloud.telemetry.open import open_store
from edge.outbox import Outbox
from edge.storage.state import StateStore
from edge.tools.transfer import export_records, import_answer
from protocols.lamp import LampReading, Reason
from protocols.lighting.plan import plan_hash
from protocols.sparkplug.host_events import NodeBorn, NodeDied
from protocols.transfer.bundle import BundleKind, Header, sign_bundle
from tests.support.edge_cloud import clock_at
from tests.support.transfer_desk import EVENING, Desk, fill, want_a_plan

NODE = ("32.04.37", "soreang-01")
LATER = EVENING + timedelta(days=60)


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    """A gateway with records, and a cloud that wants a plan of it."""
    here = Desk(tmp_path)
    await fill(here.config)
    want_a_plan(here.folder)
    return here


@pytest.fixture
async def memory(desk: Desk) -> AsyncIterator[StateStore]:
    """The gateway's memory."""
    memory = StateStore(desk.settings.outbox.state_path)
    await memory.open()
    yield memory
    await memory.close()


def gateway(desk: Desk) -> GatewayDetail:
    engine = create_engine(desk.cloud.database_url)
    plan = PlanInForce(PlanStore(engine), InventoryStore(engine).load)
    found = GatewayStates(engine, plan).one("soreang-01")
    engine.dispose()
    assert found is not None
    return found


def ingester(desk: Desk) -> Committer:
    engine = create_engine(desk.cloud.database_url)
    directory = InventoryCache(InventoryStore(engine).load)
    committer = Committer(engine, open_store(desk.cloud.telemetry_url), directory, clock_at(LATER))
    committer.resume()
    return committer


async def test_the_cloud_learns_which_plan_is_followed(desk: Desk, memory: StateStore) -> None:
    first, second = desk.folder / "1.bundle", desk.folder / "2.bundle"
    assert (gateway(desk).plan_hash, gateway(desk).plan_in_force) == (None, False)
    export_records(desk.settings, first)
    desk.store_at(LATER, first)
    assert (gateway(desk).plan_hash, gateway(desk).plan_in_force, gateway(desk).online) == ("", False, False)

    import_answer(desk.settings, first.with_suffix(".answer"))
    brought = await memory.brought_plan()
    assert brought is not None
    await memory.keep_plan(brought)
    await memory.note_plan("a newer one\0is nonsense", 0)
    await record_one(desk)
    export_records(desk.settings, second)
    desk.store_at(LATER, second)
    follows = gateway(desk)
    assert (follows.plan_hash, follows.plan_in_force) == (plan_hash(brought), True)
    assert follows.plan_problem == "a newer one\N{REPLACEMENT CHARACTER}is nonsense"
    assert not follows.online
    desk.store_at(LATER, first)
    assert gateway(desk) == follows, "an older bundle does not know better"


async def record_one(desk: Desk) -> None:
    outbox = Outbox(desk.settings.outbox.path, lambda: 1)
    await outbox.open()
    late = EVENING + timedelta(days=20)
    outbox.append(LampReading("SOR-00001", late, 100, 100, Reason.PROGRAM, 99.0, 228.0, 0.4, 90.0))
    await outbox.close()


async def test_an_ingester_at_work_keeps_what_was_imported_beside_it(desk: Desk, memory: StateStore) -> None:
    committer = ingester(desk)
    await memory.note_plan("too long", 0)
    export_records(desk.settings, desk.bundle)
    desk.store_at(LATER, desk.bundle)
    committer.refresh_inventory()
    committer.commit(Batch(lost=[NODE]))
    assert (gateway(desk).plan_hash, gateway(desk).plan_problem) == ("", "too long")


async def test_a_gateway_within_reach_knows_better_than_a_file(desk: Desk) -> None:
    export_records(desk.settings, desk.bundle)
    committer, batch = ingester(desk), Batch()
    batch.add_node(NodeBorn(*NODE, [], 0))
    committer.commit(batch)
    desk.store_at(LATER, desk.bundle)
    assert (gateway(desk).plan_hash, gateway(desk).online) == (None, True)
    batch = Batch()
    batch.add_node(NodeDied(*NODE))
    committer.commit(batch)
    desk.store_at(LATER, desk.bundle)
    assert (gateway(desk).plan_hash, gateway(desk).online) == ("", False)


async def test_a_bundle_of_an_older_version_leaves_what_is_known(desk: Desk) -> None:
    export_records(desk.settings, desk.bundle)
    desk.store_at(LATER, desk.bundle)
    known, old = gateway(desk), desk.folder / "old.bundle"
    key = bytes.fromhex((desk.folder / "soreang-01.key").read_text())
    old.write_bytes(b"".join(sign_bundle(Header(BundleKind.RECORDS, *NODE, 1_780_000_000_000), [], key)))
    assert desk.store_at(LATER, old).records == 0
    assert gateway(desk) == known
