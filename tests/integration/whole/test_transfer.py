"""A kecamatan without internet: records leave a gateway as a file, and the answer comes back as one."""

import shutil
from pathlib import Path

import pytest

from edge.config.settings import load
from edge.outbox import Outbox
from edge.storage.state import StateStore
from protocols.lighting.plan import decode_plan, plan_hash
from tests.support.transfer_desk import RECORDS, Desk, count, fill, want_a_plan


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    """A gateway with records, and a cloud with none."""
    here = Desk(tmp_path)
    await fill(here.config)
    return here


async def test_there_and_back_twice_and_nothing_is_lost_or_doubled(desk: Desk) -> None:
    (desk.folder / "keys" / "soreang-01.key").unlink()
    shutil.copy(desk.run("admin", "create-gateway-key", "soreang-01").strip(), desk.folder / "soreang-01.key")
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
    memory, outbox = StateStore(settings.state_path), Outbox(settings.path, lambda: 1)
    await memory.open()
    await outbox.open()
    brought = await memory.offered_plan()
    assert brought is not None
    assert (brought, plan_hash(brought)) == (wanted.document, wanted.hash)
    assert decode_plan(brought, "brought").calendar_of("SOR-00001") == "dim"
    assert await outbox.count() == 0
    await memory.close()
    await outbox.close()
    assert desk.run("edge", "import", "--config", desk.config, desk.answer).startswith("0 records")
    assert desk.export().startswith("0 records")


async def test_a_tampered_bundle_is_refused_whole(desk: Desk) -> None:
    desk.export()
    desk.store()
    for file in (desk.bundle, desk.answer):
        file.write_bytes(file.read_bytes().replace(b'"gateway":"s', b'"gateway":"\xff'))
    refused = desk.store(status=2), desk.run("edge", "import", "--config", desk.config, desk.answer, status=2)
    for said, what in zip(refused, ("nothing of it is stored", "nothing has changed"), strict=True):
        assert said.startswith(f"lentera: refused whole, {what}: soreang-01.bundle")
        assert said.count("\n") == 1


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
    assert "signature does not match" in desk.store(status=2)
    assert other.exists()


async def test_without_a_key_nothing_is_written(desk: Desk) -> None:
    (desk.folder / "soreang-01.key").unlink()
    said = desk.run("edge", "export", "--config", desk.config, desk.bundle, status=2)
    assert "expected a readable key" in said
    assert not desk.bundle.exists()
